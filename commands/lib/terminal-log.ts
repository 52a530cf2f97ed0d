/** The log as sentences for a person at a terminal: local time, level, message, facts. Everything else gets JSON lines. */
import { styleText } from "node:util";
import { z } from "zod";
import { codeOrName } from "../../core/error-code.ts";
import { jsonLog, type Log } from "../../core/log.ts";
import { plainLines, plainText } from "../../core/plain-text.ts";
import { counted, formatDuration } from "../../core/units.ts";
import { systemClock } from "../../program/system-clock.ts";
import { type CommandContext, hasColour } from "./command.ts";

type Fields = Readonly<Record<string, unknown>>;

export interface TerminalStyle {
  readonly now: () => Temporal.Instant;
  /** IANA name of the reader's time zone. */
  readonly timeZone: string;
  readonly colour: boolean;
  /** With the stack trace of every error. */
  readonly stacks: boolean;
}

/** @param write takes one finished line, with its newline. */
export function openLog(
  { stderr, env }: Pick<CommandContext, "stderr" | "env">,
  write: (line: string) => void = (line) => stderr.write(line),
): Log {
  const { now } = systemClock;
  if (!stderr.isTTY) return jsonLog(write, now);
  const [colour, stacks] = [hasColour(stderr, env), Boolean(env["TIDEWATCH_DEBUG"])];
  return terminalLog(write, { now, timeZone: Temporal.Now.timeZoneId(), colour, stacks });
}

export function terminalLog(write: (line: string) => void, style: TerminalStyle): Log {
  const paint = (look: "dim" | "yellow" | "red", text: string) =>
    style.colour ? styleText(look, text, { validateStream: false }) : text;
  const at =
    (level: string) =>
    (message: string, fields: Fields = {}) => {
      const time = paint("dim", clockTime(style.now(), style));
      write(`${time}  ${level}${sentence(level === "" ? capital(message) : message, fields, style)}\n`);
    };
  return {
    info: at(""),
    warn: at(`${paint("yellow", "Warning:")} `),
    error: at(`${paint("red", "Error:")} `),
  };
}

/** Fields that say what happened; they end the sentence. All others are facts about it, in parentheses. */
const told = ["title", "text", "reason", "problem", "stuck", "advice", "fault", "error"];
/** Facts whose value says what it is. */
const selfEvident = new Set(["where", "check", "key", "setting", "kind", "channel", "impact", "urgency"]);
/** Of use to a program that reads the log. */
const forMachines = new Set(["notice"]);

function sentence(message: string, fields: Fields, style: TerminalStyle): string {
  const facts = Object.entries(fields).flatMap(([name, value]) =>
    told.includes(name) ? [] : fact(name, value, style),
  );
  const said = told.flatMap((name) => (fields[name] === undefined ? [] : shown(fields[name], style)));
  const stacks = style.stacks ? Object.values(fields).flatMap(stackOf) : [];
  const whole = [`${message}${facts.length > 0 ? ` (${facts.join(", ")})` : ""}`, ...said].join(": ");
  return [whole, ...stacks].join("\n");
}

function fact(name: string, value: unknown, style: TerminalStyle): readonly string[] {
  if (value === undefined || value === null || value === false || forMachines.has(name)) return [];
  if (value === true) return [words(name)];
  if (typeof value === "number" && /seconds$/i.test(name)) {
    return [`${words(name.replace(/seconds$/i, ""))} ${formatDuration(value)}`.trim()];
  }
  if (typeof value === "number" && name.endsWith("s")) return [counted(value, words(name.slice(0, -1)))];
  const text = shown(value, style);
  return [selfEvident.has(name) ? text : `${words(name)} ${text}`];
}

/** "retryIn" as "retry in". */
const words = (name: string): string => name.replace(/\B[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

const longest = 600;
const instant = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

/** Much of it was said by strangers: nothing in it may move the cursor. */
function shown(value: unknown, style: TerminalStyle): string {
  if (typeof value === "string") {
    return instant.test(value) ? clockTime(Temporal.Instant.from(value), style) : plainText(value, longest);
  }
  if (Array.isArray(value)) return value.map((each) => shown(each, style)).join(", ");
  const error = ErrorLike.safeParse(value);
  if (error.success) return plainText(errorText(value, error.data), longest);
  const json: unknown = JSON.parse(JSON.stringify(value) ?? "null");
  return typeof json === "string" ? shown(json, style) : plainText(JSON.stringify(json), longest);
}

/** From the probing thread an error comes as plain data. */
const ErrorLike = z.object({ message: z.string(), stack: z.string().optional(), cause: z.unknown().optional() });

/** With its cause, where that says more. */
function errorText(error: unknown, { message, cause }: z.output<typeof ErrorLike>): string {
  const own = message || codeOrName(error);
  const deeper = ErrorLike.safeParse(cause);
  const why = deeper.success ? errorText(cause, deeper.data) : "";
  return why === "" || own.includes(why) ? own : `${own}: ${why}`;
}

function stackOf(value: unknown): readonly string[] {
  const stack = ErrorLike.safeParse(value).data?.stack;
  return stack === undefined ? [] : [plainLines(stack, 10_000).replace(/^/gm, "    ")];
}

function clockTime(at: Temporal.Instant, { timeZone }: TerminalStyle): string {
  return at.toZonedDateTimeISO(timeZone).toPlainTime().toString({ smallestUnit: "second" });
}
