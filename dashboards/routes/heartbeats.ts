/** The route of a job's heartbeat: /h/TOKEN, with a word after it; each call is stored before it is answered. */
import type { Context, Hono } from "hono";
import { beatOf } from "../../core/heartbeat.ts";
import { RateLimit } from "../rate-limit.ts";
import type { Env, PublicParts } from "./public-parts.ts";

/** The exception to "GET never acts": the caller is a job's curl, and the address stands in no page or mail. */
export function addHeartbeats(app: Hono<Env>, { heartbeats, clock, log }: PublicParts): void {
  if (!heartbeats) return;
  // A job in a loop must not fill the disk with its calls.
  const perJob = new RateLimit(clock, 30, 2);
  const hear = async (context: Context<Env>) => {
    const say = (text: string, status: 200 | 404 | 429 | 503) =>
      context.text(`${text}\n`, status, { "cache-control": "no-store", connection: "close" });
    const job = heartbeats.recognise(context.req.param("token") ?? "");
    if (!job) return say("Nothing here.", 404);
    const beat = beatOf(context.req.param("word"));
    if (!beat) return say("After the address may come /start, /fail or an exit code from 0 to 255.", 404);
    if (!perJob.allows(`${job.target}/${job.check}`)) return say("Too many calls. Try again in a minute.", 429);
    try {
      await heartbeats.hear(job, beat, await lastWords(context.req.raw.body));
      return say("OK", 200);
    } catch (error) {
      log.error("the call of a job could not be kept", { error, ...job });
      return say("Could not be kept. Try again in a minute.", 503);
    }
  };
  for (const path of ["/h/:token", "/h/:token/:word"]) app.on(["GET", "POST"], path, hear);
}

const mostHeardBytes = 100 * 1024;
const keptWordsBytes = 4 * 1024;

/** The end of what a job sends along, where it says why it failed; of more than 100 kB, the end of the first 100 kB. */
async function lastWords(body: ReadableStream<Uint8Array> | null): Promise<string> {
  if (!body) return "";
  let heard = 0;
  let kept = Buffer.alloc(0);
  for await (const chunk of body) {
    heard += chunk.length;
    kept = Buffer.concat([kept, chunk]).subarray(-keptWordsBytes);
    if (heard > mostHeardBytes) break;
  }
  return kept.toString("utf8");
}
