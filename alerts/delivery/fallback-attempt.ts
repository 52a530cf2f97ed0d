/** One attempt to send a notice past the store: its copies are counted in the fallback file instead. */
import type { Delivered } from "../../core/channel.ts";
import type { Clock } from "../../core/clock.ts";
import { DeliveryError } from "../../core/errors.ts";
import type { Notice } from "../../core/notice.ts";
import type { NoticeStatus } from "../../core/store/outbox.ts";
import { attempt } from "./attempt.ts";
import type { JournalEntry } from "./fallback-journal.ts";
import type { Telling } from "./fallback-record.ts";
import type { OpenedChannel } from "./opened-channel.ts";

interface Parts {
  readonly channel: OpenedChannel;
  readonly to: unknown;
  readonly clock: Clock;
  readonly deadlineSeconds: number;
  readonly stop: AbortSignal;
  write(entry: JournalEntry): Promise<void>;
}

export async function attemptPastStore(
  telling: Telling,
  notice: Notice,
  { channel: opened, to, write, ...limits }: Parts,
): Promise<Delivered> {
  const { attempts, copies, incident, kind, contact, channel, step } = telling;
  const about = { incident, kind, contact, channel, step };
  const countCopy = async () => {
    telling.copies++;
    await write({ event: "leaving", ...about });
  };
  const send = async (signal: AbortSignal) => {
    const context = { signal, thread: { name: notice.thread }, copies, countCopy };
    return (await opened.open()).deliver(notice, to, context);
  };
  const status: NoticeStatus = { ...notice, state: "sending", attempts, copies, dueAt: notice.notBefore };
  try {
    return await attempt(status, send, limits);
  } catch (error) {
    if (error instanceof DeliveryError && error.refused && telling.copies > copies) {
      telling.copies--;
      await write({ event: "refused", ...about });
    }
    throw error;
  }
}
