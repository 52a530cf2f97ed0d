/**
 * The page of what a check for "200" misses, docs/broken-but-200.md: each system's test fills its own section from what
 * was really seen on a stand-in. `UPDATE_DOCS=1 npx vitest run test/probes/broken-but-200` writes the page anew.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { env } from "node:process";
import { languages } from "../../core/language.ts";
import type { Sample } from "../../core/sample.ts";

export type System = "mastodon" | "castopod" | "pixelfed";

/** One situation, as two checks saw it on the same stand-in. */
export interface Situation {
  /** In plain words: "Puma is down and nginx answers from its cache". */
  readonly situation: string;
  /** What a plain `http` check of the most likely address found. */
  readonly http: Sample;
  /** What our check found. */
  readonly tidewatch: Sample;
}

const page = new URL("../../docs/broken-but-200.md", import.meta.url);

/** The table of the situations as it belongs on the page. */
export function situationTable(situations: readonly Situation[]): string {
  const rows = situations.map(({ situation, http, tidewatch }) =>
    row([situation, seen(http), seen(tidewatch), shown(tidewatch.explanation?.en ?? "")]),
  );
  return [
    row(["Situation", "A plain `http` check says", "Tidewatch says", "Members read"]),
    "|---|---|---|---|",
    ...rows,
  ]
    .join("\n")
    .concat("\n");
}

/** @returns the section of this system as the page has it; with situations and UPDATE_DOCS=1, after it was written anew. */
export function sectionOnPage(system: System, situations?: readonly Situation[]): string {
  const text = readFileSync(page, "utf8");
  const [begin, end] = [`<!-- ${system} -->\n`, `<!-- /${system} -->\n`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/broken-but-200.md has no ${begin.trim()} … ${end.trim()}`);
  if (env["UPDATE_DOCS"] !== "1" || !situations) return text.slice(from + begin.length, to);
  const table = situationTable(situations);
  writeFileSync(page, `${text.slice(0, from + begin.length)}${table}${text.slice(to)}`);
  return table;
}

/**
 * What is wrong with a set of situations: ours must find each of them, tell each from the others, and say it to members
 * in both languages; a plain check must have been fooled by most. Empty when all is well.
 */
export function situationFaults(situations: readonly Situation[], { atLeast }: { atLeast: number }): readonly string[] {
  const fooled = situations.filter(({ http }) => http.outcome === "up").length;
  const told = situations.map(({ tidewatch }) => shown(tidewatch.reason ?? ""));
  return [
    ...(fooled < atLeast ? [`a plain check was fooled by ${fooled} situations only, not ${atLeast}`] : []),
    ...situations.flatMap(({ situation, tidewatch: { outcome, explanation, evidence, reason } }, index) => [
      ...(outcome === "up" ? [`not seen: ${situation}`] : []),
      ...(reason && told.indexOf(shown(reason)) === index ? [] : [`not told from another one: ${situation}`]),
      ...(languages.every((language) => explanation?.[language]) ? [] : [`no sentence for members: ${situation}`]),
      ...(evidence ? [] : [`no evidence: ${situation}`]),
    ]),
  ];
}

const seen = ({ outcome, reason }: Sample): string => `**${outcome}**${reason ? `: ${shown(reason)}` : ""}`;

/** The same whenever and wherever the test ran: ports and measured times go. */
const shown = (text: string): string =>
  text
    // Where nobody listens.
    .replace(/\b127\.0\.0\.1:1\b/g, "gone.example")
    .replace(/\b(?:https?:\/\/)?(?:127\.0\.0\.1|localhost|\[::1\]):\d+/g, (address) =>
      address.includes("//") ? "https://server.example" : "server.example",
    )
    .replace(/\b(took|after|in) \d+(?:\.\d+)? (m?s)\b/g, "$1 … $2");

const row = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replace(/[\\|<>]/g, "\\$&").replace(/\s+/g, " ")).join(" | ")} |`;
