/** An episode's enclosure, the audio file that its feed names: is it there, in time, in parts, as long and of the type that the feed promises? */
import { plainText } from "../../core/plain-text.ts";
import type { HttpAnswer, ProbeContext } from "../../core/probe.ts";
import { degradation, type Problem } from "../lib/problem.ts";
import { untilDeadline } from "../lib/time-limit.ts";
import { mediaType } from "../web/bot-wall.ts";
import { evidenceOf } from "../web/http-answer.ts";
import { fileWithoutAnswer, slowFile, storageTrouble, troubledFile } from "../web/stored-file.ts";
import { sameOriginUrl, untrustedUrl } from "../web/untrusted-url.ts";
import type { Enclosure, Episode } from "./feed.ts";

const cannotBePlayed = {
  en: "The newest episode of a podcast cannot be played.",
  fr: "Le plus récent épisode d’un balado ne peut pas être écouté.",
};
const playsBadly = {
  en: "Some podcast apps may have trouble playing the newest episode.",
  fr: "Certaines applications de balados risquent de mal lire le plus récent épisode.",
};
const startsSlowly = {
  en: "The newest episode of a podcast may take long to start.",
  fr: "Le plus récent épisode d’un balado peut mettre du temps à démarrer.",
};

export interface EnclosureSettings {
  readonly origin: URL;
  /** The feed that names the file. */
  readonly namedBy: HttpAnswer;
  /** A file that takes longer to begin is a fault. */
  readonly maxSeconds: number;
}

/**
 * Asks for the first two bytes, by way of the address in the feed. Castopod counts that address as a download, but for
 * exactly this range, which Apple's app asks for before it plays. A feed from the public internet cannot lead us into a
 * private network.
 */
export async function askEnclosure(
  { title, enclosure }: Pick<Episode, "title" | "enclosure">,
  { origin, namedBy, maxSeconds }: EnclosureSettings,
  context: ProbeContext,
): Promise<readonly Problem[]> {
  if (!enclosure) return [];
  const own = ownEnclosure(enclosure.url, origin);
  const url = own ?? untrustedUrl(enclosure.url);
  const asked = `the sound of "${title}"${url && !own ? ` on ${url.host}` : ""}`;
  if (!url) return [degradation(`${asked} has no address on the web: ${plainText(enclosure.url, 80)}`, cannotBePlayed)];
  const request = { headers: { range: "bytes=0-1" }, followRedirects: 5, maxBodyBytes: 2048, namedBy };
  const heard = await untilDeadline(context.http.get(url, request), context);
  if (!("answer" in heard)) return [fileWithoutAnswer(heard, asked, { gone: cannotBePlayed, slow: startsSlowly })];
  const { answer } = heard;
  const problems = judge(answer, enclosure, asked);
  return problems.length > 0 ? problems : slowFile(answer, asked, maxSeconds, startsSlowly);
}

function judge(answer: HttpAnswer, promised: Enclosure, asked: string): readonly Problem[] {
  const contentRange = answer.headers.get("content-range") ?? "none";
  const evidence = `${evidenceOf(answer)}\ncontent-range: ${plainText(contentRange, 60)}`;
  const trouble = storageTrouble(answer);
  // A premium episode is for those who paid: it answers 401 to us, and rightly so.
  if (trouble === "nothing known") return [];
  if (trouble) return [troubledFile(trouble, asked, cannotBePlayed, evidence)];
  const [, total] = /^bytes \d+-\d+\/(\d{1,15})$/.exec(contentRange) ?? [];
  const differs = total !== undefined && promised.bytes !== undefined && Number(total) !== promised.bytes;
  return [
    ...(answer.status === 200 ? ["is not given in parts, as apps ask for it"] : []),
    ...(differs ? [`has ${total} bytes, the feed promises ${promised.bytes}`] : []),
    ...typeFaults(mediaType(answer), promised.type),
  ].map((said) => degradation(`${asked} ${said}`, playsBadly, evidence));
}

/** Names that stand for the same thing, or for what one player plays in the same way. */
const sameTypes: Readonly<Record<string, string>> = {
  "audio/mp3": "audio/mpeg",
  "audio/x-mp3": "audio/mpeg",
  "audio/x-mpeg": "audio/mpeg",
  "audio/mpeg3": "audio/mpeg",
  "audio/x-mpeg-3": "audio/mpeg",
  "audio/m4a": "audio/mp4",
  "audio/x-m4a": "audio/mp4",
  "video/mp4": "audio/mp4",
  "video/x-m4v": "audio/mp4",
  "application/ogg": "audio/ogg",
  "audio/opus": "audio/ogg",
  "audio/x-wav": "audio/wav",
  "audio/wave": "audio/wav",
  "audio/vnd.wave": "audio/wav",
  "audio/x-flac": "audio/flac",
  "audio/x-aac": "audio/aac",
};

function typeFaults(given: string, promised: string | undefined): readonly string[] {
  const known = (type: string) => sameTypes[type] ?? type;
  const wanted = (promised ?? "").trim().toLowerCase();
  // Storage that was told nothing about a file says just "bytes": apps then believe the feed.
  if (given === "" || /^(?:application|binary)\/octet-stream$/.test(given) || wanted === "") return [];
  if (known(given) === known(wanted)) return [];
  return [`is ${plainText(given, 40)}, the feed promises ${plainText(wanted, 40)}`];
}

/** Also where a prefix of a service that counts downloads (OP3) stands before the address. */
function ownEnclosure(written: string, origin: URL): URL | undefined {
  const url = untrustedUrl(written);
  if (!url) return undefined;
  if (url.origin === origin.origin) return url;
  const inside = url.pathname.indexOf(`/${origin.host}/`);
  return inside < 0
    ? undefined
    : sameOriginUrl(url.pathname.slice(inside + origin.host.length + 1) + url.search, origin);
}
