/**
 * Metrics of Mastodon's streaming server: members connected, messages coming in, and whether it receives none any
 * more.
 */
import { z } from "zod";
import type { Localised } from "../../core/language.ts";
import { counter, gauge, type MetricFamily } from "../../core/metric-families.ts";
import type { ProbeContext } from "../../core/probe.ts";
import type { Reading } from "../../core/sample.ts";
import { couldNotCheck } from "../lib/explanation.ts";
import { degradation, type PartialFinding } from "../lib/problem.ts";
import { withTimeLimit } from "../lib/time-limit.ts";
import { evidenceOf } from "../web/http-answer.ts";
import { countSince } from "./freshness.ts";
import type { PublicPost } from "./posts.ts";

export interface StreamingFindings extends PartialFinding {
  readonly readings: readonly Reading[];
}

interface Counted {
  readonly clients: ReadonlyMap<string, number>;
  /** Connections that listen to all public posts, or to those of other servers: they must receive each. */
  readonly listeners: number;
  readonly messages: number;
}

const Remembered = z.object({ messages: z.number(), since: z.number(), listenersSince: z.number() });

/** So many posts came: one alone may be from an author whose clock is wrong. */
const enoughPosts = 3;
/**
 * What each member receives is not ours to know. But that of all who are connected nobody receives anything for so long,
 * while posts come in, does not happen: the sum of their times, such as ten members for an hour and twelve minutes.
 */
const enoughListening = 12 * 3600;

export const streamingMetrics: readonly MetricFamily[] = [
  gauge("mastodon_streaming_clients", "Apps and browsers that listen for new posts, by the way they do.", ["type"]),
  counter("mastodon_streaming_messages_received_total", "Messages that the streaming server has had from Redis."),
];

/**
 * @param quietFor seconds without a message that are too long while somebody listens and posts come in.
 * @param posts the newest public posts of other servers; undefined when nobody may read them.
 */
export async function streamingFindings(
  metrics: URL,
  { quietFor, explanation }: { readonly quietFor: number; readonly explanation: Localised },
  posts: () => Promise<{ readonly posts: readonly PublicPost[]; readonly now: number } | undefined>,
  context: ProbeContext,
): Promise<StreamingFindings> {
  const heard = await withTimeLimit(context.http.get(metrics), context);
  if (!("answer" in heard)) return notSeen(`its metrics: ${heard.reason}`, heard.evidence);
  const { answer } = heard;
  const counted = answer.status === 200 ? counts(answer.text()) : undefined;
  if (!counted) return notSeen(`${metrics.pathname} is not what a streaming server counts`, evidenceOf(answer));
  const clients = [...counted.clients.values()].reduce((sum, count) => sum + count, 0);
  const quiet = quietSince(counted, clients, context);
  const readings = [
    ...[...counted.clients].map(([type, value]) => ({
      metric: "mastodon_streaming_clients",
      value,
      labels: { type },
    })),
    { metric: "mastodon_streaming_messages_received_total", value: counted.messages },
  ];
  if (quiet.seconds < quietFor) return { problems: [], readings };
  const minutes = Math.floor(quiet.seconds / 60);
  const said = `${clients} connected, no message from Redis for ${minutes} min`;
  const mustHear =
    quiet.listenersSeconds >= quietFor
      ? quiet.listenersSeconds
      : clients * quiet.seconds >= enoughListening
        ? quiet.seconds
        : undefined;
  const came = mustHear === undefined ? 0 : await countNew(mustHear, posts);
  if (came < enoughPosts) return { problems: [], readings, note: `${said}: nothing says that it missed any` };
  const reason = `streaming is deaf: ${said}, while ${came} posts came in`;
  return { problems: [degradation(reason, explanation, evidenceOf(answer))], readings };
}

async function countNew(seconds: number, ask: Parameters<typeof streamingFindings>[2]): Promise<number> {
  const known = await ask();
  return known ? countSince(known.posts, known.now - seconds * 1000) : 0;
}

/** How long there was no message while somebody was connected, and while somebody listened to all posts. */
function quietSince(
  { messages, listeners }: Counted,
  clients: number,
  { memory, clock }: ProbeContext,
): { readonly seconds: number; readonly listenersSeconds: number } {
  const now = clock.monotonicSeconds();
  const before = Remembered.safeParse(memory.get("streamingMessages")).data;
  // A count that changed (a lower one after a restart) is a sign of life; with nobody connected there is nothing to receive.
  const quiet = before !== undefined && before.messages === messages && clients > 0;
  const since = quiet ? before.since : now;
  const listenersSince = quiet && listeners > 0 ? before.listenersSince : now;
  memory.set("streamingMessages", { messages, since, listenersSince });
  return { seconds: now - since, listenersSeconds: now - listenersSince };
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
  return messages === undefined ? undefined : { clients: new Map(clients), listeners: listeners(text), messages };
}

function listeners(text: string): number {
  const lines = text.matchAll(/^connected_channels\{([^}\n]{1,500})\} (\S+)/gm);
  return [...lines].reduce((sum, [, labels = "", value]) => {
    return /channel="public(?::remote)?"/.test(labels) ? sum + (number(value) ?? 0) : sum;
  }, 0);
}

function number(text: string | undefined): number | undefined {
  const value = text === undefined ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

const notSeen = (what: string, evidence: string): StreamingFindings => ({
  problems: [
    { outcome: "unknown", reason: `could not see what streaming hears: ${what}`, explanation: couldNotCheck, evidence },
  ],
  readings: [],
});
