/**
 * Loaded before the real program with `--import`: ends it by kill -9 the first time that it comes to `KILL_AT`. It looks at the
 * statements of each transaction, at what the channel is handed and at the lines of the fallback file; the program itself knows
 * nothing of it.
 */
import { type FileHandle, open as openFile } from "node:fs/promises";
import { devNull } from "node:os";
import { DatabaseSync, StatementSync } from "node:sqlite";
import email from "../../alerts/channels/email.ts";
import type { KillPoint } from "./kill-points.ts";

const killAt = process.env["KILL_AT"];

function passed(point: KillPoint | `fallback-${string}`): void {
  if (point === killAt) process.kill(process.pid, "SIGKILL");
}

/** What a transaction does, by a statement that changed something. */
const deeds: readonly (readonly [RegExp, { readonly before?: KillPoint; readonly after?: KillPoint }])[] = [
  [/^insert into incident \(/, { before: "commit-before", after: "commit-after" }],
  [/^update notice set state = 'sending'/, { after: "claim" }],
  [/^update notice set copies = copies \+ 1/, { after: "copy-counted" }],
  [/^update notice set state = 'sent'/, { after: "settle" }],
  [/^update incident set state = 'resolved'/, { before: "resolve-before", after: "resolve-commit" }],
];

/** Of the transaction that goes on. */
let done = new Set<string>();

/** Notes each statement that had an effect, or an answer. */
function watch(name: "run" | "get" | "all", hadEffect: (result: unknown) => boolean): void {
  const original: unknown = Reflect.get(StatementSync.prototype, name);
  if (typeof original !== "function") throw new Error(`node:sqlite has no ${name} any more`);
  Object.defineProperty(StatementSync.prototype, name, {
    value(this: StatementSync, ...values: unknown[]) {
      const result: unknown = Reflect.apply(original, this, values);
      if (hadEffect(result)) done.add(this.sourceSQL);
      return result;
    },
  });
}

watch(
  "run",
  (result) => typeof result === "object" && result !== null && "changes" in result && Number(result.changes) > 0,
);
watch("get", (row) => row !== undefined);
watch("all", (rows) => Array.isArray(rows) && rows.length > 0);

const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function (sql: string) {
  if (sql.startsWith("begin")) done = new Set();
  if (sql !== "commit") return exec.call(this, sql);
  const points = deeds.flatMap(([deed, point]) => ([...done].some((text) => deed.test(text)) ? [point] : []));
  for (const { before } of points) if (before) passed(before);
  exec.call(this, sql);
  for (const { after } of points) if (after) passed(after);
};

const { open } = email;
Object.assign(email, {
  async open(...options: Parameters<typeof open>) {
    const opened = await open(...options);
    return {
      async deliver(...notice: Parameters<typeof opened.deliver>) {
        passed("send-before");
        const delivered = await opened.deliver(...notice);
        passed("send-after");
        return delivered;
      },
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    };
  },
});

/** No other file is written and then made sure of in this way. */
const files = await fileMethods();
const { write, datasync } = files;
let written: string | undefined;
Object.assign(files, {
  write(this: unknown, bytes: Uint8Array, ...place: unknown[]) {
    written = /"event":"(\w+)"/.exec(Buffer.from(bytes).toString("utf8"))?.[1];
    return Reflect.apply(write, this, [bytes, ...place]);
  },
  async datasync(this: unknown) {
    const event = written;
    await Reflect.apply(datasync, this, []);
    if (event !== undefined) passed(`fallback-${event}`);
  },
});

async function fileMethods(): Promise<Pick<FileHandle, "write" | "datasync">> {
  await using file = await openFile(devNull);
  return Object.getPrototypeOf(file);
}
