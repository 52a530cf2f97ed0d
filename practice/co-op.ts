/** The practice co-op: stand-ins for three services, real databases and queues, and the switches that break them. */
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { Refused } from "../core/errors.ts";
import { admit } from "./database-access.ts";
import { type DatabaseGrowth, openDatabaseGrowth } from "./database-growth.ts";
import { type MailCatcher, startMailCatcher } from "./servers/mail.ts";
import { startPostgres } from "./servers/postgres.ts";
import { type RedisServer, startRedis } from "./servers/redis.ts";
import { openSidekiqQueues, type SidekiqQueues } from "./sidekiq-queues.ts";
import { startCastopod } from "./stand-ins/castopod.ts";
import { startMastodon } from "./stand-ins/mastodon.ts";
import type { Trouble } from "./stand-ins/mastodon-troubles.ts";
import { startPixelfed } from "./stand-ins/pixelfed.ts";
import type { Condition, StandIn } from "./stand-ins/stand-in.ts";

export interface PracticeCoop extends AsyncDisposable {
  /** The shipped configuration with the ports of this run filled in. */
  readonly configuration: string;
  /** What the configuration's `{ env: … }` find, beside the real environment. */
  readonly env: Readonly<Record<string, string>>;
  /** For a configuration of one's own about the same stand-ins and mail catcher. */
  readonly trial: { readonly addresses: readonly string[]; readonly env: Readonly<Record<string, string>> };
  readonly switches: readonly Switch[];
  readonly mails: MailCatcher;
  /** Why there are no queues here, and the command that adds them. */
  readonly withoutQueues: string | undefined;
}

/** Something to break, and to mend again. */
export interface Switch {
  readonly id: string;
  readonly breaks: string;
  readonly mends: string;
  /** What will be seen, and how soon. */
  readonly expect: string;
  broken(): boolean;
  turn(broken: boolean): Promise<void>;
}

export async function startPracticeCoop(place: {
  readonly folder: string;
  /** `host:port` of the two listeners. */
  readonly public: string;
  readonly private: string;
}): Promise<PracticeCoop> {
  await using undo = new AsyncDisposableStack();
  const hidden: HiddenTrouble = { present: undefined };
  // The first two are what may not be installed: then nothing else has been started.
  const mails = undo.use(await startMailCatcher());
  const postgres = undo.use(await startPostgres());
  const [mastodon, castopod, pixelfed, anchor, redis] = await Promise.all([
    startMastodon({ trouble: () => hidden.present }),
    startCastopod(),
    startPixelfed({ tls: true }),
    startAnchor(),
    redisOrReason(),
  ]);
  for (const started of [mastodon, castopod, pixelfed, anchor]) undo.use(started);
  const database = undo.use(await openDatabaseGrowth(postgres.superuserUrl));
  const queues = "server" in redis ? undo.use(await openSidekiqQueues(undo.use(redis.server).url)) : undefined;

  const ca = join(place.folder, "practice-ca.pem");
  await writeFile(ca, pixelfed.ca ?? "");
  const template = await readFile(new URL("tidewatch.yaml", import.meta.url), "utf8");
  const filled = fill(template, {
    ports: "ports",
    public: place.public,
    private: place.private,
    folder: place.folder,
    anchor: anchor.url,
    mastodon: mastodon.url,
    castopod: castopod.url,
    pixelfed: pixelfed.url,
    ca,
  });
  const held = undo.move();
  return {
    configuration: queues ? filled : withoutQueueCheck(filled),
    env: {
      PRACTICE_REDIS_URL: queues && "server" in redis ? redis.server.url : "",
      PRACTICE_DATABASE_URL: postgres.url,
      PRACTICE_SMTP_URL: mails.url,
    },
    trial: {
      addresses: [mastodon.url, castopod.url, pixelfed.url],
      env: { SMTP_URL: mails.url, NODE_EXTRA_CA_CERTS: ca },
    },
    switches: [
      ...conditionSwitches(mastodon, castopod, pixelfed, anchor),
      ...hiddenSwitches(hidden),
      ...(queues ? [stalledQueue(queues)] : []),
      closedDatabase(postgres.superuserUrl, mastodon),
      grownDatabase(database),
      blockedMail(mails),
    ],
    mails,
    withoutQueues: "reason" in redis ? redis.reason : undefined,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

function conditionSwitches(mastodon: StandIn, castopod: StandIn, pixelfed: StandIn, anchor: Anchor): readonly Switch[] {
  const condition = (
    id: string,
    service: StandIn,
    ill: Condition,
    words: Pick<Switch, "breaks" | "mends" | "expect">,
  ): Switch => ({
    id,
    ...words,
    broken: () => service.condition === ill,
    turn: (broken) => service.become(broken ? ill : "healthy"),
  });
  return [
    condition("mastodon", mastodon, "stopped", {
      breaks: "Stop Mastodon",
      mends: "Start Mastodon again",
      expect: "After three failed tries the contractor is mailed, and the status page says that Mastodon is down.",
    }),
    condition("cache", mastodon, "stale", {
      breaks: "Kill Mastodon behind its proxy's cache",
      mends: "Bring Mastodon's server back",
      expect:
        "Every cached page still answers 200, so most monitors see nothing. The notice says what the cache covers up.",
    }),
    condition("slow", mastodon, "slow", {
      breaks: "Make Mastodon slow",
      mends: "Make Mastodon quick again",
      expect: "It answers, but too late: the notice says how long was waited, and for what.",
    }),
    condition("podcasts", castopod, "errors", {
      breaks: "Break the podcasts",
      mends: "Mend the podcasts",
      expect: "Its web server answers with errors: a mail about the podcasts, while Mastodon stays up beside them.",
    }),
    condition("certificate", pixelfed, "expired", {
      breaks: "Let a certificate expire",
      mends: "Renew the certificate",
      expect: "No browser opens Photos any more: the notice names the certificate and the day it ended.",
    }),
    cutNetwork([mastodon, castopod, pixelfed], anchor),
  ];
}

/** What is broken in Mastodon while its pages answer 200; one at a time. */
interface HiddenTrouble {
  present: Trouble | undefined;
}

function hiddenSwitches(hidden: HiddenTrouble): readonly Switch[] {
  const trouble = (id: Trouble, words: Pick<Switch, "breaks" | "mends" | "expect">): Switch => ({
    id,
    ...words,
    broken: () => hidden.present === id,
    async turn(broken) {
      hidden.present = broken ? id : undefined;
    },
  });
  return [
    trouble("streaming-stopped", {
      breaks: "Stop Mastodon's live updates",
      mends: "Let live updates run",
      expect:
        "Every page answers 200. Members must reload to see new posts, and the status page says so: a ticket, not a page.",
    }),
    trouble("bucket-gone", {
      breaks: "Lose the pictures",
      mends: "Bring the pictures back",
      expect: "Every page answers 200, with holes where pictures were: the storage behind Mastodon is gone.",
    }),
    trouble("inbox-firewall", {
      breaks: "Shut other servers out",
      mends: "Let other servers in",
      expect: "Every page answers 200. A firewall turns away what other servers deliver; no member notices for hours.",
    }),
  ];
}

/** Everything is out of reach at once, the anchor too: then it is us, and nobody is paged about a service. */
function cutNetwork(services: readonly StandIn[], anchor: Anchor): Switch {
  return {
    id: "network",
    breaks: "Cut our own network",
    mends: "Plug it in again",
    expect:
      "Nothing can be reached, not even what is surely there. So it is us: the status page says “not measured”, and no mail goes out.",
    broken: () => anchor.silent,
    async turn(broken) {
      // The anchor is silent for as long as any of them is stopped: in between nobody could tell whose fault it is.
      if (broken) anchor.become({ silent: true });
      await Promise.all(services.map((service) => service.become(broken ? "stopped" : "healthy")));
      if (!broken) anchor.become({ silent: false });
    },
  };
}

function stalledQueue(queues: SidekiqQueues): Switch {
  let broken = false;
  return {
    id: "queue",
    breaks: "Stall a queue",
    mends: "Let the queue run",
    expect:
      "Mastodon answers everything, but posts arrive late: a mail about the queue, and the status page says “degraded”.",
    broken: () => broken,
    async turn(next) {
      await (next ? queues.stall("default") : queues.drain("default"));
      broken = next;
    },
  };
}

/** Mastodon answers from its cache then, and fails at everything else: one cause, told once. */
function closedDatabase(superuserUrl: string, mastodon: StandIn): Switch {
  let broken = false;
  return {
    id: "database-closed",
    breaks: "Take the database away from Mastodon",
    mends: "Give the database back",
    expect:
      "PostgreSQL lets nobody in, so Mastodon fails as well. The database is paged; Mastodon's failure is put down to it, and wakes nobody a second time.",
    broken: () => broken,
    async turn(next) {
      await admit(!next, superuserUrl);
      await mastodon.become(next ? "no-database" : "healthy");
      broken = next;
    },
  };
}

function grownDatabase(database: DatabaseGrowth): Switch {
  let broken = false;
  return {
    id: "database",
    breaks: "Fill the database",
    mends: "Clean the database up",
    expect: "The database passes the level at which somebody is woken. The team's capacity page shows the jump.",
    broken: () => broken,
    async turn(next) {
      await (next ? database.growTo(125_000_000) : database.shrink());
      broken = next;
    },
  };
}

function blockedMail(mails: MailCatcher): Switch {
  return {
    id: "mail",
    breaks: "Block the mail",
    mends: "Let mail through",
    expect:
      "Mails are refused for now and wait in the outbox. Let them through, and what is still true arrives, none twice.",
    broken: () => mails.blocked() !== "none",
    async turn(next) {
      mails.block(next ? "tempfail" : "none");
    },
  };
}

/** The queues are the one part that may be missing: everything else comes with npm. */
async function redisOrReason(): Promise<{ readonly server: RedisServer } | { readonly reason: string }> {
  try {
    return { server: await startRedis() };
  } catch (error) {
    if (error instanceof Refused) return { reason: `${error.message} ${error.remedy}` };
    throw error;
  }
}

function withoutQueueCheck(text: string): string {
  return text
    .split("\n")
    .filter((line) => !/^\s*(queues: |- \{ id: queues)/.test(line))
    .join("\n");
}

function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? "");
}

interface Anchor extends AsyncDisposable {
  readonly url: string;
  readonly silent: boolean;
  /** While silent it accepts connections and answers nothing, as when the network fails further on. */
  become(state: { readonly silent: boolean }): void;
}

/** Something that is surely there, so that the self-check can tell "they are down" from "we are blind". */
async function startAnchor(): Promise<Anchor> {
  let silent = false;
  const server = createServer((_request, response) => void (silent || response.end()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the anchor has no TCP port");
  return {
    url: `http://127.0.0.1:${address.port}/`,
    get silent() {
      return silent;
    },
    become(state) {
      silent = state.silent;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
