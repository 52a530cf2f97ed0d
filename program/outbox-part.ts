/**
 * The outbox as a part of the program: delivers waiting notices, and is unhealthy when a channel accepts nothing for
 * minutes.
 */
import { type Delivery, type DeliveryOptions, type FailingChannel, openDelivery } from "../alerts/delivery/delivery.ts";
import { DueNotices } from "../alerts/delivery/due-notices.ts";
import type { Metrics } from "../collector/export/metrics.ts";
import type { SickChannel, WaitingNotice } from "../core/reports.ts";
import type { Store } from "../core/store/store.ts";
import { deliverySettings } from "./delivery-settings.ts";
import { httpOnDemand } from "./http-on-demand.ts";
import { Watchdog } from "./liveness.ts";
import type { Part } from "./part.ts";
import type { StartOptions } from "./start-options.ts";

const patienceSeconds = 120;
/** A channel that has accepted nothing for so long is a broken pager: somebody must learn of it in another way. */
const brokenAfterSeconds = 120;

/** How often the metrics learn what is due. */
const lookSeconds = 5;

export interface Outbox extends Part, AsyncDisposable {
  /** New notices were committed. */
  wake(): void;
  /** All that is to be sent or is on its way, the oldest first. */
  unsent(): Promise<readonly WaitingNotice[]>;
  /** Names of the channels that are configured. */
  channels(): readonly string[];
  sick(): readonly SickChannel[];
}

interface OutboxParts extends Pick<DeliveryOptions, "by" | "hurry" | "holds" | "onSent" | "onReaderLost"> {
  readonly store: Store;
  readonly metrics: Pick<Metrics, "countNotice" | "setOutboxDue">;
  /** Why nothing gets into the outbox that should. */
  fault(): string | undefined;
}

/** Who has claimed what this store hands out: as long as the store is there, whatever is renamed. One process has it at a time. */
export async function claimant({ keys }: Pick<Store, "keys">): Promise<string> {
  return Buffer.from(await keys.signing("outbox")).toString("hex", 0, 8);
}

export function openOutbox({ config, plugins, version, clock, log }: StartOptions, parts: OutboxParts): Outbox {
  const { store, metrics, fault, ...more } = parts;
  const watchdog = new Watchdog("outbox", patienceSeconds, clock);
  let settings = deliverySettings(config, plugins);
  const delivery = openDelivery({
    ...settings,
    store,
    clock,
    log,
    http: httpOnDemand(config, version),
    ...more,
    onResult: ({ channel, result }) => metrics.countNotice(channel, result === "sent"),
    onMoved: () => watchdog.moved(),
  });
  const due = new DueNotices(store, clock);
  const unsent = () => due.look(new Set(settings.channels.keys()));
  const measure = async (signal: AbortSignal) => {
    while (!signal.aborted) {
      // While the store cannot be read, what was due stays so, and grows older.
      await unsent().catch(() => undefined);
      metrics.setOutboxDue(due.pending, due.oldestSeconds);
      await clock.sleep(lookSeconds, signal).catch(() => undefined);
    }
  };
  return {
    name: watchdog.name,
    async run(signal) {
      await Promise.all([delivery.run(signal), measure(signal)]);
    },
    reconfigure(changed) {
      settings = deliverySettings(changed, plugins, settings);
      return delivery.reconfigure(settings);
    },
    fault: () => watchdog.fault() ?? fault() ?? brokenChannels(delivery),
    wake: () => delivery.wake(),
    unsent,
    channels: () => [...settings.channels.keys()],
    sick: () => delivery.failing().map(sickChannel),
    [Symbol.asyncDispose]: () => delivery[Symbol.asyncDispose](),
  };
}

function brokenChannels(delivery: Delivery): string | undefined {
  const broken = delivery.failing().filter(({ seconds, readers }) => seconds > brokenAfterSeconds && !readers);
  if (broken.length === 0) return undefined;
  return broken
    .map(({ channel, seconds }) => `${channel} has accepted nothing for ${Math.floor(seconds)} s`)
    .join("; ");
}

const sickChannel = ({ readers, ...failing }: FailingChannel): SickChannel => ({
  ...failing,
  ...(readers && { readers: readers.map(({ id }) => id) }),
});
