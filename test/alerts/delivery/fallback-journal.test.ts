/** The fallback journal: what is written can be read by the next process, whatever cut it off. */
import { mkdtempDisposable, open, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type JournalEntry, openFallbackJournal } from "../../../alerts/delivery/fallback-journal.ts";

const telling = { incident: "mastodon@1", contact: "contractor", channel: "email", step: 0 } as const;
const entries: readonly JournalEntry[] = [
  { event: "telling", kind: "page", ...telling },
  { event: "told", kind: "page", ...telling, at: Temporal.Instant.from("2026-11-23T12:00:00Z") },
  { event: "over", incident: "mastodon@1", resolvedAt: Temporal.Instant.from("2026-11-23T12:10:00Z") },
];

async function place() {
  const folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-journal-"));
  return { file: join(folder.path, "data", "fallback.journal"), [Symbol.asyncDispose]: () => folder.remove() };
}

async function leftIn(file: string): Promise<readonly JournalEntry[]> {
  await using journal = await openFallbackJournal(file);
  return journal.left;
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test("what was written is read by the next process, in order; what was cleared is not", async () => {
  await using at = await place();
  {
    await using journal = await openFallbackJournal(at.file);
    expect(journal.left).toEqual([]);
    await Promise.all(entries.map((entry) => journal.append(entry)));
  }
  expect(plain(await leftIn(at.file))).toEqual(plain(entries));
  {
    await using journal = await openFallbackJournal(at.file);
    const [first] = entries;
    if (first) await journal.append(first);
  }
  expect(await leftIn(at.file)).toHaveLength(4);
  {
    await using journal = await openFallbackJournal(at.file);
    await journal.clear();
  }
  expect(await leftIn(at.file)).toEqual([]);
});

test("it has its size from the start and takes no more room", async () => {
  await using at = await place();
  await using journal = await openFallbackJournal(at.file);
  const before = await stat(at.file);
  for (const entry of entries) await journal.append(entry);
  const after = await stat(at.file);
  expect([after.size, after.blocks]).toEqual([before.size, before.blocks]);
  expect(before.blocks * 512).toBeGreaterThanOrEqual(before.size);
});

test("a line that is not whole ends it, and the next one takes its place", async () => {
  await using at = await place();
  {
    await using journal = await openFallbackJournal(at.file);
    for (const entry of entries) await journal.append(entry);
  }
  const content = await readFile(at.file);
  const second = content.indexOf("\n") + 1;
  {
    await using handle = await open(at.file, "r+");
    await handle.write("x", second + 20);
  }
  expect(await leftIn(at.file)).toHaveLength(1);
  {
    await using journal = await openFallbackJournal(at.file);
    const [, , last] = entries;
    if (last) await journal.append(last);
  }
  expect((await leftIn(at.file)).map(({ event }) => event)).toEqual(["telling", "over"]);
});

test("somebody's own file is refused, and stays as it is", async () => {
  await using at = await place();
  const file = `${at.file}.txt`;
  await leftIn(at.file);
  await writeFile(file, "organisation: { name: Co-op }\n");
  await expect(openFallbackJournal(file)).rejects.toMatchObject({
    name: "Refused",
    message: `${file} is no fallback file`,
  });
  expect(await readFile(file, "utf8")).toBe("organisation: { name: Co-op }\n");
});

test("more than it holds is refused, and what stands in it stays", async () => {
  await using at = await place();
  {
    await using journal = await openFallbackJournal(at.file);
    const long: JournalEntry = {
      event: "over",
      incident: "x".repeat(400_000),
      resolvedAt: Temporal.Instant.fromEpochMilliseconds(0),
    };
    await journal.append(long);
    await journal.append(long);
    await expect(journal.append(long)).rejects.toThrow("the fallback file is full");
  }
  expect(await leftIn(at.file)).toHaveLength(2);
});
