/**
 * A stand-in for a Discourse forum: its status page, its description, its newest topics, and the header that says it
 * is read-only.
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

export interface DiscourseSettings extends StandInSettings {
  readonly readOnly?: boolean;
  /** Strangers see nothing but the door. */
  readonly membersOnly?: boolean;
  readonly shuttingDown?: boolean;
  /** Hours since the newest post. */
  readonly quietHours?: number;
}

export function startDiscourse(settings: DiscourseSettings = {}): Promise<StandIn> {
  return startStandIn(() => discourse(settings), settings);
}

function discourse(settings: DiscourseSettings): Routes {
  return (asked) => {
    if (asked.condition === "stale") return badGateway;
    if (asked.condition === "no-database" && asked.url.pathname !== "/srv/status")
      return { ...badGateway, status: 500 };
    const reply = answer(settings, asked);
    const readOnly = settings.readOnly ? { "discourse-readonly": "true" } : {};
    return { ...reply, headers: { ...reply.headers, ...readOnly } };
  };
}

function answer({ membersOnly, shuttingDown, quietHours = 2 }: DiscourseSettings, { url, now }: Asked): Reply {
  switch (url.pathname) {
    case "/":
      return generated(page("Forum (practice)", "This is where members would talk."));
    case "/srv/status":
      return shuttingDown ? plain("shutting down", 500) : plain("ok", 200);
    case "/about.json":
      return membersOnly ? notLoggedIn : json(about);
    case "/latest.json":
      return membersOnly ? notLoggedIn : json(latest(now.subtract({ hours: quietHours })));
    default:
      return {
        ...json({ errors: ["The requested URL or resource could not be found."], error_type: "not_found" }),
        status: 404,
      };
  }
}

const release = "3.5.2";

/** Every page names the software, also to strangers of a closed forum. */
function generated(reply: Reply): Reply {
  const tag = `<meta name="generator" content="Discourse ${release} - https://github.com/discourse/discourse version 0000000000000000000000000000000000000000">`;
  return { ...reply, body: String(reply.body).replace("<head>", `<head>${tag}`) };
}

const plain = (body: string, status: number): Reply => ({
  status,
  headers: { "content-type": "text/plain; charset=utf-8" },
  body,
});

const notLoggedIn: Reply = {
  ...json({ errors: ["You need to be logged in to do that."], error_type: "not_logged_in" }),
  status: 403,
};

const about = {
  users: [],
  categories: [],
  about: {
    stats: { topics_count: 300, posts_count: 4000, users_count: 60, active_users_7_days: 20 },
    description: "Talk, for practice",
    title: "Practice Forum",
    locale: "en",
    version: release,
    https: true,
    can_see_about_stats: true,
  },
};

function latest(newest: Temporal.Instant) {
  const topic = (id: number, at: Temporal.Instant, pinned: boolean) => ({
    id,
    title: `Topic ${id}`,
    slug: `topic-${id}`,
    posts_count: 3,
    created_at: "2024-01-01T12:00:00.000Z",
    last_posted_at: at.toString(),
    bumped: true,
    bumped_at: at.toString(),
    pinned,
    visible: true,
    closed: false,
    archived: false,
  });
  const old = newest.subtract({ hours: 24 * 300 });
  // The pinned one stands first, however old it is.
  return {
    users: [],
    primary_groups: [],
    topic_list: { can_create_topic: false, per_page: 30, topics: [topic(1, old, true), topic(42, newest, false)] },
  };
}
