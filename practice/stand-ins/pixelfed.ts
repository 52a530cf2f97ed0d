/**
 * A stand-in for a Pixelfed: a Laravel with nginx before it, its own NodeInfo address, and its 400 for unknown accounts.
 *
 * 0.11.13 after its source; 0.12.3 after the instance document and NodeInfo of a public server, as others keep them in their tests.
 * Between the two a monitor sees one difference but for the version: 0.12 gives the number of posts as text. That its
 * health page, WebFinger, inboxes and Atom feed are as before is believed: no source of 0.12 was at hand.
 */
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

/** Ways to say OK on its health page and be broken. */
export const pixelfedFaults = [
  "database-gone", // the health page does not ask it
  "instance-page", // somebody's error page with status 200
  "bot-wall", // with status 200, before all that is for machines
  "app-url", // APP_URL names another host
  "account-unknown", // WebFinger knows no account of this domain
  "federation-off", // ACTIVITY_PUB, which is off by default
  "inbox-closed", // a firewall that lets no POST through
  "picture-missing",
  "storage-refuses", // its policy lets nobody read
  "avatar-host-gone", // pictures of the server are on another host, which does not answer
  "picture-page", // the media host answers with a web page
  "bucket-gone",
  "posts-stopped", // nothing new for weeks
  "feed-page",
] as const;
export type PixelfedFault = (typeof pixelfedFaults)[number];

export interface PixelfedSettings extends StandInSettings {
  /** Where it believes to be (APP_URL); by default where it listens. */
  readonly appUrl?: string;
  readonly version?: "0.11" | "0.12";
  readonly broken?: PixelfedFault;
  /** How its inboxes are set up: every account's own only, or the shared one as well. */
  readonly sharedInbox?: boolean;
}

const releases = { "0.11": "0.11.13", "0.12": "0.12.3" } as const;

export function startPixelfed(settings: PixelfedSettings = {}): Promise<StandIn> {
  return startStandIn((url) => pixelfedAt(new URL(url), settings), settings);
}

interface Server {
  readonly origin: string;
  readonly host: string;
  readonly appUrl: string;
  readonly version: keyof typeof releases;
  readonly broken: PixelfedFault | undefined;
  readonly sharedInbox: boolean;
}

const healthPath = "/api/service/health-check";

function pixelfedAt({ origin, host }: URL, settings: PixelfedSettings): Routes {
  const { appUrl, version = "0.11", broken, sharedInbox = true } = settings;
  const base = broken === "app-url" ? "http://localhost" : (appUrl ?? origin);
  const server: Server = { origin, host, appUrl: base, version, broken, sharedInbox };
  return (asked) => {
    const { pathname } = asked.url;
    if (asked.condition === "stale") return badGateway;
    // Its health page asks nothing of the database.
    const databaseGone = asked.condition === "no-database" || broken === "database-gone";
    if (databaseGone && pathname !== healthPath) return { ...badGateway, status: 500 };
    if (broken === "bot-wall" && pathname !== "/" && pathname !== healthPath) return botWall;
    return asked.method === "POST" ? inbox(server, pathname) : answer(server, asked);
  };
}

function answer(server: Server, { url, now }: Asked): Reply {
  const { origin, host, appUrl, version, broken } = server;
  switch (url.pathname) {
    case "/":
      return page("Pixelfed (practice)", "This is where members would share pictures.");
    case healthPath:
      return {
        status: 200,
        headers: {
          "content-type": "text/plain; charset=UTF-8",
          "cache-control": "max-age=0, must-revalidate, no-cache, no-store",
        },
        body: "OK",
      };
    case "/api/v1/instance":
      return broken === "instance-page" ? errorPage : json(instance(server));
    case "/.well-known/nodeinfo":
      return json(
        {
          links: [{ href: `${appUrl}/api/nodeinfo/2.0.json`, rel: "http://nodeinfo.diaspora.software/ns/schema/2.0" }],
        },
        everybody,
      );
    case "/api/nodeinfo/2.0.json":
      return json(nodeInfo(releases[version]), everybody);
    case "/.well-known/webfinger":
      return broken === "account-unknown" ? { status: 400 } : webFinger(origin, host, url.searchParams.get("resource"));
    case "/users/admin.atom":
      return broken === "feed-page" ? errorPage : atom(server, now);
    default:
      return /^\/(?:img|storage)\//.test(url.pathname) ? picture(broken) : notFound;
  }
}

const everybody = { "access-control-allow-origin": "*" };
const notFound: Reply = { ...page("404", "Sorry, this page isn't available."), status: 404 };
const errorPage: Reply = page("Oops", "Something went wrong, please come back later.");
const botWall: Reply = page("Making sure you're not a bot!", '<script id="anubis_challenge">{}</script>');

/** It says 200 to whatever comes and looks at it later; 404 where ActivityPub is off. */
function inbox({ broken, sharedInbox }: Server, pathname: string): Reply {
  if (broken === "inbox-closed") return { ...page("403 Forbidden", "nginx"), status: 403 };
  if (broken === "federation-off") return notFound;
  const known = pathname === "/users/admin/inbox" || (sharedInbox && pathname === "/f/inbox");
  return known ? { status: 200, headers: { "content-type": "text/html; charset=UTF-8" } } : notFound;
}

/** One white pixel. */
const pixel = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg==",
  "base64",
);

function picture(broken: PixelfedFault | undefined): Reply {
  if (broken === "picture-missing") return notFound;
  if (broken === "picture-page") return page("Welcome to nginx!", "If you see this page, it works.");
  if (broken === "bucket-gone") return refusal(404, "NoSuchBucket", "The specified bucket does not exist");
  if (broken === "storage-refuses") return refusal(403, "AccessDenied", "Access Denied");
  return { status: 200, headers: { "content-type": "image/png" }, body: pixel };
}

/** As S3 says it. */
const refusal = (status: number, code: string, message: string): Reply => ({
  status,
  headers: { "content-type": "application/xml" },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`,
});

/** As its template writes it. */
function atom({ origin, broken }: Server, now: Temporal.Instant): Reply {
  const newest = broken === "posts-stopped" ? 24 * 40 : 5;
  const entry = (hours: number) => `  <entry>
    <id>${origin}/p/admin/${hours}</id>
    <title>No caption</title>
    <updated>${now.subtract({ hours }).toString()}</updated>
    <author>
      <name>admin</name>
      <uri>${origin}/admin</uri>
    </author>
    <content type="html">
    <![CDATA[
      <img id="rss_item_1" src="${origin}/storage/m/_v2/1/${hours}.png" alt="A white pixel">
      <p style="padding:10px;"></p>
    ]]>
    </content>
    <link rel="alternate" href="${origin}/p/admin/${hours}" />
    <summary></summary>
    <media:content url="${origin}/storage/m/_v2/1/${hours}.png" type="image/png" medium="image" />
  </entry>`;
  const body = `<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/">
  <id>${origin}/users/admin.atom</id>
  <title>admin on Pixelfed</title>
  <subtitle type="html"></subtitle>
  <updated>${now.subtract({ hours: newest }).toString()}</updated>
  <link rel="self" type="application/atom+xml" href="${origin}/users/admin.atom"/>
${[newest, newest + 30].map(entry).join("\n")}
</feed>
`;
  return { status: 200, headers: { "content-type": "application/atom+xml" }, body };
}

function instance({ origin, host, version, broken }: Server) {
  const files = broken === "avatar-host-gone" ? "http://127.0.0.1:1" : origin;
  const [avatar, header] = [`${files}/storage/avatars/1/practice.jpg?v=1`, `${origin}/storage/headers/missing.png`];
  return {
    uri: host,
    title: "Practice Pixels",
    short_description: "Pictures, for practice",
    description: "Pictures, for practice",
    email: "admin@practice.example",
    version: `3.5.3 (compatible; Pixelfed ${releases[version]})`,
    urls: { streaming_api: null },
    stats: { user_count: 30, status_count: version === "0.12" ? "900" : 900, domain_count: 1200 },
    thumbnail: `${origin}/storage/headers/default.jpg`,
    languages: ["en"],
    registrations: false,
    approval_required: false,
    contact_account: {
      id: "1",
      username: "admin",
      acct: "admin",
      display_name: "Admin",
      discoverable: true,
      locked: false,
      followers_count: 12,
      following_count: 8,
      statuses_count: 30,
      note: "",
      url: `${origin}/admin`,
      avatar,
      created_at: "2026-01-01T00:00:00.000000Z",
      avatar_static: avatar,
      bot: false,
      emojis: [],
      fields: [],
      header,
      header_static: header,
      last_status_at: null,
    },
    rules: [{ id: "1", text: "Be kind" }],
    configuration: {
      media_attachments: {
        image_matrix_limit: 16_777_216,
        image_size_limit: 15_360_000,
        supported_mime_types: ["image/jpeg", "image/png", "image/gif"],
        video_frame_rate_limit: 120,
        video_matrix_limit: 2_304_000,
        video_size_limit: 15_360_000,
      },
      polls: { max_characters_per_option: 50, max_expiration: 2_629_746, max_options: 4, min_expiration: 300 },
      statuses: { characters_reserved_per_url: 23, max_characters: 500, max_media_attachments: 4 },
    },
  };
}

const nodeInfo = (version: string) => ({
  metadata: {
    nodeName: "Practice Pixels",
    software: { homepage: "https://pixelfed.org", repo: "https://github.com/pixelfed/pixelfed" },
    config: {
      features: {
        timelines: { local: true, network: true },
        mobile_apis: true,
        stories: true,
        video: false,
        import: { instagram: false, mastodon: false, pixelfed: false },
        label: {
          covid: {
            enabled: false,
            org: "visit the WHO website",
            url: "https://www.who.int/emergencies/diseases/novel-coronavirus-2019/advice-for-public",
          },
        },
        hls: { enabled: false },
      },
    },
  },
  protocols: ["activitypub"],
  services: { inbound: [], outbound: [] },
  software: { name: "pixelfed", version },
  usage: { localPosts: 900, localComments: 0, users: { total: 30, activeHalfyear: 25, activeMonth: 20 } },
  version: "2.0",
  openRegistrations: false,
});

function webFinger(origin: string, host: string, resource: string | null): Reply {
  if (resource !== `acct:admin@${host}`) return { status: 400 };
  const document = {
    subject: `acct:admin@${host}`,
    aliases: [`${origin}/admin`, `${origin}/users/admin`],
    links: [
      { rel: "http://webfinger.net/rel/profile-page", type: "text/html", href: `${origin}/admin` },
      { rel: "self", type: "application/activity+json", href: `${origin}/users/admin` },
    ],
  };
  return json(document, everybody);
}
