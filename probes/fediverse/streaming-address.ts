/** Finds the address of Mastodon's streaming server in its instance document, and keeps it for a while. */
import { z } from "zod";
import { sameInAll } from "../../core/language.ts";
import { plainText } from "../../core/plain-text.ts";
import type { HttpAnswer, ProbeContext } from "../../core/probe.ts";
import { askInstance } from "./instance.ts";

export interface StreamingAddress {
  /** As HTTP: `https://streaming.social.example/`. */
  readonly base: URL;
  readonly namedBy?: Pick<HttpAnswer, "address">;
  /** Why apps cannot use the address that is named. */
  readonly fault?: string;
}

const askAgainSeconds = 600;
const Remembered = z.object({ named: z.string().optional(), from: z.string(), at: z.number() });
const schemes = new Map([
  ["wss:", "https:"],
  ["https:", "https:"],
  ["ws:", "http:"],
  ["http:", "http:"],
]);

/** The server's own address where it names no other. Throws `Unreachable` when there is no server to ask. */
export async function streamingAddress(origin: URL, context: ProbeContext): Promise<StreamingAddress> {
  const { memory, clock } = context;
  const known = Remembered.safeParse(memory.get("streamingAddress")).data;
  if (known && clock.monotonicSeconds() - known.at < askAgainSeconds) return read(known, origin);
  const asked = askInstance(origin, sameInAll("Mastodon"), context);
  // Once it is known, a server that does not tell it again changes nothing.
  const look = await (known ? asked.catch(() => undefined) : asked);
  context.signal.throwIfAborted();
  if (!look?.instance) return known ? read(known, origin) : { base: new URL("/", origin) };
  const found = { named: look.instance.streaming, from: look.answer.address, at: clock.monotonicSeconds() };
  memory.set("streamingAddress", found);
  return read(found, origin);
}

function read({ named, from }: { named?: string | undefined; from: string }, origin: URL): StreamingAddress {
  if (named === undefined) return { base: new URL("/", origin) };
  const address = URL.parse(named);
  const scheme = address && schemes.get(address.protocol);
  const base = scheme ? URL.parse(`${scheme}//${address.host}/`) : null;
  if (!base) return fault(`"${plainText(named, 60)}" is no address`, origin);
  if (origin.protocol === "https:" && base.protocol === "http:") {
    return fault(`${plainText(named, 60)} is not encrypted, so browsers refuse it`, origin);
  }
  return { base, namedBy: { address: from } };
}

const fault = (what: string, origin: URL): StreamingAddress => ({
  base: new URL("/", origin),
  fault: `the streaming address in the instance document is wrong: ${what}`,
});
