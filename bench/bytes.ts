/** The size in bytes of the first view of the status page on the wire: 50 services, 90 days, style included. */
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { firstView } from "./lib/first-view.ts";
import type { Figure, Measurement } from "./lib/measurement.ts";
import { writeHistory } from "./lib/seeded-history.ts";
import { databaseIn, manyTargets, startTidewatch } from "./lib/tidewatch-process.ts";
import { startTinyServer } from "./lib/tiny-server.ts";

const mostBytes = 20_000;

export const measurement: Measurement = {
  summary: "Bytes of the first view with 50 services and 90 days",
  limitSeconds: 60,
  async run(bench) {
    await using tinyServer = await startTinyServer();
    const folder = join(bench.folder, "tidewatch");
    const targets = manyTargets({ targets: 50, checksEach: 1 }, { url: tinyServer.url, every: "60s" });
    await writeHistory(databaseIn(folder), targets, { days: 90 }, bench.progress);
    await using tidewatch = await startTidewatch(bench, { folder, targets, anchor: tinyServer.url });
    bench.progress("waiting until every check has run");
    await bench.sleep(15);
    const views = [
      { encoding: "br", unpack: brotliDecompressSync },
      { encoding: "gzip", unpack: gunzipSync },
    ] as const;
    const figures: Figure[] = [];
    for (const { encoding, unpack } of views) {
      const { wireBytes, body } = await firstView(tidewatch.publicPort, encoding);
      const page = unpack(body).toString();
      figures.push({
        what: `first view, ${encoding}, headers included`,
        unit: "B",
        ours: wireBytes,
        target: { of: "value", atMost: mostBytes },
        ...(encoding === "br" && { note: whatItHolds(page) }),
      });
    }
    return figures;
  },
};

/** A light page that asks for more afterwards would be no light page. */
function whatItHolds(page: string): string {
  const others = page.match(/<(?:script|img|iframe|link[^>]+rel="?(?:stylesheet|preload))[^>]*>/g) ?? [];
  const more = others.length === 0 ? "asks for nothing further" : `asks for ${others.length} more files, not counted`;
  return `${page.length} characters uncompressed; ${more}`;
}
