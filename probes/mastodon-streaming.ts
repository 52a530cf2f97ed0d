/**
 * The mastodon-streaming probe: the server that shows new posts without a reload: does it let members in, and does it
 * receive posts?
 */
import { z } from "zod";
import { duration, secret, webAddress } from "../core/config/settings.ts";
import { type Localised, sameInAll } from "../core/language.ts";
import { defineProbe, type HttpAnswer, type HttpRequest, type ProbeContext } from "../core/probe.ts";
import type { Secret } from "../core/secret.ts";
import { clockOf } from "./fediverse/freshness.ts";
import { compatibleWithout } from "./fediverse/mastodon-compatible.ts";
import { PublicPosts } from "./fediverse/posts.ts";
import { type StreamingAddress, streamingAddress } from "./fediverse/streaming-address.ts";
import { type StreamingFindings, streamingFindings, streamingMetrics } from "./fediverse/streaming-metrics.ts";
import { handshake } from "./fediverse/websocket.ts";
import { certificateAuthority, trusting } from "./lib/certificate.ts";
import { couldNotCheck } from "./lib/explanation.ts";
import { degradation, findingOf, type Problem } from "./lib/problem.ts";
import { bearer, withoutToken } from "./lib/redaction.ts";
import { withTimeLimit } from "./lib/time-limit.ts";
import { isHtml } from "./web/bot-wall.ts";
import { cacheBusted } from "./web/cache-buster.ts";
import { evidenceOf, isMaintenance, refusalOf } from "./web/http-answer.ts";

const noLivePosts: Localised = {
  en: "New posts do not appear by themselves: pages must be reloaded to see them.",
  fr: "Les nouveaux messages n’apparaissent pas d’eux-mêmes : il faut recharger les pages pour les voir.",
};
const lateLivePosts: Localised = {
  en: "New posts appear by themselves, but slowly.",
  fr: "Les nouveaux messages apparaissent d’eux-mêmes, mais lentement.",
};

export default defineProbe({
  summary: "Looks at a Mastodon's streaming: whether it answers, lets members in, and hears of new posts.",
  internal: true,
  readings: streamingMetrics,
  options: z.strictObject({
    url: webAddress().describe("Address of the server as members see it; where it streams is in its own document."),
    token: secret()
      .optional()
      .describe(
        "Access token of a member that may only `read:statuses`: opens a real stream, which proves its database.",
      ),
    metrics: webAddress()
      .optional()
      .describe(
        "Address of the streaming server's own `/metrics`, in your network: proves that it hears of new posts.",
      ),
    quietFor: duration({ atLeast: 60, atMost: 86_400 })
      .prefault("15m")
      .describe(
        "With members connected and posts coming in, this long without any message from Redis is too long; needs `metrics`.",
      ),
    maxSeconds: z
      .number()
      .positive()
      .max(300)
      .prefault(1)
      .describe("An answer of the streaming server that takes longer than this many seconds is degraded."),
    ca: certificateAuthority(),
  }),
  example: { url: "https://social.example", token: { env: "MASTODON_STREAMING_TOKEN" } },
  defaults: { timeoutSeconds: 20 },

  async run({ url, token, metrics, quietFor, maxSeconds, ca }, given) {
    const context = trusting(given, ca);
    const origin = new URL(url);
    const at = await streamingAddress(origin, context);
    const ask = questions(origin, at, context);
    const health = await ask("health", "/api/v1/streaming/health", {});
    const relative =
      "answer" in health ? await compatibleWithout(health.answer, origin, sameInAll("Mastodon"), context) : undefined;
    const ill = "answer" in health ? healthProblem(health.answer) : health.problem;
    const posts = () => newestPosts(origin, token, context);
    const quiet = { quietFor, explanation: noLivePosts };
    const heard = metrics === undefined ? noMetrics : await streamingFindings(new URL(metrics), quiet, posts, context);
    const phases = "answer" in health ? { phases: health.answer.phases } : {};
    if (relative) {
      const note = `is ${relative.name}, without a streaming health page: only asked whether WebSockets are answered`;
      const problems = [...(await brokenWebSocket(ask)), ...heard.problems];
      return findingOf(problems, { ...phases, readings: heard.readings, note });
    }
    // Where not even the health page answers, no other question gets an answer.
    if (ill) return findingOf([ill], { ...phases, readings: heard.readings });
    const stream = await askStream(ask, token);
    const problems = [
      ...(at.fault === undefined ? [] : [degradation(at.fault, noLivePosts)]),
      ...(stream.fault ? [stream.fault] : slowness(stream.answer, maxSeconds)),
      ...(await webSocketProblems(ask, token, stream.fault)),
      ...heard.problems,
    ];
    return findingOf(
      problems.map((problem) => withoutToken(problem, token)),
      { ...phases, readings: heard.readings, note: heard.note },
    );
  },
});

const noMetrics: StreamingFindings = { problems: [], readings: [] };

/** Posts of other servers: there are always some, and streaming must receive them as well. */
async function newestPosts(origin: URL, token: Secret | undefined, context: ProbeContext) {
  const timeline = cacheBusted(new URL("/api/v1/timelines/public?remote=true&limit=20", origin));
  const heard = await withTimeLimit(context.http.get(timeline, { headers: bearer(token) }), context);
  const posts = "answer" in heard && heard.answer.status === 200 ? heard.answer.json(PublicPosts) : undefined;
  return "answer" in heard && posts ? { posts, now: clockOf(heard.answer, context) } : undefined;
}

type Ask = (
  what: string,
  path: string,
  request: HttpRequest,
) => Promise<{ readonly answer: HttpAnswer } | { readonly problem: Problem }>;

function questions(origin: URL, { base, namedBy }: StreamingAddress, context: ProbeContext): Ask {
  return async (what, path, request) => {
    const asked = context.http.get(new URL(path, base), { ...request, ...(namedBy && { namedBy }) });
    const heard = await withTimeLimit(asked, context);
    if ("answer" in heard) return heard;
    // Nothing listens on the port: all of Mastodon is down.
    if (base.host === origin.host && what === "health" && heard.failure) throw heard.failure;
    const where = base.host === origin.host ? "" : ` on ${base.host}`;
    return { problem: degradation(`streaming (${what})${where}: ${heard.reason}`, noLivePosts, heard.evidence) };
  };
}

function healthProblem(answer: HttpAnswer): Problem | undefined {
  const { status } = answer;
  if (status === 200 && answer.text().trim() === "OK") return undefined;
  const problem = (reason: string) => degradation(reason, noLivePosts, evidenceOf(answer));
  if (status === 404)
    return problem("streaming is lost on the way: the proxy sends it to something else (health answered 404)");
  if (status === 502 || status === 504) return problem(`the streaming server is not there (health answered ${status})`);
  const refusal = refusalOf(answer, "the streaming health page", sameInAll("Mastodon"), "document");
  // Only streaming is concerned, not the whole.
  if (refusal && isMaintenance(answer)) return { ...refusal, outcome: "degraded" };
  if (refusal?.outcome === "down") return { ...refusal, outcome: "degraded", explanation: noLivePosts };
  if (refusal) return refusal;
  if (isHtml(answer)) return problem("a web page stands in place of the streaming server");
  return problem(status === 200 ? "the streaming health page does not say OK" : `streaming health answered ${status}`);
}

const ServerError = z.object({ error: z.string() });

interface StreamLook {
  readonly answer?: HttpAnswer;
  readonly fault?: Problem;
}

async function askStream(ask: Ask, token: Secret | undefined): Promise<StreamLook> {
  // The stream itself never ends: its first two characters, ":)", are all that is waited for.
  const request = { headers: { accept: "text/event-stream", ...bearer(token) }, ...(token && { maxBodyBytes: 2 }) };
  const heard = await ask("stream", "/api/v1/streaming/public", request);
  if (!("answer" in heard)) return { fault: heard.problem };
  const { answer } = heard;
  const fault = token ? openStreamFault(answer) : closedDoorFault(answer);
  return { answer, ...(fault && { fault }) };
}

function slowness(answer: HttpAnswer | undefined, maxSeconds: number): readonly Problem[] {
  const took = answer?.phases.processing ?? 0;
  if (!answer || took <= maxSeconds) return [];
  const reason = `the streaming server took ${took.toFixed(1)} s to answer, more than ${maxSeconds} s`;
  return [degradation(reason, lateLivePosts, evidenceOf(answer))];
}

function openStreamFault(answer: HttpAnswer): Problem | undefined {
  const { status } = answer;
  if (status === 401) return refusedToken(answer);
  const stream = answer.headers.get("content-type")?.startsWith("text/event-stream") === true;
  if (status === 200 && stream && answer.text().startsWith(":)")) return undefined;
  if (status === 200 && stream)
    return degradation("a stream opens, but does not begin as one", noLivePosts, evidenceOf(answer));
  return (
    serverFault(answer) ?? degradation(`a stream that should open answers ${status}`, noLivePosts, evidenceOf(answer))
  );
}

/** Without a token it must say so: that takes the streaming server itself, and no cache and no other server does it. */
function closedDoorFault(answer: HttpAnswer): Problem | undefined {
  const { status } = answer;
  const said = answer.json(ServerError)?.error;
  if (status === 401 && said !== undefined) return undefined;
  // Before 4.2 and in some relatives anybody may listen.
  if (status === 200 && answer.headers.get("content-type")?.startsWith("text/event-stream")) return undefined;
  const what = status === 401 ? "asks for a password of its own" : `answers ${status} instead of 401`;
  return serverFault(answer) ?? degradation(`a stream without a token ${what}`, noLivePosts, evidenceOf(answer));
}

function serverFault(answer: HttpAnswer): Problem | undefined {
  const { status } = answer;
  if (status !== 500 && status < 502) return undefined;
  const why = status === 500 ? ": it cannot reach its database" : "";
  return degradation(
    `streaming answers ${status} while its health page says OK${why}`,
    noLivePosts,
    evidenceOf(answer),
  );
}

function refusedToken(answer: HttpAnswer): Problem {
  const reason = "the token is refused: make a new one that may read:statuses";
  return { outcome: "unknown", reason, explanation: couldNotCheck, evidence: evidenceOf(answer) };
}

/** What browsers and apps use. */
async function webSocketProblems(
  ask: Ask,
  token: Secret | undefined,
  streamFault: Problem | undefined,
): Promise<readonly Problem[]> {
  const { request, agreed } = handshake(token?.reveal().trim());
  const heard = await ask("WebSocket", "/api/v1/streaming", request);
  if (!("answer" in heard)) return [heard.problem];
  const { answer } = heard;
  const { status } = answer;
  const problem = (reason: string) => [degradation(reason, noLivePosts, evidenceOf(answer))];
  if (agreed(answer)) return [];
  if (status === 101) return problem("something answers WebSockets that does not speak them");
  // The stream's own problem says whom the server refuses and why. Before 4.3 it answers 401 here to everything.
  if (streamFault && (status === 401 || status === 500)) return [];
  if (status === 401 && answer.headers.has("www-authenticate")) {
    return problem("something before WebSockets asks for a password of its own");
  }
  if (status === 401 && !token) return [];
  if (status === 401) return problem("the token gets lost on the way of a WebSocket: does the proxy drop its header?");
  if (status === 500) return problem("WebSockets are answered with 500: streaming cannot reach its database");
  if (status === 400 || status === 426 || status === 404) {
    return problem(`the proxy does not pass WebSockets on (answered ${status}): Upgrade headers are missing`);
  }
  return problem(`WebSockets are answered with ${status}`);
}

/** How servers that only speak Mastodon's API turn strangers away differs; that they answer does not. */
async function brokenWebSocket(ask: Ask): Promise<readonly Problem[]> {
  const heard = await ask("WebSocket", "/api/v1/streaming", handshake().request);
  if (!("answer" in heard)) return [heard.problem];
  const { answer } = heard;
  if (answer.status < 500) return [];
  return [degradation(`WebSockets are answered with ${answer.status}`, noLivePosts, evidenceOf(answer))];
}
