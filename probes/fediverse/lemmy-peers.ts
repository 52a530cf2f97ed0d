/** Federation of a Lemmy: how far behind its outgoing queue for each known server is. */
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import type { Localised } from "../../core/language.ts";
import { gauge, type MetricFamily } from "../../core/metric-families.ts";
import type { HttpAnswer, ProbeContext } from "../../core/probe.ts";
import type { Reading } from "../../core/sample.ts";
import { degradation, type PartialFinding } from "../lib/problem.ts";
import { withTimeLimit } from "../lib/time-limit.ts";
import { evidenceOf } from "../web/http-answer.ts";

/** A big server knows ten thousand others, of half a kilobyte each. */
const listBytes = 16_000_000;
/** A server that was not seen for longer is gone, and its queue stands still for ever. */
const recentSeconds = 3 * 86_400;
/** A peer is late when it is so far behind the one that got the newest post. */
const lateSeconds = 3600;
/** With fewer peers than this a share says nothing. */
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
const Linked = Instance.extend({ federation_state: State.nullish().catch(undefined) }).transform((each) => ({
  ...each,
  queue: each.federation_state,
}));
const Listed = z
  .object({ instance: Instance, queue_state: State.nullish().catch(undefined) })
  .transform(({ instance, queue_state: queue }) => ({ ...instance, queue }));
type Known = z.output<typeof Listed>;
const Members = z.array(z.unknown()).max(50_000);
/** 0.19, and the first of 1.0. */
const LinkedPeers = z.object({ federated_instances: z.object({ linked: Members }) });
/** 1.0. */
const ListedPeers = z.object({ items: Members });

interface Peer {
  readonly failing: boolean;
  /** Epoch milliseconds of the newest post that it has got. */
  readonly reachedAt: number | undefined;
}

const Post = z.object({
  published: time,
  published_at: time,
  local: z.boolean(),
});
// From 1.0 on there are more kinds than those that are for everybody and those for members only.
const Community = z.object({ visibility: z.string().optional().catch("unknown") });
const Posted = z.object({ post: Post, community: Community });
const Posts = z.union([
  z.object({ posts: z.array(Posted).max(100) }).transform(({ posts }) => posts),
  z.object({ items: z.array(Posted).max(100) }).transform(({ items }) => items),
]);

export async function askPeers(origin: URL, api: "v3" | "v4", context: ProbeContext): Promise<PartialFinding> {
  const url = new URL(`/api/${api}/federated_instances`, origin);
  const heard = await withTimeLimit(context.http.get(url, { maxBodyBytes: listBytes }), context);
  if (!("answer" in heard)) return wrong(`the list of peers: ${heard.reason}`, heard.evidence);
  const { answer } = heard;
  if (answer.status === 429) return { problems: [] };
  if (answer.truncated) return { problems: [], note: "the list of peers is too long to be read" };
  const peers = answer.status === 200 ? await peersOf(answer) : undefined;
  if (!peers) return wrong(`the list of peers ${whyNot(answer)}`, evidenceOf(answer));
  const now = context.clock.now();
  const known = recent(peers, now);
  const unsent = await unsentSince(furthest(known), { origin, api }, context);
  const note = unsent === undefined ? {} : { note: standstill(furthest(known), unsent) };
  return { problems: [], readings: readings(known, unsent), ...note };
}

const furthest = (peers: readonly Peer[]): number =>
  peers.reduce((most, { reachedAt }) => Math.max(most, reachedAt ?? 0), 0);

/**
 * When all stand still together, none is behind another: then our own newest post tells whether there is more to send.
 * Whatever a member does is sent to somebody or skipped for everybody, and moves all queues on.
 * @param reached the newest that any peer has got, in epoch milliseconds.
 * @returns when our newest post was written that should have been sent an hour ago, and that nobody has got.
 */
async function unsentSince(
  reached: number,
  { origin, api }: { readonly origin: URL; readonly api: "v3" | "v4" },
  context: ProbeContext,
): Promise<number | undefined> {
  const due = context.clock.now().epochMilliseconds - lateSeconds * 1000;
  if (reached === 0 || reached >= due) return undefined;
  const url = new URL(`/api/${api}/post/list`, origin);
  const [type, sort] = api === "v3" ? ["Local", "New"] : ["local", "new"];
  // Some are pinned to the top, however old they are.
  url.search = new URLSearchParams({ type_: type, sort, limit: "50" }).toString();
  const heard = await withTimeLimit(context.http.get(url, { maxBodyBytes: 4_000_000 }), context);
  // Who may not read posts learns nothing of them, and the peers are measured all the same.
  const posts = "answer" in heard && heard.answer.status === 200 ? heard.answer.json(Posts) : undefined;
  const written = (posts ?? []).flatMap(({ post, community: { visibility } }) =>
    post.local && (visibility === undefined || /^public$/i.test(visibility))
      ? [post.published_at ?? post.published ?? 0]
      : [],
  );
  const newest = written.filter((at) => at <= due).reduce((most, at) => Math.max(most, at), 0);
  return newest > reached + sameMomentMilliseconds ? newest : undefined;
}

/** A post and the message about it are written one after the other. */
const sameMomentMilliseconds = 60_000;

const standstill = (reached: number, unsent: number): string =>
  `no other server has got anything since ${moment(reached)}, although a post was written here at ${moment(unsent)}`;

const moment = (milliseconds: number): string =>
  `${new Date(milliseconds).toISOString().slice(0, 16).replace("T", " ")} UTC`;

async function peersOf(answer: HttpAnswer): Promise<readonly Known[] | undefined> {
  const linked = answer.json(LinkedPeers);
  if (linked) return inTurns(linked.federated_instances.linked, Linked);
  const listed = answer.json(ListedPeers);
  return listed && inTurns(listed.items, Listed);
}

/** Some at a time, with the turns of other checks in between: the longest list takes a quarter of a second. */
async function inTurns<T extends z.ZodType>(
  members: readonly unknown[],
  schema: T,
): Promise<readonly z.output<T>[] | undefined> {
  const read: z.output<T>[] = [];
  for (let begin = 0; begin < members.length; begin += 2000) {
    const some = z.array(schema).safeParse(members.slice(begin, begin + 2000));
    if (!some.success) return undefined;
    read.push(...some.data);
    await setImmediate();
  }
  return read;
}

/** The document is there and has no list: federation is switched off. */
const isOff = (answer: HttpAnswer): boolean =>
  answer.json(z.strictObject({ federated_instances: z.null().optional() })) !== undefined;

function whyNot(answer: HttpAnswer): string {
  if (answer.status !== 200) return `answered ${answer.status}`;
  return isOff(answer) ? "is missing: federation is switched off" : "is not one";
}

const wrong = (reason: string, evidence: string): PartialFinding => ({
  problems: [degradation(reason, arrivesLate, evidence)],
});

export const arrivesLate: Localised = {
  en: "Posts may reach other servers late or not at all.",
  fr: "Les publications risquent d’arriver en retard ou pas du tout sur d’autres serveurs.",
};

function recent(peers: readonly Known[], now: Temporal.Instant): readonly Peer[] {
  const since = now.epochMilliseconds - recentSeconds * 1000;
  return peers.flatMap(({ queue, published, published_at, updated, updated_at }) => {
    const seenAt = updated_at ?? updated ?? published_at ?? published ?? 0;
    if (!queue || seenAt < since) return [];
    const reachedAt = queue.last_successful_published_time_at ?? queue.last_successful_published_time ?? undefined;
    return [{ failing: queue.fail_count > 0, reachedAt }];
  });
}

export const peerMetrics: readonly MetricFamily[] = [
  gauge("federation_peers", "Other servers seen within three days, by how what we send reaches them.", ["state"]),
  gauge("federation_behind_ratio", "Share of those that are an hour behind or refuse what we send."),
  gauge("federation_lag_seconds", "How far the median of those is behind the one that is furthest."),
  gauge("federation_last_success_timestamp_seconds", "When the newest post was published that any of those has got."),
];

/**
 * A peer is late when it is behind the peer that got the newest post, not when its newest post is old: where nobody
 * posts for a night, everybody has the newest post, and it is a night old.
 * @param unsent when a post was written that none of them has got, though it is due; then all are late.
 */
function readings(peers: readonly Peer[], unsent: number | undefined): readonly Reading[] {
  const reached = furthest(peers);
  const newest = unsent ?? reached;
  const lags = peers.flatMap(({ reachedAt }) => (reachedAt === undefined ? [] : (newest - reachedAt) / 1000));
  const failing = peers.filter((peer) => peer.failing).length;
  const late = peers.filter((peer) => !peer.failing && isLate(peer, newest, unsent !== undefined)).length;
  const count = (state: string, value: number): Reading => ({ metric: "federation_peers", value, labels: { state } });
  return [
    count("current", peers.length - failing - late),
    count("late", late),
    count("failing", failing),
    ...(peers.length < fewestPeers
      ? []
      : [{ metric: "federation_behind_ratio", value: (failing + late) / peers.length }]),
    ...(lags.length === 0 ? [] : [{ metric: "federation_lag_seconds", value: median(lags) }]),
    ...(reached === 0 ? [] : [{ metric: "federation_last_success_timestamp_seconds", value: reached / 1000 }]),
  ];
}

const isLate = ({ reachedAt }: Peer, newest: number, allAre: boolean) =>
  reachedAt !== undefined && (allAre || (newest - reachedAt) / 1000 > lateSeconds);

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;
