/**
 * The mastodon-sign-up probe: opens the pages where members ask for mails: a new password, the confirmation of an
 * address.
 */
import { z } from "zod";
import { webAddress } from "../core/config/settings.ts";
import { type Localised, sameInAll } from "../core/language.ts";
import { defineProbe, type HttpAnswer, type ProbeContext } from "../core/probe.ts";
import { askInstance } from "./fediverse/instance.ts";
import { partNotMeasured } from "./fediverse/part-not-measured.ts";
import { certificateAuthority, trusting } from "./lib/certificate.ts";
import { degradation, findingOf, type Problem } from "./lib/problem.ts";
import { withTimeLimit } from "./lib/time-limit.ts";
import { challengeOf } from "./web/bot-wall.ts";
import { cacheBusted } from "./web/cache-buster.ts";
import { cacheCovering, evidenceOf, refusalOf } from "./web/http-answer.ts";

const mastodon = sameInAll("Mastodon");

interface Page {
  /** As it stands in a reason. */
  readonly name: string;
  readonly path: string;
  /** Where its form is sent to. */
  readonly form: RegExp;
  readonly explanation: Localised;
}

const pages: readonly Page[] = [
  {
    name: "the page for a new password",
    path: "/auth/password/new",
    form: /<form\b[^>]{0,1000}\baction="[^"]{0,200}\/auth\/password"/,
    explanation: {
      en: "Members cannot ask for a new password.",
      fr: "Les membres ne peuvent pas demander un nouveau mot de passe.",
    },
  },
  {
    name: "the page for another confirmation mail",
    path: "/auth/confirmation/new",
    form: /<form\b[^>]{0,1000}\baction="[^"]{0,200}\/auth\/confirmation"/,
    explanation: {
      en: "New members cannot have their confirmation mail sent again.",
      fr: "Les nouveaux membres ne peuvent pas redemander leur courriel de confirmation.",
    },
  },
];

export default defineProbe({
  summary: "Opens the pages of a Mastodon where members ask for a new password and for another confirmation mail.",
  internal: true,
  options: z.strictObject({
    url: webAddress().describe(
      "Address of the server as members see it, without a path. That mails leave it only the queue `mailers` (`queues`) and an `smtp` check can say.",
    ),
    ca: certificateAuthority(),
  }),
  example: { url: "https://social.example" },
  defaults: { everySeconds: 900, timeoutSeconds: 20 },

  async run({ url, ca }, given) {
    const context = trusting(given, ca);
    const origin = new URL(url);
    const { problem } = await askInstance(origin, mastodon, context);
    if (problem) return partNotMeasured("the pages for mails of an account", problem);
    const seen = [];
    for (const page of pages) seen.push(await look(page, origin, context));
    const notes = seen.flatMap(({ note }) => note ?? []);
    return findingOf(
      seen.flatMap((page) => page.problem ?? []),
      { note: notes.length > 0 ? notes.join("; ") : undefined },
    );
  },
});

async function look(page: Page, origin: URL, context: ProbeContext): Promise<{ problem?: Problem; note?: string }> {
  const heard = await withTimeLimit(context.http.get(cacheBusted(new URL(page.path, origin))), context);
  if ("answer" in heard) return judge(page, heard.answer);
  if (heard.failure) return { problem: degradation(`${page.name}: ${heard.reason}`, page.explanation, heard.evidence) };
  return { note: `${page.name}: ${heard.reason}, so not judged` };
}

/**
 * Where a sign-on of another kind stands before Mastodon, strangers are sent away or see something else, and rightly so:
 * only an error of the server is one.
 */
function judge({ name, form, explanation }: Page, answer: HttpAnswer): { problem?: Problem; note?: string } {
  const { status } = answer;
  const refusal = refusalOf(answer, name, mastodon);
  const covered = cacheCovering(answer);
  if (status >= 500)
    return { problem: degradation(refusal?.reason ?? `${name} answered ${status}`, explanation, evidenceOf(answer)) };
  if (covered)
    return {
      problem: degradation(`${name} fails and a cache covers it (${covered})`, explanation, evidenceOf(answer)),
    };
  if (refusal?.outcome === "unknown" && (status !== 403 || challengeOf(answer))) return { problem: refusal };
  if (status !== 200) return notShown(name, `answered ${status}`);
  return form.test(answer.text()) ? {} : notShown(name, "a page without its form");
}

const notShown = (name: string, what: string) => ({ note: `${name} is not shown to strangers (${what}): not judged` });
