/** The contract of a channel, a way to send a notice (e-mail): a file in alerts/channels/ with one default export. */
import type { z } from "zod";
import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";
import type { Notice } from "./notice.ts";
import type { Http } from "./probe.ts";

/** What a channel may use: it opens no connection of another kind, and waits by no other clock. */
export interface ChannelTools {
  /** Its requests end with the signal. */
  http(signal: AbortSignal): Http;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Channel<Options extends z.ZodType = z.ZodType, Address extends z.ZodType = z.ZodType> {
  readonly summary: string;
  /** Settings under `alerts.<channel>`. */
  readonly options: Options;
  readonly example: z.input<Options>;
  /** What a contact gives under its key of the same name (`email: oncall@example.org`). */
  readonly address: Address;
  /** Where the text goes: "own" servers only, "canada", or "abroad". */
  readonly residency: "own" | "canada" | "abroad";
  /** Longest time for one delivery, all that it waits for together; 10 s where nothing is said. */
  readonly deadlineSeconds?: number;
  /** Prepares what is shared between deliveries (a connection pool); disposed at shutdown. */
  open(options: z.output<Options>, tools: ChannelTools): Promise<OpenChannel<z.output<Address>>>;
}

export const deadlineSecondsOf = ({ deadlineSeconds = 10 }: Pick<Channel, "deadlineSeconds">): number =>
  deadlineSeconds;

/** What has been said in a thread so far by this channel, to this addressee. */
interface Thread {
  readonly name: string;
  /** What the last delivery handed back. */
  readonly reference?: string;
}

export interface Delivered {
  /** Names what is there now (a topic, an issue, a message): the next notice of the thread can be put to it, or replace it. */
  readonly reference?: string;
}

export interface DeliveryContext {
  readonly signal: AbortSignal;
  readonly thread: Thread;
  /** How many copies of this notice left before, and may have arrived without an answer. */
  readonly copies: number;
  /**
   * To be awaited before the last byte leaves, where the receiver does not know by itself a copy that comes twice: so that
   * their number is bounded, whatever happens from now on. Rejects when none may leave.
   */
  countCopy(): Promise<void>;
}

export interface OpenChannel<Address> extends AsyncDisposable {
  /** Resolves once the service accepted the notice; throws DeliveryError otherwise. */
  deliver(notice: Notice, to: Address, context: DeliveryContext): Promise<Delivered>;
}

export function defineChannel<Options extends z.ZodType, Address extends z.ZodType>(
  channel: Channel<Options, Address>,
): Channel<Options, Address> {
  return channel;
}
