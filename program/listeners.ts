/**
 * Opens the two HTTP ports: the public listener for members and the team, the private one for /metrics and /healthz.
 */
import type { Metrics } from "../collector/export/metrics.ts";
import type { Config } from "../core/config/config.ts";
import type { HeartbeatListener } from "../core/heartbeat.ts";
import type { Reports } from "../core/reports.ts";
import type { Store } from "../core/store/store.ts";
import { listen } from "../dashboards/listen.ts";
import { fastPath } from "../dashboards/members/fast-path.ts";
import type { Pages } from "../dashboards/members/page-making.ts";
import { privateApp, publicApp } from "../dashboards/server.ts";
import { publicSettings } from "./settings.ts";
import type { StartOptions } from "./start-options.ts";

export interface Listeners extends AsyncDisposable {
  readonly publicPort: number;
  readonly privatePort: number;
}

interface Shown {
  /** As the last reload left it. */
  config(): Config;
  readonly store: Store;
  readonly pages: Pages;
  readonly metrics: Metrics;
  readonly heartbeats: HeartbeatListener;
  readonly reports: Reports;
  health(): Readonly<Record<string, boolean>>;
  /** Called when a notice was written that waits to be sent. */
  onNotice(): void;
}

export async function openListeners(
  { clock, log, privately }: Pick<StartOptions, "clock" | "log" | "privately">,
  { config, metrics: kept, ...shown }: Shown,
): Promise<Listeners> {
  const { store, pages, health } = shown;
  const { server, practice } = config();
  const metrics = (accept: string | undefined) => kept.render(accept);
  const inPublic = publicApp({
    ...shown,
    settings: () => publicSettings(config()),
    clock,
    log,
    practice,
    ...(server.metrics === "public" && { metrics }),
  });
  const inPrivate = privateApp({ health, metrics, log });
  const more = privately?.(store);
  if (more) inPrivate.route("/", more);
  await using undo = new AsyncDisposableStack();
  const { port: publicPort } = undo.use(
    await listen(inPublic, { ...server.public, setting: "server.public" }, fastPath(pages)),
  );
  const { port: privatePort } = undo.use(await listen(inPrivate, { ...server.private, setting: "server.private" }));
  const held = undo.move();
  return { publicPort, privatePort, [Symbol.asyncDispose]: () => held.disposeAsync() };
}
