/**
 * What a notice says, in a fixed order: what and since when, what was seen, what members see, what to do, who else
 * knows. Plain text, complete in itself; times as the reader's own clock shows them. (Members' texts: core/member-texts.ts)
 */
import { secondsBetween } from "../../core/clock.ts";
import type { Level, Seen, Try } from "../../core/escalation.ts";
import type { IncidentFacts } from "../../core/incident.ts";
import { inLanguage, type Language } from "../../core/language.ts";
import { spokenDuration } from "../../core/member-texts.ts";
import { type Action, headlineLength, type Section, summaryLength } from "../../core/notice.ts";
import type { Contact } from "../../core/organisation.ts";
import { plainText } from "../../core/plain-text.ts";
import { type PhaseName, phaseNames } from "../../core/sample.ts";
import type { Threshold } from "../../core/threshold.ts";
import { formatDate, formatIn, formatOffset, offsetMinutes, wallTime } from "../../core/time-zone.ts";
import { formatBytes, formatDuration } from "../../core/units.ts";

/** Everything a notice about trouble is written from; the same for all its readers. */
export interface Trouble {
  readonly facts: Omit<IncidentFacts, "id">;
  /** Of the target. */
  readonly name: string;
  readonly language: Language;
  readonly seen: Seen;
  /** The line on the status page; undefined when members see nothing of it. */
  readonly membersSee: string | undefined;
  /** Resolved less than an hour before this began. */
  readonly again?: { readonly id: number; readonly resolvedAt: Temporal.Instant };
  /** Names of what else fails on the same machine. */
  readonly also?: readonly string[];
  /** It ended at that moment and came back: over when it was quiet for so long. */
  readonly flapping?: { readonly resolvedAt: Temporal.Instant; readonly quietSeconds: number };
  /** The check that explained it until now, so that nobody was told. */
  readonly outlasts?: { readonly check: string; readonly isOver: boolean };
  /** First steps of the runbook. */
  readonly steps: readonly string[];
  readonly statusUrl: string;
}

/** Why this reader gets it, and who else does. */
export interface Part {
  readonly role: "first" | "escalated" | "ticket";
  readonly told: readonly string[];
  readonly next?: { readonly names: readonly string[]; readonly at: Temporal.Instant };
  readonly acknowledgeUrl?: string;
}

/** Of one line with what strangers said; more helps nobody on a phone. */
export const lineLength = 300;

/**
 * The same for every notice of a thread, because mail programs split threads where the subject changes.
 * @param id undefined while the incident has no number.
 */
export function subject(id: number | undefined, title: string, practice: boolean): string {
  const number = id === undefined ? "" : ` #${id}`;
  return plainText(`${practice ? "[PRACTICE] " : ""}[Tidewatch${number}] ${title}`, headlineLength);
}

/** What one reader is told, for a channel to lay out. */
export interface Words {
  readonly summary: string;
  readonly sections: readonly Section[];
  readonly actions: readonly Action[];
}

export function troubleWords(trouble: Trouble, reader: Contact, part: Part): Words {
  const { facts } = trouble;
  const zone = reader.timeZone;
  const what = `${stateWord(facts)} ${headline(trouble)} since ${bothTimes(facts.startedAt, zone)}`;
  const sections: readonly Section[] = [
    section("trouble", [
      what,
      `Began on ${dateIn(facts.startedAt, zone)}, confirmed at ${clockIn(facts.confirmedAt, zone)}.`,
      ...(trouble.again
        ? [`AGAIN: resolved at ${formatIn(trouble.again.resolvedAt, zone, "en", "time")} (#${trouble.again.id}).`]
        : []),
      ...alsoLines(trouble.also ?? []),
      ...(trouble.flapping ? flappingLines(trouble.flapping, zone) : []),
      ...(trouble.outlasts === undefined ? [] : [outlastsLine(trouble.outlasts)]),
    ]),
    section("evidence", seenLines(trouble, zone)),
    section("members", [
      trouble.membersSee === undefined
        ? "Members see nothing of this on the status page."
        : `Members see on the status page: “${plainText(trouble.membersSee, lineLength)}”`,
    ]),
    section("first-steps", doLines(trouble)),
    section("people", whoLines(part, zone)),
  ];
  return { summary: plainText(`${what}: ${facts.reason}`, summaryLength), sections, actions: actionsOf(part) };
}

const section = (about: Section["about"], lines: readonly string[]): Section => ({ about, lines });

const actionsOf = ({ acknowledgeUrl: url }: Part): readonly Action[] =>
  url === undefined
    ? []
    : [
        {
          kind: "acknowledge",
          label: "Acknowledge",
          explanation: "opens a page with one button; nobody else is woken after that",
          url,
        },
      ];

/** Whoever reads it looks at the machine first. */
function alsoLines(names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const all = names.map((name) => plainText(name, lineLength)).join(", ");
  return [`ALSO FAILING on the same address (${names.length}): ${all}.`];
}

function flappingLines({ resolvedAt, quietSeconds }: NonNullable<Trouble["flapping"]>, zone: string): string[] {
  const span = spokenDuration(quietSeconds).en;
  return [
    `IT COMES AND GOES: resolved at ${formatIn(resolvedAt, zone, "en", "time")}, and in trouble again.`,
    `It stays one incident until all was well for ${span}. However often it comes back, you are told its end only.`,
  ];
}

function outlastsLine({ check, isOver }: NonNullable<Trouble["outlasts"]>): string {
  const now = isOver
    ? "It does so no longer, and this goes on."
    : "It fails still, but it does not explain all of this.";
  return `Until now ${plainText(check, lineLength)} explained it. ${now}`;
}

export interface Recovery {
  readonly facts: Omit<IncidentFacts, "id">;
  readonly name: string;
  readonly language: Language;
  readonly resolvedAt: Temporal.Instant;
  /** It is not over as far as we know, but taken out of the configuration. */
  readonly unwatched: boolean;
  /** How often it came back in between. */
  readonly relapses: number;
  readonly statusUrl: string;
}

/** @param late nothing about the incident reached this reader while it lasted, so this says it all. */
export function recoveryWords(recovery: Recovery, reader: Contact, late: boolean): Words {
  const { facts, resolvedAt } = recovery;
  const zone = reader.timeZone;
  const span = spokenDuration(secondsBetween(facts.startedAt, resolvedAt)).en;
  const over = recovery.unwatched
    ? `CLOSED ${headline(recovery)}: no longer watched since ${bothTimes(resolvedAt, zone)}`
    : `RESOLVED after ${recovery.relapses > 0 ? "coming and going for " : ""}${span}: ${recoveredHeadline(recovery)} since ${bothTimes(resolvedAt, zone)}`;
  const unwatched = ["Its check was taken out of the configuration. It may still be in trouble."];
  const missed = [
    "We could not reach you while it lasted. This is the only message about it:",
    `  ${stateWord(facts)} ${headline(recovery)} since ${bothTimes(facts.startedAt, zone)}`,
    `  ${plainText(facts.reason, lineLength)}`,
  ];
  const times = [
    `Began: ${formatIn(facts.startedAt, zone, "en", "date-time")}`,
    ...(recovery.unwatched ? [] : [`Over:  ${formatIn(resolvedAt, zone, "en", "date-time")}`]),
    ...(recovery.relapses > 0
      ? [`In between it was well ${recovery.relapses === 1 ? "once" : `${recovery.relapses} times`}.`]
      : []),
  ];
  const sections = [
    section("trouble", [over]),
    ...(recovery.unwatched ? [section("text", unwatched)] : []),
    ...(late ? [section("text", missed)] : []),
    section("times", times),
    section("text", ["Nothing needs to be done now.", `Status page: ${recovery.statusUrl}`]),
  ];
  return { summary: plainText(over, summaryLength), sections, actions: [] };
}

/** One line for the incident: the reason of the confirming try, or the worst of the readings. */
export function reasonOf(seen: Seen): string {
  if (seen.kind === "tries") return plainText(seen.tries.at(-1)?.reason ?? "no reason was given", lineLength);
  const worst = seen.levels[0];
  return worst ? levelLine(worst) : "beyond its threshold";
}

/** "queue=default: 22m (told at 15m, over below 5m)" */
function levelLine({ labels, value, rule }: Level): string {
  const of = Object.entries(labels).map(
    ([name, text]) => `${plainText(name, lineLength)}=${plainText(text, lineLength)}`,
  );
  const say = (figure: number) => formatValue(figure, rule.unit);
  const limits = `told at ${say(rule.raiseAt)}, over below ${say(rule.clearAt)}`;
  return `${of.length > 0 ? `${of.join(", ")}: ` : ""}${say(value)} (${limits})`;
}

export function formatValue(value: number, unit: Threshold["unit"]): string {
  if (unit === "seconds") return formatDuration(Math.abs(value) < 10 ? value : Math.round(value));
  if (unit === "bytes") return formatBytes(value);
  // Rounded down: 99.96 % full must not read as "100 %", nor just below the limit as at the limit.
  if (unit === "ratio") return `${Math.floor(value * 1000 + 1e-9) / 10} %`;
  return String(Math.round(value * 100) / 100);
}

function stateWord(facts: Trouble["facts"]): string {
  if (facts.kind === "outage") return facts.impact === "down" ? "DOWN" : "DEGRADED";
  return facts.urgency === "page" ? "ALERT" : "TICKET";
}

/** The target, and for a threshold what it means. */
function headline(of: Pick<Trouble, "facts" | "name" | "language">): string {
  const name = plainText(of.name, lineLength);
  if (of.facts.kind === "outage") return name;
  const title = plainText(inLanguage(of.facts.title, of.language), lineLength);
  return title.startsWith(name) ? title : `${name}: ${title}`;
}

function recoveredHeadline(of: Recovery): string {
  if (of.facts.kind === "threshold") return `${headline(of)}, back to normal`;
  return of.facts.impact === "down"
    ? `${plainText(of.name, lineLength)} is up again`
    : `${plainText(of.name, lineLength)} works normally again`;
}

function seenLines({ facts, seen }: Trouble, zone: string): string[] {
  if (seen.kind === "levels") {
    return [`Seen by check ${facts.target}/${seen.check}:`, ...seen.levels.map((level) => `  ${levelLine(level)}`)];
  }
  if (seen.tries.length === 0) {
    return [`Seen by check ${facts.target}/${facts.checks.join(", ")}: ${plainText(facts.reason, lineLength)}`];
  }
  const verb = verbOf(facts, seen.tries);
  const last = seen.tries.at(-1);
  const check = last ? `${facts.target}/${last.check}` : facts.target;
  const from = last ? `, from ${plainText(last.vantagePoint, lineLength)}` : "";
  // After a restart in the middle fewer tries are remembered than were made: say only what is known.
  const count = `${seen.tries.length} of ${Math.max(seen.needed, seen.tries.length)}`;
  const share =
    seen.share && `${seen.share.bad} of ${seen.share.of} tries ${verb}, with good ones between. The last of them`;
  const head = share ?? (seen.tries.length >= seen.needed ? `${count} tries ${verb}` : "The last tries");
  return [
    `Seen by check ${check}${from}. ${head}:`,
    ...seen.tries.map(
      (one) =>
        `  ${clockIn(one.at, zone, "second")}  ${plainText(one.reason ?? one.outcome, lineLength)}${phaseText(one)}`,
    ),
    "A result counts only while our own connection is good, so the cause is most likely there and not here.",
  ];
}

function verbOf({ impact }: Trouble["facts"], tries: readonly Try[]): string {
  if (impact === "down") return "failed";
  return tries.every(({ outcome }) => outcome === "unknown") ? "could not be measured" : "were not as promised";
}

function phaseText({ phases }: Try): string {
  const reached = phaseNames.flatMap((name) => {
    const seconds = phases?.[name];
    return seconds === undefined ? [] : [`${phaseWords[name]} ${shortSeconds(seconds)}`];
  });
  return reached.length > 0 ? ` (${reached.join(", ")})` : "";
}

const phaseWords: Readonly<Record<PhaseName, string>> = {
  resolve: "name",
  connect: "connect",
  tls: "TLS",
  processing: "waiting",
  transfer: "transfer",
  total: "total",
};

function shortSeconds(seconds: number): string {
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${Math.round(seconds * 10) / 10} s`;
}

function doLines({ facts, steps, statusUrl }: Trouble): string[] {
  return [
    `Status page: ${statusUrl}`,
    `Runbook: docs/runbooks/${facts.runbook}.md`,
    ...steps.map((step, index) => `  ${index + 1}. ${step}`),
  ];
}

function whoLines({ role, told, next }: Part, zone: string): string[] {
  const now = `Told now: ${told.map((name) => plainText(name, lineLength)).join(", ")}.`;
  if (role === "ticket") return [`${now} This is a ticket: it can wait for the day, and nobody is woken.`];
  const why = role === "escalated" ? ["You are told because nobody has acknowledged it so far."] : [];
  if (!next) return [...why, `${now} There is nobody after you.`];
  const names = next.names.map((name) => plainText(name, lineLength)).join(", ");
  return [...why, `${now} Next, unless somebody acknowledges: ${names} at ${formatIn(next.at, zone, "en", "time")}.`];
}

/** "03:12 Vancouver (UTC-7), 10:12 UTC" */
function bothTimes(at: Temporal.Instant, zone: string): string {
  const local = formatIn(at, zone, "en", "time");
  const utc = formatIn(at, "UTC", "en", "time");
  return local === utc ? utc : `${local}, ${utc}`;
}

function dateIn(at: Temporal.Instant, zone: string): string {
  return formatDate(wallTime(at, zone).toPlainDate(), "en", "weekday");
}

function clockIn(at: Temporal.Instant, zone: string, smallestUnit: "minute" | "second" = "minute"): string {
  const time = wallTime(at, zone).toPlainTime().toString({ smallestUnit });
  return smallestUnit === "second" ? time : `${time} (${formatOffset(offsetMinutes(at, zone), "en")})`;
}
