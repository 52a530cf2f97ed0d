/** Plays a Pixelfed: a Laravel behind nginx, with its own NodeInfo address and its 400 for unknown accounts. */
import {
  badGateway,
  json,
  page,
  type Reply,
  type Routes,
  type StandIn,
  type StandInSettings,
  startStandIn,
} from "./stand-in.ts";

export interface PixelfedSettings extends StandInSettings {
  /** Where it believes to be (APP_URL); by default where it listens. */
  readonly appUrl?: string;
}

const release = "0.11.13";

export function startPixelfed(settings: PixelfedSettings = {}): Promise<StandIn> {
  return startStandIn((url) => pixelfedAt(new URL(url), settings.appUrl ?? url), settings);
}

function pixelfedAt(url: URL, appUrl: string): Routes {
  return ({ url: asked, mood }) => {
    if (mood === "stale") return badGateway;
    // Its health page asks nothing of the database.
    if (mood === "no-database" && asked.pathname !== "/api/service/health-check") return { ...badGateway, status: 500 };
    return answer(url, appUrl, asked);
  };
}

function answer({ origin, host }: URL, appUrl: string, asked: URL): Reply {
  switch (asked.pathname) {
    case "/":
      return page("Pixelfed (practice)", "This is where members would share pictures.");
    case "/api/service/health-check":
      return {
        status: 200,
        headers: {
          "content-type": "text/plain; charset=UTF-8",
          "cache-control": "max-age=0, must-revalidate, no-cache, no-store",
        },
        body: "OK",
      };
    case "/api/v1/instance":
      return json(instance(origin, host));
    case "/.well-known/nodeinfo":
      return json({
        links: [{ rel: "http://nodeinfo.diaspora.software/ns/schema/2.0", href: `${appUrl}/api/nodeinfo/2.0.json` }],
      });
    case "/api/nodeinfo/2.0.json":
      return json(nodeInfo);
    case "/.well-known/webfinger":
      return webFinger(origin, host, asked.searchParams.get("resource"));
    default:
      return { ...page("404", "Sorry, this page isn't available."), status: 404 };
  }
}

const instance = (origin: string, host: string) => ({
  uri: host,
  title: "Practice Pixels",
  short_description: "Pictures, for practice",
  description: "Pictures, for practice",
  email: "admin@practice.example",
  version: `3.5.3 (compatible; Pixelfed ${release})`,
  urls: { streaming_api: null },
  stats: { user_count: 30, status_count: 900, domain_count: 1200 },
  thumbnail: `${origin}/img/pixelfed-icon-color.png`,
  languages: ["en"],
  registrations: false,
  approval_required: false,
  contact_account: { id: "1", username: "admin", acct: "admin", url: `${origin}/admin` },
  rules: [{ id: "1", text: "Be kind" }],
});

const nodeInfo = {
  metadata: {
    nodeName: "Practice Pixels",
    software: { homepage: "https://pixelfed.org", repo: "https://github.com/pixelfed/pixelfed" },
    config: {
      features: { timelines: { local: true, network: true }, mobile_apis: true, stories: true, video: false },
    },
  },
  protocols: ["activitypub"],
  services: { inbound: [], outbound: [] },
  software: { name: "pixelfed", version: release },
  usage: { localPosts: 900, localComments: 0, users: { total: 30, activeHalfyear: 25, activeMonth: 20 } },
  version: "2.0",
  openRegistrations: false,
};

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
  return json(document, { "access-control-allow-origin": "*" });
}
