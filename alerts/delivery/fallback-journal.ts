/**
 * The fallback journal: what is told while the store cannot be written. A file of a fixed size that is written in place, so
 * that a full disk takes it too; each line carries its checksum, and the first line that is not whole ends it.
 */
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { Refused } from "../../core/errors.ts";
import { News } from "../../core/escalation.ts";

const Moment = z.iso.datetime().transform((text) => Temporal.Instant.from(text));
const Telling = z.object({
  incident: z.string(),
  kind: z.enum(["page", "escalation", "resolve"]),
  contact: z.string(),
  channel: z.string(),
  step: z.number(),
});

/** `incident` is its key and its start: it may have no number yet. */
const Entry = z.discriminatedUnion("event", [
  z.object({ event: z.literal("found"), incident: z.string(), news: News }),
  Telling.extend({ event: z.literal("telling") }),
  Telling.extend({ event: z.literal("leaving") }),
  Telling.extend({ event: z.literal("refused") }),
  Telling.extend({ event: z.literal("told"), at: Moment }),
  z.object({ event: z.literal("over"), incident: z.string(), resolvedAt: Moment }),
]);
export type JournalEntry = z.output<typeof Entry>;

export interface FallbackJournal extends AsyncDisposable {
  /** What an earlier process left, oldest first. */
  readonly left: readonly JournalEntry[];
  /** On the disk when it resolves; rejects when the file is full or the disk fails. */
  append(entry: JournalEntry): Promise<void>;
  /** All of it stands in the store now. */
  clear(): Promise<void>;
}

/** Room for about a thousand lines: an outage of everything, told to a dozen people. */
const bytes = 1024 * 1024;

/** Makes and fills the file where it is not there. @throws Refused, or what the file system says, when it cannot be used. */
export async function openFallbackJournal(file: string): Promise<FallbackJournal> {
  await mkdir(dirname(file), { recursive: true, mode: 0o750 });
  await using undo = new AsyncDisposableStack();
  const handle = undo.use(await openOrMake(file));
  const content = await contentOf(handle);
  if (!isJournal(content)) {
    throw new Refused(`${file} is no fallback file`, "Name another file under `fallback`; Tidewatch makes it.");
  }
  if (content.length < bytes) await fill(handle, content.length);
  const { entries, end } = read(content);
  undo.move();
  return new FileJournal(handle, entries, end);
}

class FileJournal implements FallbackJournal {
  readonly left: readonly JournalEntry[];
  readonly #handle: FileHandle;
  #end: number;
  /** One after the other: each begins where the one before it ends. */
  #last: Promise<void> = Promise.resolve();

  constructor(handle: FileHandle, left: readonly JournalEntry[], end: number) {
    this.#handle = handle;
    this.left = left;
    this.#end = end;
  }

  append(entry: JournalEntry): Promise<void> {
    const line = lineOf(entry);
    return this.#inTurn(async () => {
      if (this.#end + line.length >= bytes) throw new Error("the fallback file is full");
      await this.#handle.write(line, 0, line.length, this.#end);
      await this.#handle.datasync();
      this.#end += line.length;
    });
  }

  clear(): Promise<void> {
    return this.#inTurn(async () => {
      // From the front: whatever is left behind its first byte counts no more.
      await this.#handle.write(Buffer.alloc(this.#end), 0, this.#end, 0);
      await this.#handle.datasync();
      this.#end = 0;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    await this.#handle.close();
  }

  #inTurn(write: () => Promise<void>): Promise<void> {
    const written = this.#last.then(write);
    this.#last = written.catch(() => undefined);
    return written;
  }
}

async function openOrMake(file: string): Promise<FileHandle> {
  try {
    return await open(file, "r+");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    return open(file, "wx+", 0o600);
  }
}

/** Zeros that are really written: a file with holes would need room on the disk later. */
async function fill(handle: FileHandle, from: number): Promise<void> {
  await handle.write(Buffer.alloc(bytes - from), 0, bytes - from, from);
  await handle.sync();
}

async function contentOf(handle: FileHandle): Promise<Buffer> {
  const content = Buffer.alloc(bytes);
  const { bytesRead } = await handle.read(content, 0, bytes, 0);
  return content.subarray(0, bytesRead);
}

/** Empty, or begun by us: nobody's letters are overwritten. */
const isJournal = (content: Buffer): boolean =>
  content.length === 0 || content[0] === 0 || /^[0-9a-f]{8} \{/.test(content.toString("latin1", 0, 10));

function lineOf(entry: JournalEntry): Buffer {
  const text = JSON.stringify(entry);
  return Buffer.from(`${checksum(text)} ${text}\n`);
}

const checksum = (text: string): string => crc32(text).toString(16).padStart(8, "0");

/** Up to the first line that is not whole, or not one of ours. */
function read(content: Buffer): { entries: readonly JournalEntry[]; end: number } {
  const entries: JournalEntry[] = [];
  let end = 0;
  for (;;) {
    const next = content.indexOf(10, end);
    const line = next < 0 ? "" : content.toString("utf8", end, next);
    const text = line.slice(9);
    const entry = line.slice(0, 8) === checksum(text) ? parsed(text) : undefined;
    if (!entry) return { entries, end };
    entries.push(entry);
    end = next + 1;
  }
}

function parsed(text: string): JournalEntry | undefined {
  try {
    return Entry.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
