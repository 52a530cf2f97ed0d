/** The answers to /healthz, whether every part of the program works, and to /metrics. */
import type { Context } from "hono";

/** Whether each part of the program moved lately: scheduler, judge, store, outbox. */
export type Health = Readonly<Record<string, boolean>>;

/** @param accept what the scraper can read: OpenMetrics when it asks for it. */
export type Exposition = (
  accept: string | undefined,
) => Promise<{ readonly contentType: string; readonly body: Uint8Array<ArrayBuffer> }>;

export function healthAnswer(context: Context, health: Health): Response {
  const ok = Object.values(health).every(Boolean);
  const stuck = Object.keys(health).filter((part) => !health[part]);
  return context.json({ ok, ...(!ok && { stuck }), parts: health }, ok ? 200 : 503, { "cache-control": "no-store" });
}

export async function metricsAnswer(context: Context, metrics: Exposition): Promise<Response> {
  const { contentType, body } = await metrics(context.req.header("accept"));
  return context.body(body, 200, { "content-type": contentType, "cache-control": "no-store" });
}
