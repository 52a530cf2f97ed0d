/** A page that its channel refuses for good: the next step of its escalation is told now, and whether it may be given up. */
import type { DeliveryError } from "../../core/errors.ts";
import { isWaking } from "../../core/notice.ts";
import type { NoticeStatus } from "../../core/store/outbox.ts";
import type { Store } from "../../core/store/store.ts";

export interface HandOverParts {
  readonly store: Pick<Store, "outbox">;
  /** Tells the step after that of this notice at once, if it was not told yet. */
  hurry(refused: NoticeStatus): Promise<void>;
}

/** @returns whether somebody else can be trusted to get it, so that this one may be given up. */
export async function handOver(
  notice: NoticeStatus,
  { verdict }: DeliveryError,
  { store, hurry }: HandOverParts,
): Promise<boolean> {
  const { incident } = notice;
  if (incident === undefined) return false;
  const isReached = (await othersOf(incident)).some((other) => isSameStep(other, notice) && other.state !== "pending");
  if (!isReached) await hurry(notice);
  // A broken channel will refuse its other notices as well; a dead mailbox says nothing about them.
  return (await othersOf(incident)).some(({ channel }) => verdict === "permanent" || channel !== notice.channel);

  /** What wakes somebody else, and is not given up itself. */
  async function othersOf(of: number): Promise<readonly NoticeStatus[]> {
    const notices = await store.outbox.of(of);
    return notices.filter((other) => isWaking(other) && isAlive(other) && !isSameRecipient(other, notice));
  }
}

const isAlive = ({ state }: NoticeStatus) => state === "pending" || state === "sending" || state === "sent";
const isSameRecipient = (a: NoticeStatus, b: NoticeStatus) =>
  a.to.kind === b.to.kind && a.to.id === b.to.id && a.channel === b.channel;
const isSameStep = ({ step: a }: NoticeStatus, { step: b }: NoticeStatus) =>
  a !== undefined && a.revision === b?.revision && a.number === b.number;
