/** The file behind an episode: is it there, in parts, as long and of the type that the feed promises? */
import { plainText } from "../../core/plain-text.ts";
import type { HttpAnswer, ProbeContext } from "../../core/probe.ts";
import { evidenceOf } from "./answer.ts";
import type { Episode, Sound } from "./feed.ts";
import { blemish, type Flaw } from "./flaw.ts";
import { patiently } from "./patience.ts";
import { silentOutcome, storageTrouble } from "./stored-file.ts";
import { mediaType } from "./wall.ts";

const cannotBePlayed = {
  en: "The newest episode of a podcast cannot be played.",
  fr: "Le plus récent épisode d’un balado ne peut pas être écouté.",
};
const playsBadly = {
  en: "Some podcast apps may have trouble playing the newest episode.",
  fr: "Certaines applications de balados risquent de mal lire le plus récent épisode.",
};

/**
 * Asks for the first two bytes, by way of the address in the feed. Castopod counts that address as a download, but for
 * exactly this range, which Apple's app asks for before it plays.
 */
export async function askSound(
  { title, sound }: Pick<Episode, "title" | "sound">,
  origin: URL,
  context: ProbeContext,
): Promise<readonly Flaw[]> {
  const url = sound && ownAddress(sound.url, origin);
  // A premium episode is for those who paid: it answers 401 to us, and rightly so. Other hosts are not ours to ask.
  if (!sound || !url) return [];
  const asked = `the sound of "${title}"`;
  const range = { range: "bytes=0-1" };
  const heard = await patiently(
    context.http.get(url, { headers: range, followRedirects: 5, maxBodyBytes: 2048 }),
    context,
  );
  if (!("answer" in heard)) {
    const reason = `${asked}: ${heard.silence}`;
    return [{ outcome: silentOutcome(heard), reason, explanation: cannotBePlayed, evidence: heard.evidence }];
  }
  return judge(heard.answer, sound, asked);
}

function judge(answer: HttpAnswer, promised: Sound, asked: string): readonly Flaw[] {
  const contentRange = answer.headers.get("content-range") ?? "none";
  const evidence = `${evidenceOf(answer)}\ncontent-range: ${plainText(contentRange, 60)}`;
  const trouble = storageTrouble(answer);
  if (trouble === "nothing known") return [];
  if (trouble) {
    const outcome = trouble.whole ? "down" : "degraded";
    return [{ outcome, reason: `${asked} ${trouble.said}`, explanation: cannotBePlayed, evidence }];
  }
  const [, total] = /^bytes \d+-\d+\/(\d{1,15})$/.exec(contentRange) ?? [];
  const differs = total !== undefined && promised.bytes !== undefined && Number(total) !== promised.bytes;
  return [
    ...(answer.status === 200 ? ["is not given in parts, as apps ask for it"] : []),
    ...(differs ? [`has ${total} bytes, the feed promises ${promised.bytes}`] : []),
    ...typeFaults(mediaType(answer), promised.type),
  ].map((said) => blemish(`${asked} ${said}`, playsBadly, evidence));
}

/** Names that stand for the same thing. */
const sameTypes: Readonly<Record<string, string>> = {
  "audio/mp3": "audio/mpeg",
  "audio/x-mp3": "audio/mpeg",
  "audio/x-mpeg": "audio/mpeg",
  "audio/m4a": "audio/mp4",
  "audio/x-m4a": "audio/mp4",
  "video/x-m4v": "video/mp4",
};

function typeFaults(given: string, promised: string | undefined): readonly string[] {
  const known = (type: string) => sameTypes[type] ?? type;
  const wanted = known((promised ?? "").trim().toLowerCase());
  // Storage that was told nothing about a file says just "bytes": apps then believe the feed.
  if (given === "" || /^(?:application|binary)\/octet-stream$/.test(given) || wanted === "" || known(given) === wanted)
    return [];
  return [`is ${plainText(given, 40)}, the feed promises ${plainText(wanted, 40)}`];
}

/** Only our own server is asked, also where a service that counts listeners is put before its address. */
function ownAddress(written: string, origin: URL): URL | undefined {
  const url = URL.parse(written);
  if (!url || !/^https?:$/.test(url.protocol)) return undefined;
  if (url.host === origin.host) return url;
  const inside = url.pathname.indexOf(`/${origin.host}/`);
  const behind =
    inside < 0 ? null : URL.parse(url.pathname.slice(inside + origin.host.length + 1) + url.search, origin);
  return behind?.host === origin.host ? behind : undefined;
}
