/** Mastodon-compatible servers (Akkoma, GoToSocial, Pleroma …): what they never had is no fault of theirs. */
import type { Localised } from "../../core/language.ts";
import type { HttpAnswer, ProbeContext } from "../../core/probe.ts";
import { challengeInPlaceOfDocument, isHtml } from "../web/bot-wall.ts";
import { askNodeInfo, type Software } from "./nodeinfo.ts";

/** As NodeInfo names them. Forks (Hometown, glitch-soc) are not among them: they have all that Mastodon has. */
const relatives = new Set([
  "akkoma",
  "catodon",
  "firefish",
  "friendica",
  "gotosocial",
  "hollo",
  "iceshrimp",
  "iceshrimp.net",
  "mitra",
  "pleroma",
  "sharkey",
  "snac",
  "takahe",
]);

export const isMastodonCompatible = (software: Software | undefined): software is Software =>
  software !== undefined && relatives.has(software.name.toLowerCase());

/**
 * Which of them it is that lacks what was asked for: says 404, or shows its app there. Undefined for Mastodon and
 * whenever in doubt.
 */
export async function compatibleWithout(
  answer: HttpAnswer,
  origin: URL,
  subject: Localised,
  context: ProbeContext,
): Promise<Software | undefined> {
  const shows = answer.status === 200 && isHtml(answer) && challengeInPlaceOfDocument(answer) === undefined;
  if (answer.status !== 404 && !shows) return undefined;
  const { software } = await askNodeInfo(origin, subject, context);
  return isMastodonCompatible(software) ? software : undefined;
}
