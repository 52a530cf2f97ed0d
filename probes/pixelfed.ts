/** The pixelfed probe: looks at a Pixelfed server as members, their apps and other servers do. */
import { z } from "zod";
import { duration } from "../core/config/settings.ts";
import { sameInAll } from "../core/language.ts";
import { gauge } from "../core/metric-families.ts";
import { defineProbe, type HttpAnswer, type ProbeContext } from "../core/probe.ts";
import { formatDuration } from "../core/units.ts";
import { databaseCheck } from "./databases/database-check.ts";
import { type AtomFeed, readAtom } from "./fediverse/atom.ts";
import { askInstanceVersion1, type InstanceLook } from "./fediverse/instance.ts";
import { askNodeInfo, otherSoftware } from "./fediverse/nodeinfo.ts";
import { askInboxes } from "./fediverse/pixelfed-inbox.ts";
import { handle, lookUp, parseHandle } from "./fediverse/webfinger.ts";
import { cached } from "./lib/cached.ts";
import { trusting } from "./lib/certificate.ts";
import { showsWrongPage } from "./lib/explanation.ts";
import { degradation, findingOf, type PartialFinding, type Problem } from "./lib/problem.ts";
import { withTimeLimit } from "./lib/time-limit.ts";
import { cacheBusted } from "./web/cache-buster.ts";
import { evidenceOf } from "./web/http-answer.ts";
import { askPicture, type Picture } from "./web/picture.ts";
import { disagreement, healthProblem, infoReading, serverSettings, slowness } from "./web/server-health.ts";
import { untrustedUrl } from "./web/untrusted-url.ts";

const pixelfed = sameInAll("Pixelfed");

export default defineProbe({
  summary: "Asks a Pixelfed server whether it is alive and whether apps and other servers find what they need.",
  readings: [gauge("pixelfed_info", "Version the Pixelfed server says it runs.", ["version"])],
  options: z.strictObject({
    ...serverSettings,
    account: handle()
      .optional()
      .describe("Handle that other servers must be able to find; without it, the contact account of the server."),
    newestWithin: duration({ atLeast: 3600 })
      .optional()
      .describe(
        "How old the newest public post of that account may become, by its Atom feed: for an account that posts regularly, such as one that does so by itself.",
      ),
    federation: z
      .boolean()
      .prefault(true)
      .describe(
        "Whether other servers are meant to reach this one; Pixelfed itself has that off (`ACTIVITY_PUB`) by default.",
      ),
  }),
  example: { url: "https://pixels.example", account: "admin@pixels.example" },
  defaults: { timeoutSeconds: 20 },

  kind: {
    name: pixelfed,
    checks: ({ url, queues, database }) => [
      { id: "web", probe: "http", url, every: "60s", followRedirects: 3, expect: { maxSeconds: 5 } },
      { id: "service", probe: "pixelfed", url, every: "60s" },
      ...(queues === undefined ? [] : [{ id: "queues", probe: "horizon", url: queues }]),
      ...databaseCheck(database),
    ],
  },

  async run({ url, maxSeconds, account, newestWithin, federation, ca }, given) {
    const context = trusting(given, ca);
    const origin = new URL(url);
    const health = await context.http.get(cacheBusted(new URL("/api/service/health-check", origin)));
    const ill = healthProblem(health, pixelfed);
    // A server that turns us away, or says that it is closed, is not asked four more questions.
    if (ill && ill.outcome !== "degraded") return findingOf([ill], { phases: health.phases });
    const look = await askInstanceVersion1(origin, pixelfed, context);
    const main = mainProblems(ill, look);
    if (main.some(({ outcome }) => outcome !== "degraded")) return findingOf(main, { phases: health.phases });

    const version = look.instance && ownVersion(look.instance.version);
    const known = account === undefined ? look.instance?.contact : account;
    const named =
      known === undefined ? undefined : parseHandle(known.includes("@") ? known : `${known}@${origin.host}`);
    const user = named?.user;
    const [nodeInfo, found, inboxes, pictures] = await Promise.all([
      askNodeInfo(origin, pixelfed, context),
      // Pixelfed says 400 to whatever it does not know.
      federation && named ? lookUp(named, origin, pixelfed, context, { unknownStatus: 400 }) : undefined,
      federation
        ? cached("inboxes", often, context, async () => ({ problems: await askInboxes(user, origin, context) }))
        : calm,
      cached("pictures", often, context, () =>
        askPostsAndPictures({ user, newestWithin, maxSeconds, look }, origin, context),
      ),
    ]);
    const problems = [
      ...main,
      // It may be switched off (NODEINFO=false), which is no fault.
      ...nodeInfo.problems,
      ...otherSoftware(nodeInfo.software, "pixelfed"),
      ...(found?.problems ?? []),
      ...inboxes.problems,
      ...pictures.problems,
      ...slowness(health, "the health page", maxSeconds, pixelfed),
      ...slowness(look.answer, "the instance document", maxSeconds, pixelfed),
      ...disagreement({ instance: version, nodeInfo: nodeInfo.software }, pixelfed, context),
    ];
    return findingOf(problems, {
      phases: health.phases,
      readings: infoReading("pixelfed_info", version ?? nodeInfo.software?.version),
      note: pictures.note,
    });
  },
});

const often = { everySeconds: 600 };
const calm: PartialFinding = { problems: [] };

interface PictureSettings {
  readonly user: string | undefined;
  readonly newestWithin: number | undefined;
  readonly maxSeconds: number;
  readonly look: InstanceLook;
}

/** The newest post that everybody may see and its picture; one that the server shows of itself, where it is kept elsewhere. */
async function askPostsAndPictures(
  { user, newestWithin, maxSeconds, look }: PictureSettings,
  origin: URL,
  context: ProbeContext,
): Promise<PartialFinding> {
  const posts = user === undefined ? noPosts : await askPosts(user, newestWithin, origin, context);
  const posted = pictureOf(posts.pictures, `the newest picture of @${user}`, posts.answer);
  const own = pictureOf(look.instance?.pictures ?? [], "a picture of the server", look.answer);
  const both = [posted, own?.url.host === posted?.url.host ? undefined : own].filter((one) => one !== undefined);
  const problems = await Promise.all(both.map((picture) => askPicture(picture, maxSeconds, context)));
  return {
    problems: [...posts.problems, ...problems.flat()],
    ...(both.length === 0 && { note: "no picture was found to ask for" }),
  };
}

/** The first of these addresses; not what stands in for a missing one, which comes with the program. */
function pictureOf(addresses: readonly string[], asked: string, namedBy: HttpAnswer | undefined): Picture | undefined {
  const [url] = addresses
    .filter((address) => !/\/missing\.png$/.test(address))
    .flatMap((address) => untrustedUrl(address, namedBy?.url) ?? []);
  return url && namedBy && { url, asked, namedBy };
}

const newPostsAreMissing = {
  en: "New posts may not appear.",
  fr: "Les nouvelles publications risquent de ne pas apparaître.",
};

interface Posts {
  readonly problems: readonly Problem[];
  readonly pictures: AtomFeed["pictures"];
  readonly answer?: HttpAnswer;
}
const noPosts: Posts = { problems: [], pictures: [] };

/** @param newestWithinSeconds undefined where nobody promised that there is such a feed: accounts may switch theirs off. */
async function askPosts(
  user: string,
  newestWithinSeconds: number | undefined,
  origin: URL,
  context: ProbeContext,
): Promise<Posts> {
  const asked = `the Atom feed of @${user}`;
  const wrong = (reason: string, evidence: string): Posts =>
    newestWithinSeconds === undefined
      ? noPosts
      : { problems: [degradation(reason, newPostsAreMissing, evidence)], pictures: [] };
  const heard = await withTimeLimit(
    context.http.get(cacheBusted(new URL(`/users/${encodeURIComponent(user)}.atom`, origin))),
    context,
  );
  if (!("answer" in heard)) return wrong(`${asked}: ${heard.reason}`, heard.evidence);
  const { answer } = heard;
  const evidence = evidenceOf(answer);
  if (answer.status === 429) return noPosts;
  if (answer.status !== 200) return wrong(`${asked} answered ${answer.status}`, evidence);
  const feed = readAtom(answer.text());
  if (!feed) return wrong(`${asked} is none`, evidence);
  if (feed.newestAt === undefined) return wrong(`${asked} has no post`, evidence);
  const ageSeconds = (context.clock.now().epochMilliseconds - feed.newestAt) / 1000;
  const { pictures } = feed;
  if (newestWithinSeconds === undefined || ageSeconds <= newestWithinSeconds) return { problems: [], pictures, answer };
  const reason = `the newest post of @${user} is ${formatDuration(Math.floor(ageSeconds / 3600) * 3600)} old`;
  return { problems: [degradation(reason, newPostsAreMissing, evidence)], pictures, answer };
}

/** Without the health page and without the instance document there is no Pixelfed, whatever answers. */
function mainProblems(ill: Problem | undefined, { problem }: InstanceLook): readonly Problem[] {
  if (ill && problem?.outcome === "degraded")
    return [{ ...problem, outcome: "down", explanation: showsWrongPage(pixelfed) }];
  return [ill, problem].filter((each) => each !== undefined);
}

/** "3.5.3 (compatible; Pixelfed 0.11.13)": the first is the Mastodon whose API it speaks. */
const ownVersion = (version: string): string => /Pixelfed ([^\s)]+)/i.exec(version)?.[1] ?? version;
