/**
 * A stand-in for a Mastodon with its stock nginx: the documents of versions 4.2 and 4.5, and the cache that answers in
 * its place.
 */
import { type StreamingServer, streamingServer } from "./mastodon-streaming.ts";
import { type Trouble, troubleOf, writtenBefore } from "./mastodon-troubles.ts";
import {
  type Asked,
  badGateway,
  json,
  page,
  type Reply,
  type Routes,
  type StandIn,
  type StandInSettings,
  startStandIn,
} from "./stand-in.ts";

export interface MastodonSettings extends StandInSettings {
  readonly version?: "4.2" | "4.5";
  /** Domain of its handles; by default where it listens, `localhost` for the other name of that. */
  readonly domain?: string;
  /** 4.2 and 4.3 tell strangers nothing about themselves then. */
  readonly limitedFederation?: boolean;
  /** Who may read its two public feeds: by its settings in 4.5, all or nobody before. */
  readonly feeds?: FeedAccess;
  /** Host that its uploaded files are on; by default where it listens. */
  readonly media?: string;
  /** Something that is broken while its home page answers 200; asked for at each request where it may change. */
  readonly trouble?: Trouble | (() => Trouble | undefined);
}

type Access = "public" | "authenticated" | "disabled";
interface FeedAccess {
  readonly local: Access;
  readonly remote: Access;
}

const releases = { "4.2": "4.2.0", "4.5": "4.5.15" } as const;

export function startMastodon(settings: MastodonSettings = {}): Promise<StandIn> {
  return startStandIn((url) => mastodonAt(new URL(url), settings), settings);
}

/** What members' tokens look like here; any other is refused. */
export const practiceToken = "practice-token-of-a-member";

interface Server {
  readonly web: string;
  readonly domain: string;
  readonly version: "4.2" | "4.5";
  readonly media: string;
  readonly feeds: FeedAccess;
  readonly closed: boolean;
  readonly streaming: StreamingServer;
}

function mastodonAt(url: URL, settings: MastodonSettings): Routes {
  const { version = "4.5", trouble, feeds = { local: "public", remote: "public" } } = settings;
  const server: Server = {
    web: url.origin,
    domain: settings.domain === "localhost" ? `localhost:${url.port}` : (settings.domain ?? url.host),
    version,
    media: settings.media ?? url.origin,
    feeds,
    closed: settings.limitedFederation === true,
    streaming: streamingServer(practiceToken, version),
  };
  return (request) => {
    const { url: asked, condition } = request;
    const present = typeof trouble === "function" ? trouble() : trouble;
    const troubled = present && troubleOf(present, request, version);
    if (troubled) return troubled;
    // nginx passes these on without a cache.
    if (asked.pathname === "/metrics" || asked.pathname.startsWith("/api/v1/streaming")) {
      return condition === "stale" ? badGateway : server.streaming(request);
    }
    if (asked.pathname === "/health") return condition === "stale" ? badGateway : health;
    const cached = isCached(request);
    if (condition === "stale" && !cached) return badGateway;
    const reply = answer(server, request);
    // Who may not read is told so before the database is asked.
    const closedDoor = request.method === "GET" && (reply.status === 401 || reply.status === 422);
    if (condition === "no-database" && !cached && !closedDoor) return { ...badGateway, status: 500 };
    // nginx adds the header to good answers only.
    if (reply.status !== 200) return reply;
    const ailing = condition === "stale" || condition === "no-database";
    return { ...reply, headers: { ...reply.headers, "x-cached": ailing ? "STALE" : cached ? "HIT" : "MISS" } };
  };
}

const health: Reply = {
  status: 200,
  headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "max-age=0, private, must-revalidate" },
  body: "OK",
};

/** A query string nobody has used before is a new key of the cache. */
const isCached = ({ url, method }: Asked) =>
  method !== "POST" && !url.searchParams.has("_") && !url.pathname.startsWith("/api/v1/timelines");

function answer(server: Server, request: Asked): Reply {
  const { url: asked, method } = request;
  const closed = server.closed && server.version === "4.2";
  if (method === "POST") return /\/inbox$/.test(asked.pathname) ? notSigned : notFound;
  if (asked.pathname.startsWith("/system/")) return picture(request);
  switch (asked.pathname) {
    case "/":
      return page("Mastodon (practice)", "This is where members would read and write.", {
        "cache-control": "max-age=15, public, stale-while-revalidate=30, stale-if-error=86400",
      });
    case "/about":
      return page("About (practice)", "A co-op that exists for practice only.");
    case "/auth/password/new":
      return mailForm("/auth/password");
    case "/auth/confirmation/new":
      return mailForm("/auth/confirmation");
    case "/api/v2/instance":
      return closed ? membersOnly : json(instanceVersion2(server), forFiveMinutes);
    case "/api/v1/instance":
      return closed ? membersOnly : json(instanceVersion1(server), forFiveMinutes);
    case "/api/v1/timelines/public":
      return timeline(server, request);
    case "/api/v2/search":
      return search(server, request);
    case "/.well-known/nodeinfo":
      return json(nodeInfoLinks(server), forThreeDays);
    case "/nodeinfo/2.0":
      return json(nodeInfo(server), { "cache-control": "max-age=1800, public" });
    case "/.well-known/webfinger":
      return webFinger(server, asked.searchParams.get("resource"));
    case "/users/admin":
      return json(actor(server, "Person", "admin"), { ...asActivity, "cache-control": "max-age=180, public" });
    case "/actor":
      return json(actor(server, "Application", server.domain), {
        ...asActivity,
        "cache-control": "max-age=600, public",
      });
    default:
      return notFound;
  }
}

/** As Rails writes a form; nothing is kept of these pages. */
const mailForm = (action: string): Reply => ({
  status: 200,
  headers: { "content-type": "text/html; charset=utf-8", "cache-control": "private, no-store" },
  body: `<!doctype html><html lang="en"><head><title>Practice Co-op</title></head><body class="auth"><form class="simple_form new_user" id="new_user" novalidate="novalidate" action="${action}" accept-charset="UTF-8" method="post"><input type="hidden" name="authenticity_token" value="practice"><input type="email" name="user[email]" id="user_email"><button name="button" type="submit" class="btn">Go</button></form></body></html>`,
});

const notFound: Reply = { ...page("The page you are looking for isn't here.", "404"), status: 404 };
const notSigned: Reply = { ...json({ error: "Request not signed" }), status: 401 };

const forFiveMinutes = { "cache-control": "max-age=300, public, stale-while-revalidate=30, stale-if-error=86400" };
const forThreeDays = { "cache-control": "max-age=259200, public" };
const asActivity = { "content-type": "application/activity+json; charset=utf-8" };
const membersOnly: Reply = { ...json({ error: "This method requires an authenticated user" }), status: 401 };

const avatarPath = "/system/accounts/avatars/109/000/000/000/000/001/original/5f1c3f5a8d0e2b7c.png";

function account({ web, media }: Server) {
  return {
    id: "109000000000000001",
    username: "admin",
    acct: "admin",
    display_name: "Admin",
    locked: false,
    bot: false,
    discoverable: true,
    indexable: false,
    group: false,
    created_at: "2022-11-01T00:00:00.000Z",
    note: "",
    url: `${web}/@admin`,
    uri: `${web}/users/admin`,
    avatar: `${media}${avatarPath}`,
    avatar_static: `${media}${avatarPath}`,
    header: `${web}/headers/original/missing.png`,
    header_static: `${web}/headers/original/missing.png`,
    followers_count: 10,
    following_count: 5,
    statuses_count: 42,
    last_status_at: "2026-11-22",
    hide_collections: null,
    emojis: [],
    roles: [],
    fields: [],
  };
}

const streaming = ({ web }: Server) => web.replace(/^http/, "ws");

function instanceVersion2(server: Server) {
  const { web, domain, version } = server;
  const newer = version === "4.5";
  const picture = `${web}/packs/media/images/preview.png`;
  return {
    domain,
    title: "Practice Co-op",
    version: releases[version],
    source_url: "https://github.com/mastodon/mastodon",
    description: "A co-op that exists for practice only",
    usage: { users: { active_month: 143 } },
    thumbnail: {
      url: picture,
      blurhash: "UeKUpFxuo~R%0nW;WCnhF6RjaJt757oJodS$",
      versions: { "@1x": picture, "@2x": picture },
      ...(newer && { description: "" }),
    },
    ...(newer && { icon: [{ src: `${web}/packs/assets/android-chrome-36x36.png`, size: "36x36" }] }),
    languages: ["en"],
    configuration: {
      urls: {
        streaming: streaming(server),
        status: null,
        ...(newer && { about: `${web}/about`, privacy_policy: `${web}/privacy-policy`, terms_of_service: null }),
      },
      ...(newer && { vapid: { public_key: "BPracticePublicKey=" } }),
      accounts: {
        max_featured_tags: 10,
        ...(newer && {
          max_display_name_length: 30,
          max_note_length: 500,
          max_avatar_description_length: 150,
          max_header_description_length: 150,
          max_pinned_statuses: 5,
          max_profile_fields: 4,
          profile_field_name_limit: 255,
          profile_field_value_limit: 255,
        }),
      },
      statuses: { max_characters: 500, max_media_attachments: 4, characters_reserved_per_url: 23 },
      media_attachments: {
        ...(newer && { description_limit: 1500 }),
        image_matrix_limit: 33177600,
        image_size_limit: 16777216,
        supported_mime_types: ["image/jpeg", "image/png", "video/mp4"],
        video_frame_rate_limit: 120,
        video_matrix_limit: 8294400,
        video_size_limit: 103809024,
      },
      polls: { max_options: 4, max_characters_per_option: 50, min_expiration: 300, max_expiration: 2629746 },
      translation: { enabled: false },
      ...(newer && {
        timelines_access: {
          live_feeds: server.feeds,
          hashtag_feeds: { local: "public", remote: "public" },
          trending_link_feeds: { local: "public", remote: "public" },
        },
        limited_federation: server.closed,
      }),
    },
    registrations: {
      enabled: true,
      approval_required: true,
      ...(newer && { reason_required: true }),
      message: null,
      ...(newer && { min_age: null }),
      url: null,
    },
    ...(newer && { api_versions: { mastodon: 7 } }),
    contact: { email: "admin@practice.example", account: account(server) },
    rules: [{ id: "1", text: "Be kind", ...(newer && { hint: "", translations: {} }) }],
  };
}

function instanceVersion1(server: Server) {
  return {
    uri: server.domain,
    title: "Practice Co-op",
    short_description: "A co-op that exists for practice only",
    description: "",
    email: "admin@practice.example",
    version: releases[server.version],
    urls: { streaming_api: streaming(server) },
    stats: { user_count: 212, status_count: 61234, domain_count: 23456 },
    thumbnail: `${server.web}/packs/media/images/preview.png`,
    languages: ["en"],
    registrations: true,
    approval_required: true,
    invites_enabled: true,
    configuration: { statuses: { max_characters: 500 } },
    contact_account: account(server),
    rules: [{ id: "1", text: "Be kind" }],
  };
}

const isMember = ({ headers }: Asked) => headers.authorization === `Bearer ${practiceToken}`;

/** Newest first, one every minute and a half. */
function timeline(server: Server, request: Asked): Reply {
  const { searchParams } = request.url;
  const asked: readonly (keyof FeedAccess)[] = searchParams.has("local")
    ? ["local"]
    : searchParams.has("remote")
      ? ["remote"]
      : ["local", "remote"];
  if (!isMember(request)) {
    if (server.closed) return membersOnly;
    if (asked.some((feed) => server.feeds[feed] !== "public")) return { ...membersOnly, status: 422 };
  } else if (asked.every((feed) => server.feeds[feed] === "disabled")) return json([]);
  const posts = writtenBefore(request, request.now.epochMilliseconds - 40_000).map((at) => post(server, at));
  const media = searchParams.has("only_media");
  return json(media ? posts.map((each) => ({ ...each, media_attachments: [attachment(server, each.id)] })) : posts, {
    "cache-control": "max-age=15, public",
  });
}

const attachment = ({ media }: Server, id: string) => ({
  id,
  type: "image",
  url: `${media}/system/media_attachments/files/${id}/original/4f1c3f5a8d0e2b7c.png`,
  remote_url: null,
});

function post(server: Server, writtenAt: number) {
  const id = (BigInt(writtenAt) << 16n).toString();
  return {
    id,
    created_at: Temporal.Instant.fromEpochMilliseconds(writtenAt).toString({ fractionalSecondDigits: 3 }),
    visibility: "public",
    uri: `${server.web}/users/admin/statuses/${id}`,
    content: "<p>hello</p>",
    account: account(server),
    media_attachments: [],
  };
}

/** Finds posts for members only; without its search engine it would answer the same, but empty. */
function search(server: Server, request: Asked): Reply {
  const type = request.url.searchParams.get("type");
  const statuses = isMember(request) && type === "statuses" ? [post(server, request.now.epochMilliseconds)] : [];
  return json({ accounts: type === "accounts" ? [account(server)] : [], statuses, hashtags: [] });
}

/** One transparent pixel. */
const pixel = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

function picture({ headers }: Asked): Reply {
  const kept = { "content-type": "image/png", "cache-control": "public, max-age=2419200, immutable" };
  const last = /^bytes=0-(\d+)$/.exec(headers.range ?? "")?.[1];
  if (last === undefined) return { status: 200, headers: kept, body: pixel };
  const end = Math.min(Number(last), pixel.length - 1);
  return {
    status: 206,
    headers: { ...kept, "content-range": `bytes 0-${end}/${pixel.length}` },
    body: pixel.subarray(0, end + 1),
  };
}

const nodeInfoLinks = ({ web }: Server) => ({
  links: [{ rel: "http://nodeinfo.diaspora.software/ns/schema/2.0", href: `${web}/nodeinfo/2.0` }],
});

const nodeInfo = ({ version }: Server) => ({
  version: "2.0",
  software: { name: "mastodon", version: releases[version] },
  protocols: ["activitypub"],
  services: { outbound: [], inbound: [] },
  usage: { users: { total: 212, activeMonth: 143, activeHalfyear: 180 }, localPosts: 61234 },
  openRegistrations: true,
  metadata: { nodeName: "Practice Co-op", nodeDescription: "A co-op that exists for practice only" },
});

function webFinger(server: Server, resource: string | null): Reply {
  const { web, domain } = server;
  const [, user, host] = /^acct:([^@]+)@(.+)$/.exec(resource ?? "") ?? [];
  if (user === undefined || host === undefined) return { status: 400 };
  const own = host === domain || host === new URL(web).host;
  if (!own || (user !== "admin" && user !== domain)) return { status: 404 };
  const id = user === "admin" ? `${web}/users/admin` : `${web}/actor`;
  const document = {
    subject: `acct:${user}@${domain}`,
    aliases: [id],
    links: [
      { rel: "http://webfinger.net/rel/profile-page", type: "text/html", href: `${web}/@admin` },
      { rel: "self", type: "application/activity+json", href: id },
      { rel: "http://ostatus.org/schema/1.0/subscribe", template: `${web}/authorize_interaction?uri={uri}` },
    ],
  };
  return json(document, { "content-type": "application/jrd+json; charset=utf-8", ...forThreeDays });
}

// Shaped like one; nobody signs with it.
const publicKey = "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8APRACTICE\n-----END PUBLIC KEY-----\n";

const actor = ({ web }: Server, type: string, user: string) => {
  const id = type === "Application" ? `${web}/actor` : `${web}/users/${user}`;
  return {
    "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"],
    id,
    type,
    inbox: `${id}/inbox`,
    preferredUsername: user,
    publicKey: { id: `${id}#main-key`, owner: id, publicKeyPem: publicKey },
  };
};
