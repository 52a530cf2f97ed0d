/**
 * The mastodon-media probe: fetches a picture from wherever Mastodon keeps its media, because pages look fine while
 * the storage bucket is gone.
 */
import { z } from "zod";
import { webAddress } from "../core/config/settings.ts";
import { type Localised, sameInAll } from "../core/language.ts";
import { plainText } from "../core/plain-text.ts";
import { defineProbe, type HttpAnswer, type ProbeContext } from "../core/probe.ts";
import { askInstance } from "./fediverse/instance.ts";
import { partNotMeasured } from "./fediverse/part-not-measured.ts";
import { type PublicPost, PublicPosts } from "./fediverse/posts.ts";
import { certificateAuthority, trusting } from "./lib/certificate.ts";
import { degradation, findingOf, type Problem } from "./lib/problem.ts";
import { mainLimitSeconds, withTimeLimit } from "./lib/time-limit.ts";
import { challengeOf, isHtml, mediaType } from "./web/bot-wall.ts";
import { cacheBusted } from "./web/cache-buster.ts";
import { evidenceOf, redirectTarget, refusalOf } from "./web/http-answer.ts";
import { isText, startsLikeMedia } from "./web/magic-numbers.ts";

const noPictures: Localised = {
  en: "Pictures and videos do not load.",
  fr: "Les images et les vidéos ne s’affichent pas.",
};
const somePictures: Localised = {
  en: "Some pictures do not load.",
  fr: "Certaines images ne s’affichent pas.",
};
const mayNotLoad: Localised = {
  en: "Pictures and videos may not load.",
  fr: "Les images et les vidéos risquent de ne pas s’afficher.",
};
const slowIfAtAll: Localised = {
  en: "Pictures and videos load slowly or not at all.",
  fr: "Les images et les vidéos s’affichent lentement, ou pas du tout.",
};
const slowPictures: Localised = {
  en: "Pictures and videos load slowly.",
  fr: "Les images et les vidéos s’affichent lentement.",
};

export default defineProbe({
  summary: "Fetches the beginning of a picture from where a Mastodon keeps its media, which it finds out by itself.",
  internal: true,
  options: z.strictObject({
    url: webAddress().describe("Address of the server as members see it, without a path."),
    file: webAddress()
      .optional()
      .describe("Address of one uploaded picture to fetch; without it, one that the server itself shows in public."),
    maxSeconds: z
      .number()
      .positive()
      .max(300)
      .prefault(5)
      .describe("A picture that needs longer than this many seconds to begin is degraded."),
    ca: certificateAuthority(),
  }),
  example: { url: "https://social.example" },
  defaults: { everySeconds: 900, timeoutSeconds: 20 },

  async run({ url, file, maxSeconds, ca }, given) {
    const context = trusting(given, ca);
    const origin = new URL(url);
    // Also where the file is known: while there is no Mastodon, nobody misses its pictures.
    const look = await askInstance(origin, sameInAll("Mastodon"), context);
    if (look.problem && file === undefined) return partNotMeasured("a picture", look.problem);
    const named = file === undefined ? [] : [{ url: new URL(file) }];
    const shown = [...named, ...uploaded(look.instance?.pictures ?? [], origin, look.answer)];
    const found: Posted = shown.length > 0 ? { pictures: shown } : await posted(origin, context);
    const [first, ...others] = found.pictures;
    if (!first && found.refused) return partNotMeasured("a picture", found.refused);
    if (!first)
      return { outcome: "up", reason: "shows no uploaded picture to strangers: name one as `file` to have it fetched" };
    const seen = await askFile(first, origin, maxSeconds, context);
    const phases = seen.answer ? { phases: seen.answer.phases } : {};
    if (!seen.fault?.oneFile) return findingOf(seen.fault ? [seen.fault.problem] : seen.slow, phases);
    // One file may be missing for a reason of its own. Is the storage to blame, another one is missing too.
    const second = otherThan(first, [...others, ...(shown.length > 0 ? (await posted(origin, context)).pictures : [])]);
    const compared = second && (await askFile(second, origin, maxSeconds, context));
    return findingOf(compare(seen.fault.problem, compared), { ...phases, note: noteOf(seen.fault.problem) });
  },
});

interface Picture {
  readonly url: URL;
  readonly namedBy?: Pick<HttpAnswer, "address">;
}

/** What was seen of one file. */
interface Seen {
  readonly answer?: HttpAnswer;
  readonly fault?: Fault;
  readonly slow: readonly Problem[];
}

interface Fault {
  readonly problem: Problem;
  /** Perhaps only this one file is missing, and all others are there. */
  readonly oneFile?: true;
}

function compare(first: Problem, second: Seen | undefined): readonly Problem[] {
  if (!second)
    return [{ ...first, reason: `${first.reason}; there is no other to compare`, explanation: somePictures }];
  if (!second.fault) return second.slow;
  const { reason } = second.fault.problem;
  const too = reason === first.reason ? "so it is with another one" : `of another one: ${reason}`;
  return [{ ...first, reason: `${first.reason}; ${too}` }];
}

const noteOf = ({ reason }: Problem): string => `${reason}; another one is as it should be`;

/** On the same host: another one may be in another storage. */
const otherThan = ({ url }: Picture, pictures: readonly Picture[]): Picture | undefined =>
  pictures.find((other) => other.url.host === url.host && other.url.pathname !== url.pathname);

interface Posted {
  readonly pictures: readonly Picture[];
  /** Why nothing is known of them. */
  readonly refused?: Problem | undefined;
}

/** Pictures that members have put into posts, or under their names. */
async function posted(origin: URL, context: ProbeContext): Promise<Posted> {
  const timeline = new URL("/api/v1/timelines/public?local=true&only_media=true&limit=5", origin);
  const heard = await withTimeLimit(context.http.get(cacheBusted(timeline)), context);
  if (!("answer" in heard)) return { pictures: [] };
  const { answer } = heard;
  const pictures = uploaded((answer.json(PublicPosts) ?? []).flatMap(attachments), origin, answer);
  return { pictures, refused: refusalOf(answer, "the timeline", sameInAll("Mastodon"), "document") };
}

/** Of remote posts the server may keep no copy: fetching one would make it ask others. */
const attachments = ({ media_attachments }: PublicPost): readonly string[] =>
  media_attachments.flatMap(({ url, remote_url }) => (url && !remote_url ? [url] : []));

const partOfTheProgram =
  /\/(?:packs|packs-test|assets|emoji|media_proxy)\/|\/(?:original|static)\/missing\.png$|\/missing\.png$/;

/** Pictures that come with Mastodon are stored elsewhere, so they say nothing about the storage. */
const uploaded = (pictures: readonly string[], origin: URL, namedBy: HttpAnswer): readonly Picture[] =>
  pictures
    .map((picture) => URL.parse(picture, origin))
    .filter((picture) => picture !== null)
    .filter(
      ({ protocol, pathname }) => /^https?:$/.test(protocol) && pathname !== "/" && !partOfTheProgram.test(pathname),
    )
    .map((url) => ({ url, namedBy }));

async function askFile(picture: Picture, origin: URL, maxSeconds: number, context: ProbeContext): Promise<Seen> {
  const { url, namedBy } = picture;
  const headers = {
    range: `bytes=0-${wanted - 1}`,
    accept: "image/*,video/*,audio/*",
    // As browsers do: some hosts show their pictures on their own pages only.
    ...(url.host === origin.host && { referer: `${origin.origin}/` }),
  };
  const request = { headers, maxBodyBytes: 4096, followRedirects: 2, ...(namedBy && { namedBy }) };
  const heard = await withTimeLimit(context.http.get(url, request), context, mainLimitSeconds);
  if (!("answer" in heard)) {
    const told = heard.failure ? noPictures : slowIfAtAll;
    return { fault: { problem: degradation(`media on ${url.host}: ${heard.reason}`, told, heard.evidence) }, slow: [] };
  }
  const { answer } = heard;
  const fault = mediaFault(answer, url.host, url.host === origin.host);
  const took = answer.phases.total ?? 0;
  const reason = `a picture from ${url.host} took ${took.toFixed(1)} s to begin, more than ${maxSeconds} s`;
  const slow = took > maxSeconds ? [degradation(reason, slowPictures, evidenceOf(answer))] : [];
  return { answer, slow, ...(fault && { fault }) };
}

/** Enough to tell a picture from a page. */
const wanted = 64;

/** @param ours it is on the host that has just told us about itself. */
function mediaFault(answer: HttpAnswer, host: string, ours: boolean): Fault | undefined {
  const { status } = answer;
  const problem = (reason: string, told = noPictures) => ({ problem: degradation(reason, told, evidenceOf(answer)) });
  const file = (reason: string, told = noPictures) => ({ ...problem(reason, told), oneFile: true }) as const;
  const store = storeError(answer);
  // Who may not list a bucket is told "AccessDenied" of a file that is not there.
  if (store === "NoSuchKey" || store === "AccessDenied")
    return file(`the media store ${host} refuses: ${store} (${status})`);
  if (store !== undefined) return problem(`the media store ${host} refuses: ${store} (${status})`);
  if (status === 404 || status === 410) return file(`a picture that is shown is not on ${host} (${status})`);
  if (status >= 500) return problem(`the media host ${host} answers ${status}`);
  if (status === 403 && ours && !challengeOf(answer)) {
    return file(`${host} refuses a picture (403) and answers all else: may the web server read it?`, mayNotLoad);
  }
  const refusal = refusalOf(answer, `the media host ${host}`, sameInAll("Mastodon"));
  if (refusal?.outcome === "unknown") return { problem: refusal };
  if (status >= 300 && status < 400) return problem(`the media host ${host} redirects to ${redirectTarget(answer)}`);
  if (status !== 200 && status !== 206) return problem(`the media host ${host} answers ${status}`);
  if (isHtml(answer)) return problem(`${host} shows a web page in place of a picture`);
  const said = contentFault(answer, host);
  return said === undefined ? undefined : file(said);
}

function contentFault(answer: HttpAnswer, host: string): string | undefined {
  const { body } = answer;
  const kind = mediaType(answer);
  if (body.length === 0) return `a picture on ${host} is empty`;
  const bytes = kind === "application/octet-stream" || kind === "binary/octet-stream" || kind === "";
  if (!/^(?:image|video|audio)\//.test(kind) && !bytes)
    return `${host} gives ${plainText(kind, 60)} in place of a picture`;
  if (kind === "image/svg+xml") return undefined;
  if (isText(body)) return `${host} gives text under the name of a picture`;
  const picture = kind.startsWith("image/");
  return picture && !startsLikeMedia(body) ? `a picture on ${host} does not begin like one` : undefined;
}

/** The word that an object store (S3 and its relatives) has for it. */
function storeError(answer: HttpAnswer): string | undefined {
  if (answer.status < 300 && !/xml/.test(mediaType(answer))) return undefined;
  const start = Buffer.from(answer.body.subarray(0, 4096)).toString("latin1");
  return /<Error\b[^>]*>.*?<Code>([A-Za-z0-9.]{1,60})<\/Code>/s.exec(start)?.[1];
}
