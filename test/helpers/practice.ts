/** The practice co-op as a newcomer starts it: the real program as a process of its own, in an empty folder. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";
import { z } from "zod";

const Mail = z.object({
  to: z.array(z.string()),
  subject: z.string(),
  text: z.string(),
  messageId: z.string(),
  inReplyTo: z.string().optional(),
  references: z.array(z.string()),
});
type Mail = z.infer<typeof Mail>;

export interface Practice extends AsyncDisposable {
  readonly statusUrl: string;
  readonly practiceUrl: string;
  readonly signInUrl: string;
  readonly process: ChildProcess;
  /** All it printed so far. */
  printed(): string;
  turn(id: string, to: "break" | "mend"): Promise<void>;
  mails(): Promise<readonly Mail[]>;
  /** The first mail that fits, as soon as it is there. */
  mail(fits: (mail: Mail) => boolean): Promise<Mail>;
  page(language?: "en" | "fr"): Promise<string>;
  /** The sentence of the status page: its h1 without tags. */
  sentence(): Promise<string>;
  /** Value of one series, written as it stands in /metrics. */
  metric(series: string): Promise<number | undefined>;
  /** Waits until what is asked for is so. */
  until(holds: () => Promise<void>): Promise<void>;
  /** Ctrl-C, and the exit code. */
  stop(): Promise<number | null>;
}

const patienceMs = 120_000;

export async function startPractice(): Promise<Practice> {
  const folder = await mkdtemp(join(tmpdir(), "tidewatch-newcomer-"));
  const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
  const child = spawn(process.execPath, [main, "run"], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const ready = Promise.withResolvers<void>();
  const hear = (text: string) => {
    output += text;
    if (output.includes("Ctrl-C ends all of it.")) ready.resolve();
  };
  child.stdout.setEncoding("utf8").on("data", hear);
  child.stderr.setEncoding("utf8").on("data", hear);
  const exited = once(child, "exit");
  exited.then(() => ready.reject(new Error(`it ended before it was ready:\n${output}`)));
  await ready.promise;

  const address = (label: string) => new RegExp(`${label}\\s+(http\\S+)`).exec(output)?.[1] ?? "";
  const statusUrl = address("Status page");
  const practiceUrl = address("Break things");
  const text = async (url: string) => (await fetch(url)).text();
  const mails = async () => z.array(Mail).parse(await (await fetch(`${practiceUrl}/mails.json`)).json());
  const until = (holds: () => Promise<void>) => vi.waitFor(holds, { timeout: patienceMs, interval: 100 });
  const stop = async () => {
    child.kill("SIGINT");
    const [code]: unknown[] = await exited;
    return typeof code === "number" ? code : null;
  };
  return {
    statusUrl,
    practiceUrl,
    signInUrl: address("Team pages"),
    process: child,
    printed: () => output,
    async turn(id, to) {
      const answer = await fetch(`${practiceUrl}/switches/${id}/${to}`, { method: "POST", redirect: "manual" });
      if (answer.status !== 303) throw new Error(`the switch ${id} answered ${answer.status}: ${await answer.text()}`);
    },
    mails,
    mail: (fits) =>
      vi.waitFor(
        async () => {
          const found = (await mails()).find(fits);
          if (!found)
            throw new Error(`no such mail among: ${(await mails()).map(({ subject }) => subject).join(" | ")}`);
          return found;
        },
        { timeout: patienceMs, interval: 100 },
      ),
    sentence: async () =>
      (/<h1[^>]*>(.*?)<\/h1>/s.exec(await text(`${statusUrl}en/`))?.[1] ?? "").replace(/<[^>]+>/g, "").trim(),
    page: (language = "en") => text(`${statusUrl}${language}/`),
    async metric(series) {
      const lines = (await text(new URL("/metrics", practiceUrl).href)).split("\n");
      const line = lines.find((each) => each.startsWith(`${series} `));
      return line === undefined ? undefined : Number(line.slice(series.length));
    },
    until,
    stop,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
