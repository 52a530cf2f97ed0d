/** Brings what was told past the store into it, once it can be written again: in the outbox it stands as sent. */
import { type Clock, secondsBetween } from "../../core/clock.ts";
import { confirmedAs } from "../../core/confirmation.ts";
import type { News } from "../../core/escalation.ts";
import { confirmedText, recoveredText } from "../../core/member-texts.ts";
import { isWaking } from "../../core/notice.ts";
import type { StoredConfirmation } from "../../core/store/judgements.ts";
import type { NoticeStatus } from "../../core/store/outbox.ts";
import type { Store } from "../../core/store/store.ts";
import type { Policy } from "../escalation/policy.ts";
import { begin, end } from "../escalation/transitions.ts";
import type { FallbackRecord, Telling } from "./fallback-record.ts";

interface Parts {
  readonly store: Pick<Store, "outbox" | "incidents" | "due">;
  readonly clock: Clock;
}

/** Enough for all incidents that can be open at once. */
const mostRows = 10_000;

/** What an earlier process knew of an incident and could not write. Throws what the store throws. */
export async function writeLeft(
  record: FallbackRecord,
  {
    store,
    policy,
    clock,
  }: { readonly store: Pick<Store, "incidents" | "commit">; readonly policy: Policy; readonly clock: Clock },
): Promise<void> {
  const { news, resolvedAt } = record;
  const { facts, name } = news;
  const isPublic = news.membersSee !== undefined;
  const known = (await store.incidents.list({ since: facts.startedAt })).find(
    ({ key, state, startedAt }) => key === facts.key && (state !== "resolved" || startedAt.equals(facts.startedAt)),
  );
  record.id = known?.id;
  if (!known) {
    const { title, confirmedAt: at } = facts;
    const revision = { news, foundAt: at, as: { state: "told" }, title } as const;
    const update = { at, kind: "confirmed", text: confirmedText(facts.explanation), public: isPublic } as const;
    const escalate = (id: number) => begin(policy, id, revision);
    const incidents = [{ change: "open", facts, update, escalate } as const];
    const { opened } = await store.commit({ incidents, confirmations: confirmationsOf(news) });
    record.id = opened[0]?.id;
  }
  if (!resolvedAt || record.id === undefined || known?.state === "resolved") return;
  const impact = facts.impact === "down" ? "down" : "degraded";
  const text = recoveredText(name, impact, secondsBetween(facts.startedAt, resolvedAt));
  const update = { at: resolvedAt, kind: "resolved", text, public: isPublic } as const;
  const over = { news: { facts, name }, title: facts.title, resolvedAt, unwatched: false, now: clock.now() };
  const change = { change: "resolve", id: record.id, at: resolvedAt, update, escalate: end(policy, over) } as const;
  await store.commit({ incidents: [change] });
}

/** What was confirmed goes on: it is not found, and told, a second time. */
function confirmationsOf({ facts, seen }: News): readonly StoredConfirmation[] {
  const last = seen.kind === "tries" ? seen.tries.at(-1) : undefined;
  if (!last || facts.impact === "none") return [];
  const { check, vantagePoint } = last;
  const [since, at] = [facts.startedAt.epochMilliseconds, facts.confirmedAt.epochMilliseconds];
  return [{ target: facts.target, check, vantagePoint, confirmation: confirmedAs(facts.impact, { since, at }) }];
}

/** The number of the incident, once the store has all that is known of it and all notices that are due for it. */
export async function numberInStore(record: FallbackRecord, { store, clock }: Parts): Promise<number | undefined> {
  const id = record.id ?? record.tracked?.id;
  if (id === undefined || [...record.tellings.values()].some(({ state }) => state === "sending")) return undefined;
  const incident = await store.incidents.get(id);
  const { resolvedAt: isOver } = record.tracked ?? record;
  if (!incident || (isOver && incident.state !== "resolved")) return undefined;
  if ((incident.flapping?.relapses ?? 0) < (record.tracked?.flapping?.relapses ?? 0)) return undefined;
  const isDue = (await store.due.next("escalation", mostRows)).some(
    ({ subject, dueAt }) => subject === String(id) && Temporal.Instant.compare(dueAt, clock.now()) <= 0,
  );
  return isDue ? undefined : id;
}

/** What may have arrived counts there, too. @returns the notices that stand as sent by that. */
export async function settleTold(
  record: FallbackRecord,
  id: number,
  { store }: Parts,
): Promise<readonly NoticeStatus[]> {
  const settled: NoticeStatus[] = [];
  for (const notice of await store.outbox.of(id)) {
    const telling = [...record.tellings.values()].find((one) => says(one, notice));
    if (!telling || notice.state === "sent") continue;
    const { toldAt: at, copies } = telling;
    for (let copy = notice.copies; copy < copies; copy++) await store.outbox.countCopy(notice.key);
    if (!at) continue;
    await store.outbox.settle(notice.key, notice.attempts, { state: "sent", at });
    settled.push(notice);
  }
  return settled;
}

function says({ kind, contact, channel, toldAt }: Telling, notice: NoticeStatus): boolean {
  const isSame = kind === "resolve" ? notice.kind === "resolve" : isWaking(notice);
  // What was found after that is other news: it came back, or more joined it.
  const isLater = notice.step?.number === 0 && toldAt && Temporal.Instant.compare(toldAt, notice.notBefore) < 0;
  return isSame && !isLater && contact === notice.to.id && channel === notice.channel;
}
