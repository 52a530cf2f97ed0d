/**
 * Thirty days of a co-op in which every try fails by chance, now and then, and nothing is ever wrong: pages are exactly the
 * runs of three failures that the dice make, counted by a second reading of the rules, and nothing else is told.
 */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { Config } from "../../core/config/config.ts";
import type { Check } from "../../core/target.ts";
import { parseConfig } from "../../program/config-file.ts";
import { loadPlugins } from "../../program/plug-ins.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { beginLife, type Life } from "../helpers/life.ts";
import { randomFrom } from "../helpers/random.ts";
import { messagesOf } from "./lib/expected.ts";
import { Observer, type Outage } from "./lib/observer.ts";
import type { Proof } from "./lib/proof.ts";

const everySeconds = 60;
const targets = 20;
/** Of a try, whatever came before it. */
const failing = 0.005;
const yaml = `
organisation: { name: Simulated Co-op, languages: [en], timeZone: America/Vancouver }
server: { public: "127.0.0.1:8080", private: "127.0.0.1:9464", url: "https://status.example" }
targets:
${Array.from({ length: targets }, (_, index) => `  - { id: service-${index}, name: service-${index}, checks: [{ id: web, probe: http, url: "http://service-${index}.example/", every: ${everySeconds}s }] }`).join("\n")}
alerts:
  contacts: [{ id: techops, name: TechOps, email: techops@coop.example, timeZone: America/Vancouver }]
  email: { from: tidewatch@coop.example, smtp: { env: SMTP_URL } }
  confirm: { failures: 3, retryEvery: 20s, successes: 2, recoverEvery: 30s }
  escalation: [{ after: 0s, notify: [techops] }]
`;

export const proof: Proof = {
  summary: "thirty days in which single tries fail by chance: pages are exactly the runs of three",
  round: (seed, stop) => failByChance(seed, { days: 30, stop }),
};

interface Watched {
  readonly check: Check;
  readonly observer: Observer;
  next: number;
}

/** @returns what happened, in a few words. */
export async function failByChance(
  seed: number,
  {
    days,
    failing: share = failing,
    stop,
  }: { readonly days: number; readonly failing?: number; readonly stop: AbortSignal },
): Promise<string> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-singles-"));
  const plugins = await loadPlugins();
  const config = parseConfig(yaml, { ...plugins, file: "singles.yaml", env: { SMTP_URL: "smtp://mail.example" } });
  const clock = new FakeClock();
  await using life = await beginLife({ file: join(folder.path, "tidewatch.db"), clock, config });
  const random = randomFrom(seed);
  const watched = life.checks.map(
    (check): Watched => ({ check, observer: new Observer(check.target, everySeconds), next: 0 }),
  );
  const outages: Outage[] = [];
  let [tries, failures] = [0, 0];
  const isOver = () => clock.monotonicSeconds() >= days * 86_400 && watched.every(({ observer }) => observer.isCalm);
  while (!isOver()) {
    stop.throwIfAborted();
    const next = Math.min(...watched.map((one) => one.next));
    await clock.turn(next - clock.monotonicSeconds());
    for (const one of watched.filter((each) => each.next === next)) {
      const fails = random() < share;
      const outage = one.observer.take(clock.now(), fails ? "down" : "up", false);
      if (outage && !outage.resolvedAt) outages.push(outage);
      life.record(one.check, fails ? { outcome: "down", reason: "answered 502" } : { outcome: "up" });
      one.next = next + one.observer.nextSeconds;
      tries++;
      if (fails) failures++;
    }
    await life.settle();
  }
  expectTold(life, config, outages);
  return `${tries} tries, ${failures} failures, ${outages.length} runs of three, ${life.told.length} notices`;
}

function expectTold({ told }: Life, { onCall }: Config, outages: readonly Outage[]): void {
  const seen = told.map(
    ({ at, notice: { kind, to, headline } }) => `${at} ${kind} to ${to.id} ${/service-\d+/.exec(headline)}`,
  );
  const expected = outages.flatMap((outage) =>
    messagesOf(outage, onCall).map(({ at, what }) => `${at} ${what} ${outage.target}`),
  );
  expect(seen.toSorted()).toEqual(expected.toSorted());
}
