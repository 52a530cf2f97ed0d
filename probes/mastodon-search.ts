/**
 * The mastodon-search probe: searches for something that is there, because Mastodon answers 200 and finds nothing when
 * Elasticsearch is gone.
 */
import { z } from "zod";
import { secret, webAddress } from "../core/config/settings.ts";
import { type Localised, sameInAll } from "../core/language.ts";
import { defineProbe, type HttpAnswer } from "../core/probe.ts";
import type { Secret } from "../core/secret.ts";
import { certificateAuthority, trusting } from "./lib/certificate.ts";
import { couldNotCheck } from "./lib/explanation.ts";
import { degradation, findingOf, type Problem } from "./lib/problem.ts";
import { bearer, withoutToken } from "./lib/redaction.ts";
import { isHtml } from "./web/bot-wall.ts";
import { cacheBusted } from "./web/cache-buster.ts";
import { refusalOf } from "./web/http-answer.ts";
import { redactedEvidence } from "./web/redacted-evidence.ts";

const noSearch: Localised = {
  en: "Search finds nothing.",
  fr: "La recherche ne trouve rien.",
};

export default defineProbe({
  summary: "Searches a Mastodon for words that are known to be there: of posts, that proves its search engine.",
  internal: true,
  options: z.strictObject({
    url: webAddress().describe("Address of the server as members see it, without a path."),
    query: z
      .string()
      .min(1)
      .max(200)
      .describe("Words to search for, of a post that stays; a word of your own rules post, say."),
    type: z
      .enum(["statuses", "accounts", "hashtags"])
      .prefault("statuses")
      .describe(
        "What to search among. Only `statuses` prove the search engine: for the others Mastodon asks its database where the engine is gone.",
      ),
    token: secret()
      .optional()
      .describe("Access token of a member that may only `read:search`; without one no posts can be searched."),
    ca: certificateAuthority(),
  }),
  example: { url: "https://social.example", query: "general meeting", token: { env: "MASTODON_SEARCH_TOKEN" } },
  defaults: { everySeconds: 900, timeoutSeconds: 20 },

  async run({ url, query, type, token, ca }, given) {
    const { http } = trusting(given, ca);
    const address = cacheBusted(new URL("/api/v2/search", url));
    for (const [name, value] of Object.entries({ q: query, type, limit: "1" })) address.searchParams.set(name, value);
    const answer = await http.get(address, { headers: bearer(token) });
    const fault = searchFault(answer, type, token);
    return findingOf(fault ? [withoutToken(fault, token)] : [], { phases: answer.phases });
  },
});

const list = z.array(z.unknown());
const Results = z.object({ statuses: list, accounts: list, hashtags: list });

function searchFault(
  answer: HttpAnswer,
  type: keyof z.output<typeof Results>,
  token: Secret | undefined,
): Problem | undefined {
  const { status } = answer;
  const evidence = redactedEvidence(answer, token, Results);
  if ((status === 401 || (status === 403 && token)) && !isHtml(answer)) {
    const reason = token
      ? `the token is refused (${status}): make a new one that may read:search`
      : "search needs a token";
    return { outcome: "unknown", reason, explanation: couldNotCheck, evidence };
  }
  const refusal = refusalOf(answer, "search", sameInAll("Mastodon"));
  // Members have everything else.
  if (refusal?.outcome === "down") return degradation(refusal.reason, noSearch, evidence);
  if (refusal) return { ...refusal, evidence };
  const found = status === 200 ? answer.json(Results)?.[type] : undefined;
  if (!found)
    return degradation(`search answered ${status}${status === 200 ? ", but no results" : ""}`, noSearch, evidence);
  if (found.length > 0) return undefined;
  const question = type === "statuses" ? ": is its search engine there?" : "";
  return degradation(`search finds no ${type} where there are some${question}`, noSearch, evidence);
}
