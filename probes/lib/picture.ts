/** A picture as browsers load it: there, and a picture. */
import type { Localised } from "../../core/language.ts";
import { plainText } from "../../core/plain-text.ts";
import type { ProbeContext } from "../../core/probe.ts";
import { evidenceOf } from "./answer.ts";
import { blemish, type Flaw } from "./flaw.ts";
import { isText } from "./media-start.ts";
import { patiently } from "./patience.ts";
import { silentOutcome, storageTrouble } from "./stored-file.ts";
import { mediaType } from "./wall.ts";

const slowIfAtAll: Localised = {
  en: "Pictures load slowly or not at all.",
  fr: "Les images s’affichent lentement, ou pas du tout.",
};
const doNotLoad: Localised = { en: "Pictures may not load.", fr: "Les images risquent de ne pas s’afficher." };

/** @param asked what the picture is, as it stands in a reason: "the newest picture of @ada". */
export async function askPicture(url: URL, asked: string, context: ProbeContext): Promise<readonly Flaw[]> {
  const request = { headers: { range: "bytes=0-1023" }, followRedirects: 5, maxBodyBytes: 2048 };
  const heard = await patiently(context.http.get(url, request), context);
  if (!("answer" in heard)) {
    const reason = `${asked} on ${url.host}: ${heard.silence}`;
    const explanation = heard.failure ? doNotLoad : slowIfAtAll;
    return [{ outcome: silentOutcome(heard), reason, explanation, evidence: heard.evidence }];
  }
  const { answer } = heard;
  const evidence = evidenceOf(answer);
  const trouble = storageTrouble(answer);
  if (trouble === "nothing known") return [];
  if (trouble) {
    const outcome = trouble.whole ? "down" : "degraded";
    return [{ outcome, reason: `${asked} ${trouble.said}`, explanation: doNotLoad, evidence }];
  }
  if (answer.body.length === 0) return [blemish(`${asked} is empty`, doNotLoad, evidence)];
  const type = mediaType(answer);
  // Storage that was told nothing about a file says just "bytes"; browsers look inside.
  const possible = /^(?:image|video)\/|^(?:application|binary)\/octet-stream$/.test(type) || type === "";
  if (!possible) return [blemish(`${asked} is ${plainText(type, 40)}`, doNotLoad, evidence)];
  return isText(answer.body) && type !== "image/svg+xml" ? [blemish(`${asked} is text`, doNotLoad, evidence)] : [];
}

/** The first of these addresses that may be asked: a stranger's document must not send us to any host it likes. */
export function askable(addresses: readonly string[], hosts: readonly string[]): URL | undefined {
  const urls = addresses.flatMap((address) => URL.parse(address) ?? []);
  return urls.find(({ protocol, host }) => /^https?:$/.test(protocol) && hosts.includes(host));
}
