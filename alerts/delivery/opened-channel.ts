/** A channel as it is configured, opened with its first delivery and closed once. */
import type { Channel, ChannelTools, OpenChannel } from "../../core/channel.ts";

/** A channel and its settings, as the configuration has them. */
export interface ConfiguredChannel {
  readonly channel: Channel;
  /** Parsed by the channel's own schema. */
  readonly options: unknown;
}

export class OpenedChannel {
  readonly #configured: ConfiguredChannel;
  readonly #tools: ChannelTools;
  #opening: Promise<OpenChannel<unknown>> | undefined;
  #opened: OpenChannel<unknown> | undefined;
  #isClosed = false;

  constructor(configured: ConfiguredChannel, tools: ChannelTools) {
    this.#configured = configured;
    this.#tools = tools;
  }

  /** Where it fails, the next call opens anew. */
  open(): Promise<OpenChannel<unknown>> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.[Symbol.asyncDispose]();
  }

  async #open(): Promise<OpenChannel<unknown>> {
    const { channel, options } = this.#configured;
    const opened = await channel.open(options, this.#tools);
    // It took so long that nobody wants it any more.
    if (this.#isClosed) await opened[Symbol.asyncDispose]();
    else this.#opened = opened;
    return opened;
  }
}
