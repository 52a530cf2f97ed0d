/**
 * What breaks in a Mastodon while its home page answers 200: for each kind of trouble, the answers that really change.
 */
import { manners, metrics, type StreamingVersion, unknownChannel } from "./mastodon-streaming.ts";
import { type Asked, badGateway, json, page, type Reply } from "./stand-in.ts";

const troubles = {
  "webfinger-taken": ({ url }) =>
    url.pathname === "/.well-known/webfinger" ? page("Our co-op", "Welcome to our web site.") : undefined,
  // The same server by its other name; see `domain` in the settings.
  "domain-taken": ({ url, headers }) =>
    headers.host?.startsWith("localhost:") && url.pathname === "/.well-known/webfinger"
      ? page("Our co-op", "Welcome to our web site.")
      : undefined,
  "other-software": ({ url }) =>
    url.pathname === "/nodeinfo/2.0"
      ? json({ version: "2.0", software: { name: "wordpress", version: "6.8" } })
      : undefined,
  "challenge-of-its-own": ({ url }) =>
    isApi(url) ? page("Welcome", "Please enable JavaScript and cookies to continue.") : undefined,
  challenge: ({ url }) => (isApi(url) ? botWall(200) : undefined),
  "self-destruct": ({ url }) => (url.pathname === "/health" ? undefined : { ...page("Gone", "410"), status: 410 }),

  "streaming-stopped": ({ url }) => (isStreaming(url) ? badGateway : undefined),
  "streaming-misrouted": ({ url }) => (isStreaming(url) ? railsNotFound : undefined),
  "streaming-without-upgrade": ({ url }) => (url.pathname === "/api/v1/streaming" ? unknownChannel : undefined),
  "streaming-without-database": ({ url, headers }, version) => streamingWithoutDatabase(url, headers, version),
  "streaming-deaf": ({ url }) => (url.pathname === "/metrics" ? metrics(1000) : undefined),
  "streaming-page": ({ url }) => (isStreaming(url) ? page("Mastodon (practice)", "The shell of the app.") : undefined),

  "bucket-refuses": ({ url }) => (isMedia(url) ? storeError(403, "AccessDenied", "Access Denied.") : undefined),
  "bucket-gone": ({ url }) =>
    isMedia(url) ? storeError(404, "NoSuchBucket", "The specified bucket does not exist") : undefined,
  "media-page": ({ url }) => (isMedia(url) ? page("Mastodon (practice)", "The shell of the app.") : undefined),
  "media-missing": ({ url }) => (isMedia(url) ? { ...page("404 Not Found", "nginx"), status: 404 } : undefined),
  "media-forbidden": ({ url }) => (isMedia(url) ? fileRights : undefined),
  "media-text": ({ url }) =>
    isMedia(url)
      ? { status: 200, headers: { "content-type": "image/png" }, body: "upstream connect error or disconnect/reset" }
      : undefined,
  "media-empty": ({ url }) => (isMedia(url) ? { status: 200, headers: { "content-type": "image/png" } } : undefined),

  "actor-page": ({ url }) => (url.pathname === "/actor" ? page("Mastodon (practice)", "A profile.") : undefined),
  "inbox-firewall": ({ method }) => (method === "POST" ? firewall : undefined),
  "inbox-lost": ({ method }) => (method === "POST" ? railsNotFound : undefined),
  "inbox-page": ({ method }) => (method === "POST" ? page("Our co-op", "Welcome to our web site.") : undefined),
  "inbox-get-only": ({ method }) => (method === "POST" ? notAllowed : undefined),
  "inbox-fails": ({ method }) =>
    method === "POST" ? { ...json({ error: "Internal error" }), status: 500 } : undefined,

  "feed-late": (asked) => (isTimeline(asked.url) ? oldPosts(asked, 3 * 3600 + 30) : undefined),
  "feed-empty": ({ url }) => (isTimeline(url) ? json([]) : undefined),
  "feed-fails": ({ url }) => (isTimeline(url) ? { ...page("We're sorry", "500"), status: 500 } : undefined),
  "password-page-fails": ({ url }) =>
    url.pathname === "/auth/password/new" ? { ...page("We're sorry", "500"), status: 500 } : undefined,
  "confirmation-page-fails": ({ url }) =>
    url.pathname === "/auth/confirmation/new" ? { ...page("We're sorry", "500"), status: 500 } : undefined,
  "search-empty": ({ url }) =>
    url.pathname === "/api/v2/search" ? json({ accounts: [], statuses: [], hashtags: [] }) : undefined,
} as const satisfies Readonly<Record<string, (asked: Asked, version: StreamingVersion) => Reply | undefined>>;

export type Trouble = keyof typeof troubles;

export const troubleOf = (trouble: Trouble, asked: Asked, version: StreamingVersion): Reply | undefined =>
  troubles[trouble](asked, version);

const isStreaming = ({ pathname }: URL) => pathname.startsWith("/api/v1/streaming");
const isMedia = ({ pathname }: URL) => pathname.startsWith("/system/");
const isTimeline = ({ pathname }: URL) => pathname === "/api/v1/timelines/public";
const isApi = ({ pathname }: URL) => pathname.startsWith("/api/") && !pathname.startsWith("/api/v1/streaming");

const railsNotFound: Reply = { ...json({ error: "Record not found" }), status: 404 };
const notAllowed: Reply = {
  ...page("405 Not Allowed", "nginx"),
  status: 405,
  headers: { server: "nginx", "content-type": "text/html" },
};
const firewall: Reply = {
  ...page("403 Forbidden", "Your request was blocked by a security rule."),
  status: 403,
  headers: { server: "nginx", "content-type": "text/html" },
};

/** nginx may not read the folder. */
const fileRights: Reply = {
  ...page("403 Forbidden", "nginx"),
  status: 403,
  headers: { server: "nginx", "content-type": "text/html" },
};

const botWall = (status: number): Reply => ({
  status,
  headers: { "content-type": "text/html; charset=utf-8" },
  body: `<!doctype html><html><head><title>Making sure you&#39;re not a bot!</title></head><body id="top"><script id="anubis_challenge" type="application/json">{}</script></body></html>`,
});

/** As S3 and its relatives say it. */
const storeError = (status: number, code: string, message: string): Reply => ({
  status,
  headers: { "content-type": "application/xml" },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message><RequestId>17A2B3C4D5E6F708</RequestId></Error>`,
});

/** PostgreSQL cannot be reached: who has no token is still turned away, and the health page says OK. */
function streamingWithoutDatabase(url: URL, headers: Asked["headers"], version: StreamingVersion): Reply | undefined {
  const { closed, refused } = manners[version];
  if (!isStreaming(url) || url.pathname.endsWith("/health")) return undefined;
  if (headers["sec-websocket-protocol"] !== undefined) return closed("An unexpected error occurred", 500);
  return headers.authorization === undefined ? undefined : refused(500, "An unexpected error occurred");
}

/** Moments of the posts that are asked for, newest first: one every minute and a half, the last one at `newest`. */
export function writtenBefore({ url }: Asked, newest: number): readonly number[] {
  const [limit, maxId] = [Number(url.searchParams.get("limit") ?? 20), url.searchParams.get("max_id")];
  const before = maxId === null ? Number.POSITIVE_INFINITY : Number(BigInt(maxId) >> 16n);
  const skipped = Math.max(0, Math.ceil((newest - before) / 90_000));
  return Array.from({ length: Math.min(40, limit) }, (_, index) => newest - (skipped + index) * 90_000);
}

/** Until nothing was taken in any more. */
function oldPosts(asked: Asked, ageSeconds: number): Reply {
  const posts = writtenBefore(asked, asked.now.epochMilliseconds - ageSeconds * 1000).map((writtenAt) => {
    const created_at = Temporal.Instant.fromEpochMilliseconds(writtenAt).toString({ fractionalSecondDigits: 3 });
    return { id: (BigInt(writtenAt) << 16n).toString(), created_at, visibility: "public", media_attachments: [] };
  });
  return json(posts, { "cache-control": "max-age=15, public" });
}
