/** Fetches a picture from wherever a Mastodon keeps its media: pages look fine while the bucket behind them is gone. */
import { z } from "zod";
import { type Localised, sameInAll } from "../core/language.ts";
import { plainText } from "../core/plain-text.ts";
import { defineProbe, type HttpAnswer, type ProbeContext } from "../core/probe.ts";
import type { Finding } from "../core/sample.ts";
import { webAddress } from "../core/settings.ts";
import { evidenceOf, redirectTarget, refusalOf } from "./lib/answer.ts";
import { certificateAuthority, trusting } from "./lib/certificate.ts";
import { couldNotCheck } from "./lib/explanation.ts";
import { blemish, type Flaw, findingOf } from "./lib/flaw.ts";
import { askInstance } from "./lib/instance.ts";
import { uncached } from "./lib/nonce.ts";
import { patiently } from "./lib/patience.ts";
import { type PublicPost, PublicPosts } from "./lib/posts.ts";
import { isHtml, mediaType } from "./lib/wall.ts";

const noPictures: Localised = {
  en: "Pictures and videos do not load.",
  fr: "Les images et les vidéos ne s’affichent pas.",
};
const slowPictures: Localised = {
  en: "Pictures and videos load slowly.",
  fr: "Les images et les vidéos s’affichent lentement.",
};

export default defineProbe({
  summary: "Fetches the beginning of a picture from where a Mastodon keeps its media, which it finds out by itself.",
  behind: true,
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
    const found = await findPicture(new URL(url), file, context);
    if ("outcome" in found) return found;
    const heard = await fetchBeginning(found, context);
    const host = found.url.host;
    if (!("answer" in heard))
      return findingOf([blemish(`media on ${host}: ${heard.silence}`, noPictures, heard.evidence)]);
    const { answer } = heard;
    const fault = mediaFault(answer, host);
    const took = answer.phases.total ?? 0;
    const slow = `a picture from ${host} took ${took.toFixed(1)} s to begin, more than ${maxSeconds} s`;
    const flaws = fault ? [fault] : took > maxSeconds ? [blemish(slow, slowPictures, evidenceOf(answer))] : [];
    return findingOf(flaws, { phases: answer.phases });
  },
});

interface Picture {
  readonly url: URL;
  readonly namedBy?: Pick<HttpAnswer, "address">;
}

/** An uploaded file: what came with the program is on another shelf and says nothing. */
async function findPicture(origin: URL, file: string | undefined, context: ProbeContext): Promise<Picture | Finding> {
  // Also where the file is known: while there is no Mastodon, nobody misses its pictures.
  const look = await askInstance(origin, sameInAll("Mastodon"), context);
  if (file !== undefined) return { url: new URL(file) };
  const { flaw, answer, instance } = look;
  if (flaw) {
    // What is wrong with the whole of Mastodon is another check's to say.
    const reason = `could not look for a picture: ${flaw.reason}`;
    return {
      outcome: "unknown",
      reason,
      explanation: couldNotCheck,
      ...(flaw.evidence && { evidence: flaw.evidence }),
    };
  }
  const shown = uploaded(instance?.pictures ?? [], origin);
  if (shown) return { url: shown, namedBy: answer };
  const timeline = new URL("/api/v1/timelines/public?local=true&only_media=true&limit=5", origin);
  const posts = await context.http.get(uncached(timeline));
  const attached = (posts.json(PublicPosts) ?? []).flatMap(attachments);
  const posted = uploaded(attached, origin);
  if (posted) return { url: posted, namedBy: posts };
  return { outcome: "up", reason: "shows no uploaded picture to strangers: name one as `file` to have it fetched" };
}

/** Of remote posts the server may keep no copy: fetching one would make it ask others. */
const attachments = ({ media_attachments }: PublicPost): readonly string[] =>
  media_attachments.flatMap(({ url, remote_url }) => (url && !remote_url ? [url] : []));

const partOfTheProgram =
  /\/(?:packs|packs-test|assets|emoji|media_proxy)\/|\/(?:original|static)\/missing\.png$|\/missing\.png$/;

function uploaded(pictures: readonly string[], origin: URL): URL | undefined {
  return pictures
    .map((picture) => URL.parse(picture, origin))
    .filter((picture) => picture !== null)
    .find(
      ({ protocol, pathname }) => /^https?:$/.test(protocol) && pathname !== "/" && !partOfTheProgram.test(pathname),
    );
}

function fetchBeginning({ url, namedBy }: Picture, context: ProbeContext) {
  const request = {
    headers: { range: `bytes=0-${wanted - 1}`, accept: "image/*,video/*,audio/*" },
    maxBodyBytes: 4096,
  };
  return patiently(context.http.get(url, { ...request, followRedirects: 2, ...(namedBy && { namedBy }) }), context);
}

/** Enough to tell a picture from a page. */
const wanted = 64;

function mediaFault(answer: HttpAnswer, host: string): Flaw | undefined {
  const { status } = answer;
  const flaw = (reason: string) => blemish(reason, noPictures, evidenceOf(answer));
  const store = storeError(answer);
  if (store !== undefined) return flaw(`the media store ${host} refuses: ${store} (${status})`);
  if (status === 404 || status === 410) return flaw(`a picture that is shown is not on ${host} (${status})`);
  if (status >= 500) return flaw(`the media host ${host} answers ${status}`);
  const refusal = refusalOf(answer, `the media host ${host}`, sameInAll("Mastodon"));
  if (refusal?.outcome === "unknown") return refusal;
  if (status >= 300 && status < 400) return flaw(`the media host ${host} redirects to ${redirectTarget(answer)}`);
  if (status !== 200 && status !== 206) return flaw(`the media host ${host} answers ${status}`);
  if (isHtml(answer)) return flaw(`${host} shows a web page in place of a picture`);
  const kind = mediaType(answer);
  if (answer.body.length === 0) return flaw(`a picture on ${host} is empty`);
  const binary = kind === "application/octet-stream" || kind === "binary/octet-stream" || kind === "";
  if (!/^(?:image|video|audio)\//.test(kind) && !binary)
    return flaw(`${host} gives ${plainText(kind, 60)} in place of a picture`);
  if (isMarkup(answer) && kind !== "image/svg+xml") return flaw(`${host} gives text under the name of a picture`);
  return undefined;
}

/** The word that an object store (S3 and its relatives) has for it. */
function storeError(answer: HttpAnswer): string | undefined {
  if (answer.status < 300 && !/xml/.test(mediaType(answer))) return undefined;
  const start = Buffer.from(answer.body.subarray(0, 4096)).toString("latin1");
  return /<Error\b[^>]*>.*?<Code>([A-Za-z0-9.]{1,60})<\/Code>/s.exec(start)?.[1];
}

function isMarkup({ body }: HttpAnswer): boolean {
  return /^\s*(?:<[!?a-zA-Z]|\{")/.test(Buffer.from(body.subarray(0, wanted)).toString("latin1"));
}
