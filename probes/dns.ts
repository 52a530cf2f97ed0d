/**
 * The dns probe: looks names up as everybody does, and at each of their name servers: are the records right, and do
 * all agree?
 */
import { isIP } from "node:net";
import { z } from "zod";
import { duration } from "../core/config/settings.ts";
import { isDeadline } from "../core/deadline.ts";
import { Unreachable } from "../core/errors.ts";
import type { Localised } from "../core/language.ts";
import { plainText } from "../core/plain-text.ts";
import { defineProbe, type ProbeContext } from "../core/probe.ts";
import type { Finding } from "../core/sample.ts";
import { hostName, portNumber } from "./lib/host-settings.ts";
import { degradation, findingOf, type Problem } from "./lib/problem.ts";
import {
  differenceOf,
  inWords,
  NameServer,
  normal,
  type RecordType,
  recordTypes,
  type SeenRecords,
  shown,
  type WantedRecords,
} from "./names/dns-query.ts";
import { askEach, nameServerMetric, nothingAsked } from "./names/zone.ts";

const serverAddress = () =>
  z
    .string()
    .max(60)
    .refine((text) => isIP(text) > 0 || /^(?:\d+(?:\.\d+){3}|\[[\da-f:.]+\]):\d{1,5}$/i.test(text), {
      error: "expected the address of a name server, like 192.0.2.53 or [2001:db8::53]:5353",
    });

/** As it is written in the configuration, and shown when it is not. */
const examples: Readonly<Record<RecordType, string>> = {
  A: "192.0.2.10",
  AAAA: "2001:db8::10",
  CNAME: "host.example",
  MX: "10 mail.example",
  TXT: "v=spf1 mx -all",
  NS: "ns1.example",
  CAA: "0 issue letsencrypt.org",
  SRV: "0 5 5060 sip.example",
};

const host = String.raw`(?:\.|[\w-]{1,63}(?:\.[\w-]{1,63})*\.?)`;
const flags = String.raw`(?:25[0-5]|2[0-4]\d|1?\d?\d)`;
const sixteenBits = String.raw`(?:6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]\d{4}|\d{1,4})`;

/** A record of another form is one that no name server can ever give. */
const forms: Readonly<Record<RecordType, (record: string) => boolean>> = {
  A: (record) => isIP(record) === 4,
  AAAA: (record) => isIP(record) === 6,
  CNAME: matching(host),
  MX: matching(sixteenBits, host),
  TXT: () => true,
  NS: matching(host),
  CAA: matching(flags, "[a-z0-9]+", ".+"),
  SRV: matching(sixteenBits, sixteenBits, sixteenBits, host),
};

function matching(...words: readonly string[]): (record: string) => boolean {
  const form = new RegExp(`^${words.join("\\s+")}$`, "i");
  return (record) => form.test(record.trim());
}

const records = (type: RecordType) =>
  z
    .array(
      z
        .string()
        .min(1)
        .max(1000)
        .refine(forms[type], {
          error: ({ input }) =>
            `"${plainText(String(input), 60)}" is no record of type ${type}: write it like "${examples[type]}"`,
        }),
    )
    .max(50)
    .optional()
    .describe(`Records of type ${type}, such as \`${examples[type]}\`.`);

const options = z.strictObject({
  name: hostName().describe("The name to look up: `social.example`."),
  expect: z
    .strictObject({
      A: records("A"),
      AAAA: records("AAAA"),
      CNAME: records("CNAME"),
      MX: records("MX"),
      TXT: records("TXT"),
      NS: records("NS"),
      CAA: records("CAA"),
      SRV: records("SRV"),
    })
    .refine((wanted) => Object.keys(wanted).length > 0, {
      error: "nothing is expected here: write records by type, like { A: [192.0.2.10] }, or leave `expect` out",
    })
    .optional()
    .describe(
      "Which records there must be, by type; an empty list: none. Of TXT and CAA there may be more, of the others not. Without it: an address of either kind.",
    ),
  servers: z
    .array(serverAddress())
    .max(8)
    .prefault([])
    .describe("The resolvers to ask first. Default: those of this machine."),
  authoritative: z
    .boolean()
    .prefault(true)
    .describe("Ask each name server of the zone as well, and compare what they say."),
  zone: hostName()
    .optional()
    .describe("The zone that the name is in. Default: the nearest name at or above it that has a SOA record."),
  nameServers: z
    .array(serverAddress())
    .max(16)
    .optional()
    .describe("The name servers of the zone, where they are not found by its NS records."),
  nameServerPort: portNumber().prefault(53).describe("The port of the name servers that are found by NS records."),
  agreeWithin: duration()
    .prefault("30m")
    .describe(
      "How long the name servers of one provider may have different versions of the zone after a change. Several providers each count versions for themselves.",
    ),
});
type Options = z.output<typeof options>;

export default defineProbe({
  summary: "Looks a name up, compares its records with what they should be, and all its name servers with each other.",
  readings: [nameServerMetric],
  options,
  runbook: "dns",
  example: { name: "social.example", expect: { A: ["192.0.2.10"], MX: ["10 mail.social.example"] } },
  defaults: { everySeconds: 300, timeoutSeconds: 30 },

  async run(settings, context) {
    const { signal } = context;
    signal.throwIfAborted();
    try {
      const looked = await look(settings, context);
      signal.throwIfAborted();
      return looked;
    } catch (error) {
      if (!signal.aborted) throw error;
      if (isDeadline(signal.reason))
        throw new Unreachable("the name servers did not answer in time", { stage: "resolve" });
      throw signal.reason;
    }
  },
});

async function look(settings: Options, context: ProbeContext): Promise<Finding> {
  const { name, servers, authoritative } = settings;
  const resolver = new NameServer(servers, context.signal);
  const wanted = wantedOf(settings);
  const started = context.clock.monotonicSeconds();
  const seen = await Promise.all(
    wanted.map(async ({ type }) => ({ type, answer: await resolver.records(name, type) })),
  );
  const seconds = context.clock.monotonicSeconds() - started;
  const everybody = judgeResolver(name, seen, wanted);
  const each = authoritative ? await askEach(settings, resolver, wanted, context) : nothingAsked;
  const evidence = [...seen.map((one) => `resolver: ${one.type} ${shown(one.answer)}`), ...each.notes].join("\n");
  const problems = [...everybody, ...each.problems].map((problem) => ({ ...problem, evidence }));
  return {
    ...findingOf(problems.slice(0, 1), {
      phases: { resolve: seconds, total: seconds },
      readings: each.readings,
      note: each.note,
    }),
    ...(problems.length > 1 && { reason: problems.map(({ reason }) => reason).join("; ") }),
  };
}

function wantedOf({ expect = {} }: Options): readonly WantedRecords[] {
  const named = recordTypes.flatMap((type) => {
    const records = expect[type];
    return records ? [{ type, records: records.map((record) => normal(record, type)) }] : [];
  });
  return named.length > 0 ? named : addresses.map((type) => ({ type, records: undefined }));
}

const addresses = ["A", "AAAA"] as const;

/** What members get when they type the name. */
function judgeResolver(
  name: string,
  seen: readonly SeenRecords[],
  wanted: readonly WantedRecords[],
): readonly Problem[] {
  const failures = seen.flatMap(({ answer }) => (answer.failure && answer.failure !== "nxdomain" ? [answer] : []));
  const [failed] = failures;
  // Nobody who asks this way gets an answer; whether it is our own network is for the collector to find out.
  if (failed) {
    const evidence = seen.map(({ type, answer }) => `${type} ${shown(answer)}`).join("\n");
    throw new Unreachable(`asked for ${name}, the resolver ${inWords(failed.failure)}`, { stage: "resolve", evidence });
  }
  const bare = wanted.every(({ records }) => records === undefined);
  if (seen.some(({ answer }) => answer.failure === "nxdomain")) {
    const meant = wanted.every(({ records }) => records?.length === 0);
    return meant ? [] : [down(`the name ${name} does not exist (NXDOMAIN)`)];
  }
  if (bare) return seen.every(({ answer }) => answer.records.length === 0) ? [down(`${name} has no address`)] : [];
  return seen.flatMap(({ type, answer }) => {
    const difference = differenceOf(type, answer, wanted);
    if (difference === undefined) return [];
    return [leading.includes(type) ? down(difference) : degradation(difference, mailMayFail)];
  });
}

/** Records by which members find the service at all. */
const leading: readonly RecordType[] = ["A", "AAAA", "CNAME", "NS"];

const down = (reason: string): Problem => ({
  outcome: "down",
  reason,
  explanation: {
    en: "Our address leads nowhere, or to the wrong place.",
    fr: "Notre adresse ne mène nulle part, ou pas au bon endroit.",
  },
});

const mailMayFail: Localised = {
  en: "Emails may not arrive, because entries of our address are wrong.",
  fr: "Des courriels pourraient ne pas arriver : des entrées de notre adresse sont erronées.",
};
