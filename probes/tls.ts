/** The tls probe: the TLS certificate of any port: its chain, its expiry, its names, and old protocol versions. */
import { z } from "zod";
import type { Localised } from "../core/language.ts";
import { defineProbe, type TlsFault, type TlsReport } from "../core/probe.ts";
import {
  certificateAuthority,
  certificateEvidence,
  certificateMetrics,
  certificateNote,
  certificateReadings,
  certificateThresholds,
  renewalDays,
} from "./lib/certificate.ts";
import { addressFamily, hostName, portNumber } from "./lib/host-settings.ts";
import { degradation, findingOf, type Problem } from "./lib/problem.ts";

const options = z.strictObject({
  host: hostName().describe("Where to connect to: `social.example`."),
  port: portNumber().prefault(443).describe("The port, which must speak TLS from the first byte."),
  name: hostName().optional().describe("The name that the certificate must be for, where it is not that of `host`."),
  alsoFor: z
    .array(hostName())
    .max(100)
    .prefault([])
    .describe("Further names that the same certificate must hold for, such as `files.social.example`."),
  atLeast: z
    .enum(["TLSv1.2", "TLSv1.3"])
    .prefault("TLSv1.2")
    .describe("The oldest version of TLS that is good enough; anything older than 1.2 is never spoken."),
  certificateDays: renewalDays(),
  family: addressFamily(),
  ca: certificateAuthority(),
});
type Options = z.output<typeof options>;

export default defineProbe({
  summary: "Looks at the certificate of any port that speaks TLS: chain, names, end, version.",
  readings: certificateMetrics,
  options,
  example: { host: "social.example", alsoFor: ["files.social.example"] },
  defaults: { everySeconds: 300 },

  thresholds: ({ certificateDays }) => certificateThresholds(certificateDays),

  run: (settings, { net, clock }) =>
    net.converse(settings, async (line) => {
      const { host, name = host, ca, certificateDays } = settings;
      const report = await line.secure({ name, ca: ca?.reveal() });
      const now = clock.now();
      const found = findingOf(problemsOf(report, settings), {
        phases: line.phases(),
        readings: certificateReadings(report, now, certificateDays),
        note: certificateNote(report, now, certificateDays),
      });
      return { ...found, runbook: "certificate" };
    }),
});

function problemsOf(report: TlsReport, { alsoFor, atLeast }: Options): readonly Problem[] {
  const evidence = certificateEvidence(report);
  const refused = report.faults.map(
    ({ kind, sentence }): Problem => ({
      outcome: "down",
      reason: sentence,
      explanation: explanationOf(kind),
      evidence,
    }),
  );
  const missing = alsoFor.filter((name) => !report.names.some((certified) => covers(certified, name)));
  return [
    ...refused,
    ...(missing.length > 0
      ? [degradation(`certificate is not for ${missing.slice(0, 3).join(", ")}`, explanationOf("wrong-name"), evidence)]
      : []),
    ...(report.protocol < atLeast
      ? [degradation(`speaks ${report.protocol}, not ${atLeast}`, oldVersion, evidence)]
      : []),
  ];
}

/** A wildcard (*.example.org) stands for one label, and only for the first. */
function covers(certified: string, wanted: string): boolean {
  const [pattern, name] = [certified.toLowerCase(), wanted.toLowerCase().replace(/\.$/, "")];
  return pattern.startsWith("*.") ? name.slice(name.indexOf(".")) === pattern.slice(1) : name === pattern;
}

function explanationOf(kind: TlsFault["kind"]): Localised {
  if (kind === "expired" || kind === "not-yet-valid") {
    return {
      en: "Browsers warn that the page is not safe, because the proof of who we are is not valid at present.",
      fr: "Les navigateurs avertissent que la page n’est pas sûre : la preuve de notre identité n’est pas valide en ce moment.",
    };
  }
  if (kind === "wrong-name" || kind === "common-name-only") {
    return {
      en: "Browsers warn that the page is not safe, because the proof of who we are does not fit our address.",
      fr: "Les navigateurs avertissent que la page n’est pas sûre : la preuve de notre identité ne correspond pas à notre adresse.",
    };
  }
  return {
    en: "A browser may warn that the page is not safe, and other servers may refuse to talk to us.",
    fr: "Un navigateur peut avertir que la page n’est pas sûre, et d’autres serveurs peuvent refuser la connexion.",
  };
}

const oldVersion: Localised = {
  en: "Everything works, but the connection is not encrypted as well as it should be.",
  fr: "Tout fonctionne, mais la connexion n’est pas chiffrée aussi bien qu’elle devrait l’être.",
};
