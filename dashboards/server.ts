/** The routing of the web server: which address is answered by which route, of the public and of the private listener. */
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Log } from "../core/log.ts";
import { pageRoutes } from "./members/public-pages.ts";
import { sameOriginOnly } from "./routes/csrf.ts";
import { type Exposition, type Health, healthAnswer, metricsAnswer } from "./routes/health-and-metrics.ts";
import { addHeartbeats } from "./routes/heartbeats.ts";
import { type Env, fail, type PublicParts } from "./routes/public-parts.ts";
import { privatePage } from "./security-headers.ts";
import { addAcknowledge } from "./team/acknowledge.ts";
import { teamPages } from "./team/pages.ts";
import { Sessions } from "./team/sessions.ts";
import { addSignIn, addTeam } from "./team/team.ts";
import type { TeamPage } from "./team/team-page.ts";

const largestFormBytes = 16 * 1024;

export function publicApp(parts: PublicParts, pagesOfTeam: readonly TeamPage[] = teamPages): Hono<Env> {
  const app = new Hono<Env>();
  const page = (context: Context<Env>) => {
    const answer = parts.pages.get(context.req.path, {
      encoding: context.req.header("accept-encoding"),
      language: context.req.header("accept-language"),
      ifNoneMatch: context.req.header("if-none-match"),
    });
    return answer ? new Response(answer.body, answer) : fail(context, parts, "not-found", 404);
  };
  for (const path of pageRoutes) app.get(path, page);
  for (const path of ["/en", "/fr", "/team"]) app.get(path, (context) => context.redirect(`${path}/`, 308));
  app.get("/robots.txt", (context) => context.text("User-agent: *\nDisallow: /a/\nDisallow: /h/\nDisallow: /team/\n"));
  app.get("/healthz", (context) => healthAnswer(context, parts.health()));
  const { metrics } = parts;
  addHeartbeats(app, parts);
  if (metrics) app.get("/metrics", (context) => metricsAnswer(context, metrics));

  const sessions = new Sessions(parts.store, parts.clock, () => parts.settings().contacts);
  for (const path of ["/a/*", "/team/*"]) {
    app.use(path, privatePage);
    app.post(
      path,
      sameOriginOnly(parts),
      bodyLimit({ maxSize: largestFormBytes, onError: (context) => fail(context, parts, "too-large", 413) }),
    );
  }
  addAcknowledge(app, parts, sessions);
  addSignIn(app, parts, sessions);
  addTeam(app, parts, sessions, pagesOfTeam);
  answerFaults(app, parts);
  return app;
}

function answerFaults(app: Hono<Env>, parts: PublicParts): void {
  app.notFound((context) => fail(context, parts, "not-found", 404));
  app.onError((error, context) => {
    parts.log.error("a request failed", { error, method: context.req.method, route: routeOf(context.req.path) });
    const acting = context.req.method === "POST";
    return fail(context, parts, acting ? "store" : "accident", acting ? 503 : 500);
  });
}

/** Tokens in addresses stay out of the log. */
function routeOf(path: string): string {
  return path.replace(/^(\/a|\/h|\/team\/sign-in)\/.+/, "$1/…");
}

export interface PrivateParts {
  readonly health: () => Health;
  readonly metrics: Exposition;
  readonly log: Log;
}

export function privateApp(parts: PrivateParts): Hono<Env> {
  const app = new Hono<Env>();
  app.get("/healthz", (context) => healthAnswer(context, parts.health()));
  app.get("/metrics", (context) => metricsAnswer(context, parts.metrics));
  app.onError((error, context) => {
    parts.log.error("a request to the private listener failed", { error, path: context.req.path });
    return context.text("Something went wrong; the log says what.\n", 500);
  });
  app.notFound((context) => context.text("Nothing here. Try /metrics or /healthz.\n", 404));
  return app;
}
