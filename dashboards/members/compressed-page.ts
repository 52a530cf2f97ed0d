/** A page compressed in every encoding (brotli, zstd, gzip), with its ETag and headers: all of an answer that can be made beforehand. */
import { promisify } from "node:util";
import { brotliCompress, constants, gzip, zstdCompress } from "node:zlib";
import { pause } from "../../core/time-slices.ts";
import type { Encoding } from "../content-negotiation.ts";
import { styleOf, styleSource } from "../parts/layout.ts";
import { securityHeaders } from "../security-headers.ts";

export interface CompressedPage {
  /** The page without any note, in UTF-8: what is saved on disk. */
  readonly plain: Uint8Array;
  readonly variants: Readonly<Record<Encoding, Variant>>;
}

interface Variant {
  readonly etag: string;
  /** For an address that fixes the language, and for one that does not. */
  readonly fixed: Answers;
  readonly negotiated: Answers;
}

interface Answers {
  readonly whole: PageAnswer;
  readonly unchanged: PageAnswer;
}

export interface PageAnswer {
  readonly status: 200 | 304;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer> | null;
}

/** Most pages come back from the background in one piece. */
const chunkSize = 65_536;

/**
 * Levels that cost a millisecond: a busy page is made anew every few seconds. The best ones save a tenth of the bytes
 * for a hundred times the work.
 */
const compress: Readonly<Record<Encoding, (page: Buffer<ArrayBuffer>) => Promise<Buffer<ArrayBuffer>>>> = {
  identity: async (page) => page,
  gzip: (page) => promisify(gzip)(page, { level: 6, chunkSize }),
  br: (page) =>
    promisify(brotliCompress)(page, {
      chunkSize,
      params: { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_SIZE_HINT]: page.length },
    }),
  zstd: (page) => promisify(zstdCompress)(page, { chunkSize, params: { [constants.ZSTD_c_compressionLevel]: 6 } }),
};

/**
 * Compresses in the background threads of the runtime, never on the way of a request.
 * @param plain the page without the note that it may have.
 */
export async function compressPage(page: string, plain: string): Promise<CompressedPage> {
  await pause();
  const bytes = Buffer.from(page);
  const digest = Buffer.from(await crypto.subtle.digest("SHA-256", bytes))
    .toString("base64url")
    .slice(0, 22);
  const secure = securityHeaders(styleSource(styleOf(page)));
  const variant = async (encoding: Encoding) => makeVariant(await compress[encoding](bytes), encoding, digest, secure);
  const [br, zstd, gzipped, identity] = await Promise.all([
    variant("br"),
    variant("zstd"),
    variant("gzip"),
    variant("identity"),
  ]);
  return { plain: page === plain ? bytes : Buffer.from(plain), variants: { br, zstd, gzip: gzipped, identity } };
}

function makeVariant(
  compressed: Buffer<ArrayBuffer>,
  encoding: Encoding,
  digest: string,
  secure: Readonly<Record<string, string>>,
): Variant {
  // What the compressors give may lie in a larger piece of memory.
  const body = encoding === "identity" ? compressed : new Uint8Array(compressed);
  const etag = `"${digest}-${encoding}"`;
  const answers = (vary: string): Answers => {
    // A cache in front may show the page for a day when we do not answer: it carries the time it was checked.
    const caching = { etag, vary, "cache-control": "public, max-age=0, stale-if-error=86400" };
    const headers = {
      ...secure,
      ...caching,
      "content-type": "text/html; charset=utf-8",
      "content-length": String(body.length),
      ...(encoding !== "identity" && { "content-encoding": encoding }),
    };
    return { whole: { status: 200, headers, body }, unchanged: { status: 304, headers: caching, body: null } };
  };
  return { etag, fixed: answers("Accept-Encoding"), negotiated: answers("Accept-Encoding, Accept-Language") };
}

export function answerOf(
  page: CompressedPage,
  encoding: Encoding,
  address: "fixed" | "negotiated",
  ifNoneMatch: string | undefined,
): PageAnswer {
  const variant = page.variants[encoding];
  return matches(ifNoneMatch, variant.etag) ? variant[address].unchanged : variant[address].whole;
}

/** RFC 9110: a list of tags, weak or not, or a star. */
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch === etag) return true;
  return ifNoneMatch.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag);
}
