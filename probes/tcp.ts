/** The tcp probe: connects to a port and, where wanted, waits for the greeting (banner). */
import { z } from "zod";
import type { Clock } from "../core/clock.ts";
import { plainText } from "../core/plain-text.ts";
import { defineProbe, type Line } from "../core/probe.ts";
import type { Finding } from "../core/sample.ts";
import { addressFamily, hostName, portNumber } from "./lib/host-settings.ts";

const options = z.strictObject({
  host: hostName().describe("Where to connect to: `git.example` or an address."),
  port: portNumber().describe("The port."),
  send: z
    .string()
    .min(1)
    .max(1000)
    .optional()
    .describe("What to say first, for a server that waits for it; `\\r\\n` in double quotes ends a line."),
  expect: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .describe(
      "How the answer must begin, or one of the lines it begins with: `SSH-2.0-`. Without it a connection is enough.",
    ),
  family: addressFamily(),
});

export default defineProbe({
  summary: "Connects to a port, and compares how the server greets with how it should.",
  options,
  example: { host: "git.example", port: 22, expect: "SSH-2.0-" },

  run: ({ expect, send, ...place }, { net, clock }) =>
    net.converse(place, async (line): Promise<Finding> => {
      if (send !== undefined) line.write(send);
      if (expect === undefined) return { outcome: "up", phases: line.phases() };
      const said = await greetingOf(line, Buffer.from(expect), clock);
      return { ...judged(said, expect), phases: line.phases() };
    }),
});

const mostBytes = 8000;
/** Once it has said something else, for the line that may still follow. */
const greetingSeconds = 2;

/** As much as is needed to tell. SSH may say other lines before its own (RFC 4253, 4.2), so the first does not decide. */
async function greetingOf(line: Line, wanted: Buffer, clock: Clock): Promise<Buffer> {
  let said = Buffer.alloc(0);
  const enough = new AbortController();
  let late: Promise<undefined> | undefined;
  try {
    while (said.length < mostBytes && !begins(said, wanted)) {
      if (said.length > 0 && !mayStillBegin(said, wanted)) late ??= soon(clock, enough.signal);
      const more = await Promise.race([line.read(), ...(late ? [late] : [])]);
      if (!more) break;
      said = Buffer.concat([said, more.subarray(0, mostBytes)]);
    }
    return said;
  } finally {
    enough.abort();
  }
}

async function soon(clock: Clock, signal: AbortSignal): Promise<undefined> {
  // It is cut short whenever the answer comes first.
  await clock.sleep(greetingSeconds, signal).catch(() => {});
}

/** One of its lines begins so. */
function begins(said: Buffer, wanted: Buffer): boolean {
  return said.subarray(0, wanted.length).equals(wanted) || said.includes(Buffer.concat([lineFeed, wanted]));
}
const lineFeed = Buffer.from("\n");

/** What has come so far is a piece of what is wanted. */
const mayStillBegin = (said: Buffer, wanted: Buffer): boolean => wanted.subarray(0, said.length).equals(said);

function judged(said: Buffer, expect: string): Finding {
  if (begins(said, Buffer.from(expect))) return { outcome: "up" };
  const told = plainText(said.toString("utf8"), 60);
  return {
    outcome: "down",
    reason: said.length === 0 ? "hung up without a word" : `greets with "${told}", not "${plainText(expect, 60)}"`,
    explanation: {
      en: "The service answers, but not as it should.",
      fr: "Le service répond, mais pas comme il le devrait.",
    },
    evidence: plainText(said.toString("utf8"), 500),
  };
}
