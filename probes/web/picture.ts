/** Asks for a picture as browsers do: does it load, in time, and is it a picture? */
import type { Localised } from "../../core/language.ts";
import { plainText } from "../../core/plain-text.ts";
import type { HttpAnswer, ProbeContext } from "../../core/probe.ts";
import { degradation, type Problem } from "../lib/problem.ts";
import { untilDeadline } from "../lib/time-limit.ts";
import { mediaType } from "./bot-wall.ts";
import { evidenceOf } from "./http-answer.ts";
import { isText } from "./magic-numbers.ts";
import { fileWithoutAnswer, slowFile, storageTrouble, troubledFile } from "./stored-file.ts";
import { sameOriginUrl } from "./untrusted-url.ts";

const doNotLoad: Localised = { en: "Pictures may not load.", fr: "Les images risquent de ne pas s’afficher." };
const loadSlowly: Localised = {
  en: "Pictures may take long to load.",
  fr: "Les images peuvent mettre du temps à s’afficher.",
};

export interface Picture {
  readonly url: URL;
  /** What it is, as it stands in a reason: "the newest picture of @ada". */
  readonly asked: string;
  /** The answer that named it. */
  readonly namedBy: HttpAnswer;
}

/** Asks for its beginning, wherever it is kept: a document from the public internet cannot lead into a private network. */
export async function askPicture(
  { url, asked: what, namedBy }: Picture,
  maxSeconds: number,
  context: ProbeContext,
): Promise<readonly Problem[]> {
  const request = { headers: { range: "bytes=0-1023" }, followRedirects: 5, maxBodyBytes: 2048, namedBy };
  const asked = sameOriginUrl(url.href, namedBy.url) ? what : `${what} on ${url.host}`;
  const heard = await untilDeadline(context.http.get(url, request), context);
  if (!("answer" in heard)) return [fileWithoutAnswer(heard, asked, { gone: doNotLoad, slow: loadSlowly })];
  const { answer } = heard;
  const evidence = evidenceOf(answer);
  const trouble = storageTrouble(answer);
  if (trouble === "nothing known") return [];
  if (trouble) return [troubledFile(trouble, asked, doNotLoad, evidence)];
  if (answer.body.length === 0) return [degradation(`${asked} is empty`, doNotLoad, evidence)];
  const type = mediaType(answer);
  // Storage that was told nothing about a file says just "bytes"; browsers look inside.
  if (!/^(?:image|video)\/|^(?:application|binary)\/octet-stream$/.test(type) && type !== "")
    return [degradation(`${asked} is ${plainText(type, 40)}`, doNotLoad, evidence)];
  if (isText(answer.body) && type !== "image/svg+xml") return [degradation(`${asked} is text`, doNotLoad, evidence)];
  return slowFile(answer, asked, maxSeconds, loadSlowly);
}
