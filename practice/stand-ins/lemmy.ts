/**
 * A stand-in for a Lemmy: site document, NodeInfo at a redirected address, accounts, and the public state of its
 * outgoing queues.
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

/** How what is sent reaches another server. */
export interface Peer {
  readonly failures?: number;
  /** Hours that it is behind the newest post. */
  readonly behindHours?: number;
  /** Hours since it was last seen. */
  readonly unseenHours?: number;
}

export interface LemmySettings extends StandInSettings {
  readonly version?: "0.19" | "1.0";
  readonly peers?: readonly Peer[];
  /** Hours since anybody posted. */
  readonly quietHours?: number;
  readonly federation?: boolean;
  /** Hours since the newest post of each kind was written here: by default, that which all peers have got. */
  readonly posts?: readonly LocalPost[];
}

interface LocalPost {
  readonly hours: number;
  readonly remote?: boolean;
  readonly localOnly?: boolean;
}

const releases = { "0.19": "0.19.20", "1.0": "1.0.0-beta.1" } as const;
const tenPeers: readonly Peer[] = Array.from({ length: 10 }, () => ({}));

export function startLemmy(settings: LemmySettings = {}): Promise<StandIn> {
  return startStandIn((url) => lemmyAt(new URL(url), settings), settings);
}

function lemmyAt(url: URL, settings: LemmySettings): Routes {
  return (asked) => {
    if (asked.condition === "stale") return badGateway;
    // The pages and what they are made from are two programs; this one needs the database.
    if (asked.condition === "no-database" && asked.url.pathname !== "/") return failed;
    return answer(url, settings, asked);
  };
}

const failed: Reply = { ...json({ error: "unknown", message: "connection refused" }), status: 400 };
const notFound: Reply = { status: 404 };
const movedTo = (location: string): Reply => ({ status: 301, headers: { location } });

function answer({ origin, host }: URL, settings: LemmySettings, { url, now }: Asked): Reply {
  const { version = "0.19", federation = true } = settings;
  const api = version === "0.19" ? "v3" : "v4";
  switch (url.pathname) {
    case "/":
      return page("Threads (practice)", "This is where members would discuss.");
    case `/api/${api}/site`:
      return json(site(releases[version]));
    case `/api/${api}/federated_instances`:
      if (api === "v4") return json({ items: peers(settings, now).map(listed), next_page: null, prev_page: null });
      return json(
        federation ? { federated_instances: { linked: peers(settings, now), allowed: [], blocked: [] } } : {},
      );
    case `/api/${api}/post/list`:
      return json({ [api === "v3" ? "posts" : "items"]: posts(settings, version, now) });
    case "/.well-known/nodeinfo":
      return json({
        links: [
          // Where it was for years, and where it is now.
          { rel: "http://nodeinfo.diaspora.software/ns/schema/2.0", href: `${origin}/nodeinfo/2.0.json` },
          { rel: "http://nodeinfo.diaspora.software/ns/schema/2.1", href: `${origin}/nodeinfo/2.1.json` },
        ],
      });
    case "/nodeinfo/2.0.json":
    case "/nodeinfo/2.1.json":
      return movedTo("/nodeinfo/2.1");
    case "/nodeinfo/2.1":
      return json(nodeInfo(releases[version]));
    case "/.well-known/webfinger":
      return webFinger(origin, host, url.searchParams.get("resource"));
    default:
      return notFound;
  }
}

const site = (version: string) => ({
  site_view: {
    site: { id: 1, name: "Practice Threads", published: "2023-06-10T00:00:00Z", actor_id: "https://threads.example/" },
    local_site: { id: 1, site_id: 1, site_setup: true, federation_enabled: true, private_instance: false },
    counts: { site_id: 1, users: 30, posts: 900, comments: 4000, communities: 4, users_active_day: 5 },
  },
  admins: [],
  version,
  all_languages: [],
  discussion_languages: [],
  taglines: [],
  custom_emojis: [],
});

function peers({ peers: known = tenPeers, quietHours = 0 }: LemmySettings, now: Temporal.Instant) {
  const before = (hours: number) => now.subtract({ minutes: Math.round(hours * 60) }).toString();
  return known.map(({ failures = 0, behindHours = 0, unseenHours = 5 }, index) => ({
    id: index + 1,
    domain: `peer-${index + 1}.example`,
    published: "2023-06-10T00:00:00Z",
    updated: before(unseenHours),
    software: "lemmy",
    version: "0.19.20",
    federation_state: {
      instance_id: index + 1,
      last_successful_id: 123_456 - Math.round(behindHours * 100),
      last_successful_published_time: before(quietHours + behindHours),
      fail_count: failures,
      last_retry: failures > 0 ? before(0.1) : null,
      next_retry: failures > 0 ? before(-1) : null,
    },
  }));
}

function posts({ posts: written, quietHours = 0 }: LemmySettings, version: "0.19" | "1.0", now: Temporal.Instant) {
  return (written ?? [{ hours: quietHours }]).map(({ hours, remote = false, localOnly = false }, index) => {
    const at = now.subtract({ minutes: Math.round(hours * 60) }).toString();
    const [all, own] = version === "0.19" ? ["Public", "LocalOnly"] : ["public", "local_only_public"];
    return {
      post: {
        id: index + 1,
        name: "A thread",
        local: !remote,
        ...(version === "0.19" ? { published: at } : { published_at: at }),
      },
      community: { id: 1, name: "main", local: true, visibility: localOnly ? own : all },
    };
  });
}

/** As 1.0 says it, where whatever is a time ends in `_at`. */
function listed({ federation_state: state, published, updated, ...instance }: ReturnType<typeof peers>[number]) {
  return {
    instance: { ...instance, published_at: published, updated_at: updated },
    queue_state: {
      instance_id: state.instance_id,
      last_successful_id: state.last_successful_id,
      last_successful_published_time_at: state.last_successful_published_time,
      fail_count: state.fail_count,
      last_retry_at: state.last_retry,
    },
  };
}

const nodeInfo = (version: string) => ({
  version: "2.1",
  software: {
    name: "lemmy",
    version,
    repository: "https://github.com/LemmyNet/lemmy",
    homepage: "https://join-lemmy.org/",
  },
  protocols: ["activitypub"],
  usage: { users: { total: 30, activeHalfyear: 25, activeMonth: 20 }, localPosts: 900, localComments: 4000 },
  openRegistrations: false,
  services: { inbound: [], outbound: [] },
  metadata: {},
});

function webFinger(origin: string, host: string, resource: string | null): Reply {
  if (resource !== `acct:main@${host}`) return notFound;
  return json({
    subject: resource,
    links: [
      { rel: "http://webfinger.net/rel/profile-page", type: "text/html", href: `${origin}/c/main` },
      { rel: "self", type: "application/activity+json", href: `${origin}/c/main` },
    ],
  });
}
