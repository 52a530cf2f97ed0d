/**
 * Federation of a Pixelfed: whether its inbox takes what other servers send (ActivityPub is off until somebody
 * switches it on).
 */
import type { HttpAnswer, ProbeContext } from "../../core/probe.ts";
import { degradation, type Problem } from "../lib/problem.ts";
import { type NoAnswer, withTimeLimit } from "../lib/time-limit.ts";
import { evidenceOf } from "../web/http-answer.ts";

const apart = {
  en: "Posts do not travel between our server and others.",
  fr: "Les publications ne circulent pas entre notre serveur et les autres.",
};

/**
 * Posts a message without content. Pixelfed answers 200 to whatever comes and reads it later, so all that can be
 * learned is whether the inbox exists.
 * @param user whose own inbox there must be where the shared one is switched off (AP_SHAREDINBOX).
 */
export async function askInboxes(
  user: string | undefined,
  origin: URL,
  context: ProbeContext,
): Promise<readonly Problem[]> {
  const shared = await knock("/f/inbox", origin, context);
  if (!isMissing(shared) || user === undefined) return judge(shared, "the shared inbox");
  const own = await knock(`/users/${encodeURIComponent(user)}/inbox`, origin, context);
  return isMissing(own) ? judge(own, "every inbox") : judge(own, `the inbox of @${user}`);
}

type Heard = { readonly answer: HttpAnswer } | NoAnswer;

function knock(path: string, origin: URL, context: ProbeContext): Promise<Heard> {
  const type = "application/activity+json";
  const request = { method: "POST", headers: { accept: type, "content-type": type }, body: "{}" } as const;
  return withTimeLimit(context.http.get(new URL(path, origin), request), context);
}

const isMissing = (heard: Heard): boolean => "answer" in heard && heard.answer.status === 404;

function judge(heard: Heard, asked: string): readonly Problem[] {
  if (!("answer" in heard)) return [degradation(`${asked}: ${heard.reason}`, apart, heard.evidence)];
  const { answer } = heard;
  const { status } = answer;
  if ([200, 202, 400, 401, 429].includes(status)) return [];
  const said =
    status === 404 ? "answered 404: ActivityPub is off (ACTIVITY_PUB, off by default)" : `answered ${status}`;
  return [degradation(`${asked} ${said}`, apart, evidenceOf(answer))];
}
