/** How well a Lemmy reaches the servers it knows: it tells everybody how far its outgoing queue for each of them is. */
import { z } from "zod";
import type { Localised } from "../../core/language.ts";
import type { HttpAnswer, ProbeContext } from "../../core/probe.ts";
import type { Reading } from "../../core/sample.ts";
import { evidenceOf } from "./answer.ts";
import { blemish } from "./flaw.ts";
import { patiently } from "./patience.ts";
import type { Look } from "./seldom.ts";

/** A big server knows ten thousand others, of half a kilobyte each. */
const listBytes = 16_000_000;
/** A server that was not seen for longer is gone, and its queue stands still for ever. */
const recentSeconds = 3 * 86_400;
/** Behind the peer that is furthest, which is as far as there is anything to send. */
const lateSeconds = 3600;
/** Of fewer, a share says nothing. */
const fewestPeers = 5;

const time = z
  .string()
  .max(60)
  .transform((text) => Date.parse(text))
  .refine((milliseconds) => !Number.isNaN(milliseconds))
  .nullish()
  .catch(undefined);
// Version 1.0 renamed what is a time: it ends in `_at` there.
const State = z.object({
  fail_count: z.int().nonnegative(),
  last_successful_published_time: time,
  last_successful_published_time_at: time,
});
const Instance = z.object({ published: time, published_at: time, updated: time, updated_at: time });
const Linked = Instance.extend({ federation_state: State.nullish().catch(undefined) });
const Listed = z.object({ instance: Instance, queue_state: State.nullish().catch(undefined) });
const Peers = z.union([
  // 0.19, and the first of 1.0.
  z
    .object({ federated_instances: z.object({ linked: z.array(Linked).max(50_000) }).nullish() })
    .refine((document) => "federated_instances" in document)
    .transform(({ federated_instances: known }) =>
      known?.linked.map((each) => ({ ...each, queue: each.federation_state })),
    ),
  // 1.0.
  z
    .object({ items: z.array(Listed).max(50_000) })
    .transform(({ items }) => items.map(({ instance, queue_state: queue }) => ({ ...instance, queue }))),
]);

interface Peer {
  readonly failing: boolean;
  /** Epoch milliseconds of the newest post that it has got. */
  readonly reachedAt: number | undefined;
}

export async function askPeers(origin: URL, api: "v3" | "v4", context: ProbeContext): Promise<Look> {
  const url = new URL(`/api/${api}/federated_instances`, origin);
  const heard = await patiently(context.http.get(url, { maxBodyBytes: listBytes }), context);
  if (!("answer" in heard)) return wrong(`the list of peers: ${heard.silence}`, heard.evidence);
  const { answer } = heard;
  if (answer.status === 429) return { flaws: [] };
  if (answer.truncated) return { flaws: [], note: "the list of peers is too long to be read" };
  const peers = answer.status === 200 ? answer.json(Peers) : undefined;
  if (peers) return { flaws: [], readings: readings(recent(peers, context.clock.now())) };
  return wrong(`the list of peers ${whyNot(answer)}`, evidenceOf(answer));
}

/** The document is there and has no list: federation is switched off. */
const isOff = (answer: HttpAnswer): boolean =>
  answer.json(z.strictObject({ federated_instances: z.null().optional() })) !== undefined;

function whyNot(answer: HttpAnswer): string {
  if (answer.status !== 200) return `answered ${answer.status}`;
  return isOff(answer) ? "is missing: federation is switched off" : "is not one";
}

const wrong = (reason: string, evidence: string): Look => ({ flaws: [blemish(reason, arrivesLate, evidence)] });

export const arrivesLate: Localised = {
  en: "Posts may reach other servers late or not at all.",
  fr: "Les publications risquent d’arriver en retard ou pas du tout sur d’autres serveurs.",
};

function recent(peers: NonNullable<z.output<typeof Peers>>, now: Temporal.Instant): readonly Peer[] {
  const since = now.epochMilliseconds - recentSeconds * 1000;
  return peers.flatMap(({ queue, published, published_at, updated, updated_at }) => {
    const seenAt = updated_at ?? updated ?? published_at ?? published ?? 0;
    if (!queue || seenAt < since) return [];
    const reachedAt = queue.last_successful_published_time_at ?? queue.last_successful_published_time ?? undefined;
    return [{ failing: queue.fail_count > 0, reachedAt }];
  });
}

/**
 * Late is who is behind the furthest peer, and not behind the clock: where nobody posts for a night, everybody has
 * the newest post, and it is a night old.
 */
function readings(peers: readonly Peer[]): readonly Reading[] {
  const newest = peers.reduce((most, { reachedAt }) => Math.max(most, reachedAt ?? 0), 0);
  const lags = peers.flatMap(({ reachedAt }) => (reachedAt === undefined ? [] : (newest - reachedAt) / 1000));
  const failing = peers.filter((peer) => peer.failing).length;
  const late = peers.filter((peer) => !peer.failing && isLate(peer, newest)).length;
  const count = (state: string, value: number): Reading => ({ metric: "federation_peers", value, labels: { state } });
  return [
    count("current", peers.length - failing - late),
    count("late", late),
    count("failing", failing),
    ...(peers.length < fewestPeers
      ? []
      : [{ metric: "federation_behind_ratio", value: (failing + late) / peers.length }]),
    ...(lags.length === 0 ? [] : [{ metric: "federation_lag_seconds", value: median(lags) }]),
    ...(newest === 0 ? [] : [{ metric: "federation_last_success_timestamp_seconds", value: newest / 1000 }]),
  ];
}

const isLate = ({ reachedAt }: Peer, newest: number) =>
  reachedAt !== undefined && (newest - reachedAt) / 1000 > lateSeconds;

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;
