/** What a mail server's answer means for a notice: try again, never for this one, or mend the settings; with no secret in it. */
import type { NodemailerError } from "nodemailer";
import { DeliveryError } from "../../../core/errors.ts";

/**
 * Nodemailer's own codes do not tell "not now" from "never" (EENVELOPE is both), the server's answer does. What was
 * refused before the recipient was named concerns us and every message; after that, this one only.
 */
export function deliveryError(thrown: unknown, secrets: readonly string[]): DeliveryError {
  if (thrown instanceof DeliveryError) return thrown;
  const error: NodemailerError = thrown instanceof Error ? thrown : new Error(String(thrown));
  const { responseCode = 0, command = "" } = error;
  const refused = responseCode >= 400 && responseCode < 600;
  if (error.code === "EAUTH" || error.code === "ENOAUTH" || command.startsWith("AUTH")) {
    const verdict = responseCode > 0 && responseCode < 500 ? "retry" : "misconfigured";
    // Only the number: some servers repeat what they were given.
    return new DeliveryError(`the mail server refused the sign-in (${responseCode || error.code})`, {
      verdict,
      refused,
    });
  }
  const said = withoutSecrets(plainAnswer(error), secrets);
  if (responseCode < 500 || responseCode === 503) return new DeliveryError(said, { verdict: "retry", refused });
  const policy = /^\d{3}[ -]5\.7\./.test(error.response ?? "");
  const concernsMessage = command === "DATA" || (command === "RCPT TO" && !policy);
  return new DeliveryError(said, { verdict: concernsMessage ? "permanent" : "misconfigured", refused });
}

/** "RCPT TO: 550 5.1.1 no such user" */
function plainAnswer({ command, response, message }: NodemailerError): string {
  // Node.js adds to some what a developer could try.
  const answer = (response ?? message.split(";")[0] ?? "").replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
  return `${command && command !== "CONN" ? `${command}: ` : ""}${answer}`.slice(0, 300);
}

/** The password in every form in which a server could say it back to us. */
export function secretsOf({ username, password }: URL): readonly string[] {
  if (password === "") return [];
  const [name, word] = [decoded(username), decoded(password)];
  const base64 = [word, `\0${name}\0${word}`].map((text) => Buffer.from(text).toString("base64"));
  return [password, word, ...base64];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, word) => rest.replaceAll(word, "[secret]"), text);
}
