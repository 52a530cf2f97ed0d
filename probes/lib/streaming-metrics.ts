/** What Mastodon's streaming server counts of itself, and whether it has gone deaf: members connected, nothing coming in. */
import { z } from "zod";
import type { Localised } from "../../core/language.ts";
import type { ProbeContext } from "../../core/probe.ts";
import type { Reading } from "../../core/sample.ts";
import { evidenceOf } from "./answer.ts";
import { couldNotCheck } from "./explanation.ts";
import { blemish, type Flaw } from "./flaw.ts";
import { patiently } from "./patience.ts";

export interface Hearing {
  readonly flaws: readonly Flaw[];
  readonly readings: readonly Reading[];
}

interface Counted {
  readonly clients: ReadonlyMap<string, number>;
  readonly messages: number;
}

const Remembered = z.object({ messages: z.number(), since: z.number() });

/** @param quietFor seconds without a message that are too long while somebody listens. */
export async function hearing(
  metrics: URL,
  quietFor: number,
  explanation: Localised,
  context: ProbeContext,
): Promise<Hearing> {
  const heard = await patiently(context.http.get(metrics), context);
  if (!("answer" in heard)) return notSeen(`its metrics: ${heard.silence}`, heard.evidence);
  const { answer } = heard;
  const counted = answer.status === 200 ? counts(answer.text()) : undefined;
  if (!counted) return notSeen(`${metrics.pathname} is not what a streaming server counts`, evidenceOf(answer));
  const clients = [...counted.clients.values()].reduce((sum, count) => sum + count, 0);
  const quietSeconds = quietSince(counted.messages, clients, context);
  const readings = [
    ...[...counted.clients].map(([type, value]) => ({
      metric: "mastodon_streaming_clients",
      value,
      labels: { type },
    })),
    { metric: "mastodon_streaming_messages_received_total", value: counted.messages },
  ];
  if (quietSeconds < quietFor) return { flaws: [], readings };
  const minutes = Math.floor(quietSeconds / 60);
  const reason = `streaming is deaf: ${clients} connected, no message from Redis for ${minutes} min`;
  return { flaws: [blemish(reason, explanation, evidenceOf(answer))], readings };
}

/** Seconds since the last message, of the time in which somebody was connected. */
function quietSince(messages: number, clients: number, { memory, clock }: ProbeContext): number {
  const now = clock.monotonicSeconds();
  const before = Remembered.safeParse(memory.get("streamingMessages")).data;
  // Another count, also a lower one after a restart, is a sign of life; and nobody there is nothing to hear.
  const quiet = before !== undefined && before.messages === messages && clients > 0;
  const since = quiet ? before.since : now;
  memory.set("streamingMessages", { messages, since });
  return now - since;
}

/** Of the text format of Prometheus only the few lines we need. */
function counts(text: string): Counted | undefined {
  const messages = number(/^redis_messages_received_total(?:\{[^}\n]*\})? (\S+)/m.exec(text)?.[1]);
  // The labels first and the type in them second: in one pattern, a long line could be divided in too many ways.
  const lines = text.matchAll(/^connected_clients\{([^}\n]{1,500})\} (\S+)/gm);
  const clients = [...lines].flatMap(([, labels = "", value]): [string, number][] => {
    const [, type] = /type="(websocket|eventsource)"/.exec(labels) ?? [];
    const count = number(value);
    return type === undefined || count === undefined ? [] : [[type, count]];
  });
  return messages === undefined ? undefined : { clients: new Map(clients), messages };
}

function number(text: string | undefined): number | undefined {
  const value = text === undefined ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

const notSeen = (what: string, evidence: string): Hearing => ({
  flaws: [
    { outcome: "unknown", reason: `could not see what streaming hears: ${what}`, explanation: couldNotCheck, evidence },
  ],
  readings: [],
});
