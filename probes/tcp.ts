/** Connects to a port and, where wanted, waits for what the server says first. */
import { z } from "zod";
import { plainText } from "../core/plain-text.ts";
import { defineProbe, type Line } from "../core/probe.ts";
import type { Finding } from "../core/sample.ts";
import { addressFamily, hostName, portNumber } from "./lib/place.ts";

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
    .describe("How the answer must begin: `SSH-2.0-`. Without it a connection is enough."),
  family: addressFamily(),
});

export default defineProbe({
  summary: "Connects to a port, and compares how the server greets with how it should.",
  options,
  example: { host: "git.example", port: 22, expect: "SSH-2.0-" },

  run: ({ expect, send, ...place }, { net }) =>
    net.converse(place, async (line): Promise<Finding> => {
      if (send !== undefined) line.write(send);
      if (expect === undefined) return { outcome: "up", phases: line.phases() };
      const said = await beginning(line, Buffer.from(expect));
      return { ...judged(said, expect), phases: line.phases() };
    }),
});

/** As much as is needed to tell, and a little more for whoever reads it. */
async function beginning(line: Line, wanted: Buffer): Promise<Buffer> {
  let said = Buffer.alloc(0);
  while (said.length < wanted.length && wanted.subarray(0, said.length).equals(said)) {
    const more = await line.read();
    if (!more) break;
    said = Buffer.concat([said, more.subarray(0, 1000)]);
  }
  return said;
}

function judged(said: Buffer, expect: string): Finding {
  if (said.subarray(0, Buffer.byteLength(expect)).equals(Buffer.from(expect))) return { outcome: "up" };
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
