/** The first steps of a runbook, to be put into the notice itself: the one that is read at night. */
import { readdir, readFile } from "node:fs/promises";
import { plainText } from "../../core/plain-text.ts";
import { lineLength } from "./wording.ts";

/** Gives the first steps of a runbook by its name; none when there is no such runbook. */
export type FirstSteps = (runbook: string) => readonly string[];

const shippedRunbooks = new URL("../../docs/runbooks/", import.meta.url);

/** Reads all runbooks once, so that no file is needed any more when trouble comes. */
export async function readRunbooks(folder = shippedRunbooks): Promise<FirstSteps> {
  const files = (await orNothing(readdir(folder), [])).filter((file) => file.endsWith(".md"));
  const steps = new Map(
    await Promise.all(
      files.map(async (file) => {
        const markdown = await orNothing(readFile(new URL(file, folder), "utf8"), "");
        return [file.slice(0, -".md".length), firstSteps(markdown)] as const;
      }),
    ),
  );
  return (runbook) => steps.get(runbook) ?? [];
}

/** The notice then goes without the steps: a missing document must not keep a page back. */
const orNothing = <T>(read: Promise<T>, nothing: T): Promise<T> => read.catch(() => nothing);

/** The first three items of the first numbered list, as plain text: of each its first paragraph. */
export function firstSteps(markdown: string): readonly string[] {
  const items: string[] = [];
  let inParagraph = false;
  for (const line of markdown.split(/\r?\n/)) {
    const item = /^\d+[.)]\s+(.*)$/.exec(line)?.[1];
    if (item !== undefined) {
      items.push(item);
      inParagraph = true;
    } else if (items.length > 0 && line.startsWith("#")) {
      break;
    } else if (inParagraph && isMoreText(line)) {
      items.push(`${items.pop()} ${line.trim()}`);
    } else {
      inParagraph = false;
    }
  }
  return items.slice(0, 3).map((text) => plainText(withoutMarks(text), lineLength));
}

/** Not a blank line, a list, a table or a block of code. */
function isMoreText(line: string): boolean {
  return /^\s+\S/.test(line) && !/^\s+(?:[-*+|>]|```|\d+[.)]\s)/.test(line);
}

function withoutMarks(text: string): string {
  return text
    .replace(/\[([^\]]*)\]\(([^)]*)\)/g, "$1")
    .replace(/\*\*|__|`/g, "")
    .replace(/\s+/g, " ")
    .trim();
}
