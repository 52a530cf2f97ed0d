/**
 * SMTP refusals: whether a mail server refuses us (our address is on a blocklist, our name is wrong), or one
 * particular mail.
 */
import type { SmtpReply } from "./smtp-client.ts";

/** What a mail server refuses about us: our name (HELO), or our IP address. */
export type RefusalCause = "name" | "address";
type Stage = "greeting" | "hello" | "envelope";

/**
 * Undefined when the refusal is not about us. Postfix holds back its verdict on a client until a recipient is named
 * (smtpd_delay_reject), and gives 450 for many a client that it will never like.
 */
export function refusalCause({ code, lines, said }: SmtpReply, stage: Stage): RefusalCause | undefined {
  if (code < 400) return undefined;
  const enhanced = /^[45]\.(\d{1,3}\.\d{1,3})\b/.exec(lines[0] ?? "")?.[1] ?? "";
  // About a mailbox or an address in the envelope (RFC 3463), whatever words stand beside it.
  if (stage === "envelope" && (/^[12]\./.test(enhanced) || aboutMailbox.test(said))) return undefined;
  if (aboutName.test(said)) return "name";
  if (aboutAddress.test(said) || addressCodes.has(enhanced)) return "address";
  // At this stage it knows nothing of a mail: a refusal by policy can only mean us.
  const byPolicy = code >= 500 && enhanced.startsWith("7.");
  if (stage === "greeting") return byPolicy ? "address" : undefined;
  return stage === "hello" && (byPolicy || namedWrongly.has(code)) ? "name" : undefined;
}

const aboutName = /\b(?:helo|ehlo)\b|fully.qualified|\bfqdn\b/i;

const aboutAddress = new RegExp(
  [
    "\\b(?:client|sending) (?:host|ip|address|server)\\b",
    "\\byour (?:ip|host|hostname|server|network|address|reverse|dns|ptr|isp|connection)\\b",
    "\\b(?:reverse|dynamic|residential|dial-?up|generic) (?:dns|hostname|host ?name|ip|address|range|lookup|pool|ptr)\\b",
    "\\b(?:rdns|ptr)\\b",
    "\\b(?:host|ip|ip address|connection|network)\\b.{0,60}\\bblocked\\b",
    "\\bblocked (?:using|by [\\w-]+\\.[\\w.-]+)",
    "block ?list|black ?list|dnsbl|\\brbl\\b|spamhaus|spamcop|barracuda|listed (?:at|by|in|on)\\b|reputation",
  ].join("|"),
  "i",
);

/** "User blocked by administrator", "mailbox disabled": somebody's, not ours. */
const aboutMailbox =
  /\b(?:user|mailbox|account|recipient|sender|domain)\b(?!.*\b(?:client|helo|ehlo)\b)[\w\s<>@.-]{0,80}\b(?:blocked|blacklisted|disabled|suspended|unknown|not found|inactive)\b/i;

/** RFC 7372: an SPF verdict on where we connect from, and no name for our address. */
const addressCodes: ReadonlySet<string> = new Set(["7.23", "7.25"]);

/** Answers to a greeting that mean the name in it (RFC 5321, 4.3.2). */
const namedWrongly: ReadonlySet<number> = new Set([501, 504, 550, 553]);
