/** A real Prometheus of one's own that scrapes one address every three seconds, with its log. */
import { chown, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { vi } from "vitest";
import { z } from "zod";
import type { Program } from "../../practice/servers/debian.ts";
import { onPort } from "../../practice/servers/ports.ts";
import { dataFolder, serverUser, startGuarded } from "../../practice/servers/process.ts";

const Answer = z.object({
  status: z.literal("success"),
  data: z.object({
    result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) })),
  }),
});
const Targets = z.object({
  data: z.object({ activeTargets: z.array(z.object({ health: z.string(), lastError: z.string() })) }),
});

export interface Scraper extends AsyncDisposable {
  /** Result of a PromQL query: values by the labels of their series. */
  query(
    expression: string,
  ): Promise<readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]>;
  target(): Promise<{ readonly health: string; readonly lastError: string } | undefined>;
  /** All it wrote so far. */
  log(): Promise<string>;
}

/** @param host of Tidewatch's private listener, "127.0.0.1:9464". */
export async function startScraper(program: Program, host: string): Promise<Scraper> {
  const user = serverUser();
  const folder = await dataFolder("prometheus", user);
  const config = join(folder, "prometheus.yml");
  await writeFile(config, configuration(host));
  if (user) await chown(config, user.uid, user.gid);
  const log = join(folder, "log");
  const { server, url } = await onPort(undefined, async (port) => {
    const address = `127.0.0.1:${port}`;
    const server = await startGuarded({
      name: "Prometheus",
      // Its log goes into a file, for us to read; so the shell says for it that it begins.
      steps: [
        {
          command: ["/bin/sh", "-c", `echo begins; exec "$@" 2>"$0"`, log, program.path, ...options(folder, address)],
          stopSignal: "TERM",
        },
      ],
      ready: /begins/,
      folder,
      user,
      environment: program.environment,
    });
    return { server, url: `http://${address}` };
  });
  const get = async (path: string): Promise<unknown> => (await fetch(`${url}${path}`)).json();
  const text = () => readFile(log, "utf8");
  await vi
    .waitFor(
      async () => {
        if (!(await fetch(`${url}/-/ready`)).ok) throw new Error("not ready");
      },
      { timeout: 60_000, interval: 50 },
    )
    .catch(async (cause: unknown) => {
      const said = await text();
      await server[Symbol.asyncDispose]();
      throw new Error(`Prometheus did not become ready:\n${said}`, { cause });
    });
  return {
    async query(expression) {
      const { data } = Answer.parse(await get(`/api/v1/query?query=${encodeURIComponent(expression)}`));
      return data.result.map(({ metric: labels, value: [, value] }) => ({
        labels,
        value: Number(value.replace("Inf", "Infinity")),
      }));
    },
    target: async () => Targets.parse(await get("/api/v1/targets")).data.activeTargets[0],
    log: text,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const configuration = (host: string) => `
global: { scrape_interval: 3s, scrape_timeout: 3s }
scrape_configs:
  - { job_name: tidewatch, static_configs: [{ targets: ["${host}"] }] }
`;

const options = (folder: string, address: string) => [
  `--config.file=${join(folder, "prometheus.yml")}`,
  `--storage.tsdb.path=${join(folder, "data")}`,
  `--web.listen-address=${address}`,
  "--log.level=debug",
];
