/** The contract of a channel, a way to send a notice (e-mail): a file in alerts/channels/ with one default export. */
import type { z } from "zod";

/** One message to one person through one channel, written out when it was decided, never later. */
export interface Notice {
  /** Stable and unique: the same key is the same message, however often it is sent. Safe inside a Message-ID. */
  readonly key: string;
  readonly kind: "page" | "escalation" | "resolve" | "ticket" | "sign-in" | "test";
  readonly urgency: "now" | "soon";
  readonly incident?: number;
  /** Which step of its escalation it tells: the steps of each revision begin again at 0. */
  readonly step?: { readonly revision: number; readonly number: number };
  /** Contact id from the configuration. */
  readonly contact: string;
  /** Channel name: the file name under alerts/channels/. */
  readonly channel: string;
  /** All notices with the same thread belong together ("incident-42"). */
  readonly thread: string;
  /** At most 80 characters; the same for every notice of a thread. */
  readonly subject: string;
  /** Plain text, complete in itself. */
  readonly body: string;
  /** Do not send before. */
  readonly notBefore: Temporal.Instant;
  /** Worthless after; then it is dropped, not sent late. */
  readonly notAfter?: Temporal.Instant;
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
  /** Prepares what is shared between deliveries (a connection pool); disposed at shutdown. */
  open(options: z.output<Options>): Promise<OpenChannel<z.output<Address>>>;
}

export interface OpenChannel<Address> extends AsyncDisposable {
  /** Resolves once the service accepted the notice; throws DeliveryError otherwise. */
  deliver(notice: Notice, address: Address, signal: AbortSignal): Promise<void>;
}

export function defineChannel<Options extends z.ZodType, Address extends z.ZodType>(
  channel: Channel<Options, Address>,
): Channel<Options, Address> {
  return channel;
}
