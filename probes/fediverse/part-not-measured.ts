/**
 * The finding for a part of Mastodon that could not be measured because all of Mastodon is broken, which another check
 * says.
 */
import type { Localised } from "../../core/language.ts";
import type { Finding } from "../../core/sample.ts";
import type { Problem } from "../lib/problem.ts";

const mastodonFails: Localised = {
  en: "We could not check this part: Mastodon itself does not answer as it should.",
  fr: "Cette partie n’a pas pu être vérifiée : Mastodon lui-même ne répond pas comme prévu.",
};

/** @param wanted what we wanted to look for: "a picture". */
export function partNotMeasured(wanted: string, { outcome, reason, explanation, evidence }: Problem): Finding {
  return {
    outcome: "unknown",
    reason: `could not look for ${wanted}: ${reason}`,
    // Being turned away is something else than being broken.
    explanation: outcome === "unknown" ? explanation : mastodonFails,
    ...(evidence && { evidence }),
  };
}
