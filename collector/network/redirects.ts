/**
 * Follows the redirects of an HTTP answer: as many as were asked for, never from a public address to a private one, and
 * with credentials only for the server they were meant for.
 */
import { Unreachable } from "../../core/errors.ts";
import { plainText } from "../../core/plain-text.ts";
import { isPrivate } from "../../core/private-networks.ts";
import type { HttpRequest } from "../../core/probe.ts";
import type { Phases } from "../../core/sample.ts";
import type { RawAnswer } from "./http-exchange.ts";
import type { TimingTrace } from "./timing-trace.ts";

export interface Answered {
  readonly raw: RawAnswer;
  readonly timing: TimingTrace;
}

/** One request as it goes out; after a redirect there is another one. */
export type WantedRequest = Pick<HttpRequest, "family" | "ca"> & {
  readonly url: URL;
  readonly method: "GET" | "HEAD" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly maxBodyBytes: number;
  readonly upgrade?: "websocket";
};

/** The answer that is no redirect any more, or that nobody asked to follow. */
export interface FollowedAnswer extends Answered {
  readonly url: URL;
  /** Of the last request; `total` is that of all. */
  readonly phases: Phases;
  /** The addresses that redirected, first one first. */
  readonly redirects: readonly string[];
}

/**
 * @param start.most how many redirects are followed; beyond them there is no answer.
 * @param start.inPublic whether the first address is already known to be named by a public server.
 * @param ask sends one request; with `stayPublic` it refuses to connect to a private address.
 */
export async function followRedirects(
  first: WantedRequest,
  start: { readonly most: number; readonly inPublic: boolean },
  ask: (wanted: WantedRequest, stayPublic: boolean) => Promise<Answered>,
): Promise<FollowedAnswer> {
  const { most } = start;
  const redirects: string[] = [];
  let wanted = first;
  let { inPublic } = start;
  let totalSeconds = 0;
  for (;;) {
    const { raw, timing } = await ask(wanted, inPublic);
    const phases = timing.phases();
    totalSeconds += phases.total ?? 0;
    const next = most > 0 ? redirectOf(raw, wanted.url) : undefined;
    if (!next) return { raw, timing, url: wanted.url, phases: { ...phases, total: totalSeconds }, redirects };
    redirects.push(shownUrl(wanted.url));
    const problem =
      redirects.length > most ? `gave up after ${most} ${most === 1 ? "redirect" : "redirects"}` : next.problem;
    if (problem) {
      const evidence = [...redirects, shownUrl(next.url)].join("\n→ ");
      throw new Unreachable(problem, { stage: "protocol", phases: { ...phases, total: totalSeconds }, evidence });
    }
    inPublic ||= !isPrivate(timing.address ?? "");
    wanted = redirected(wanted, next.url, raw.status);
  }
}

function redirectOf(
  { status, headers }: RawAnswer,
  from: URL,
): { readonly url: URL; readonly problem?: string } | undefined {
  const location = headers.get("location");
  if (![301, 302, 303, 307, 308].includes(status) || location === null) return undefined;
  // Browsers read these bytes as UTF-8.
  const url = URL.parse(Buffer.from(location, "latin1").toString("utf8"), from);
  if (!url) return { url: from, problem: `answered ${status} with an address that cannot be read` };
  if (url.protocol === "http:" || url.protocol === "https:") return { url: withoutCredentials(url) };
  return { url: from, problem: `redirects to an address that is not HTTP (${plainText(url.protocol, 20)})` };
}

/** What a browser would ask next; secrets stay with the server they were meant for. */
function redirected(wanted: WantedRequest, url: URL, status: number): WantedRequest {
  const asGet = status === 303 || (wanted.method === "POST" && status !== 307 && status !== 308);
  const dropped = [
    "host",
    ...(url.origin === wanted.url.origin ? [] : ["authorization", "cookie", "proxy-authorization"]),
    ...(asGet ? ["content-type", "content-length"] : []),
  ];
  const headers = Object.fromEntries(Object.entries(wanted.headers).filter(([name]) => !dropped.includes(name)));
  if (!asGet) return { ...wanted, url, headers };
  return { ...wanted, url, headers, method: wanted.method === "HEAD" ? "HEAD" : "GET", body: undefined };
}

export function withoutCredentials(url: URL): URL {
  const copy = new URL(url);
  copy.username = "";
  copy.password = "";
  copy.hash = "";
  return copy;
}

/** A query may carry a token; nobody needs it to understand a failure. */
export const shownUrl = (url: URL): string => plainText(`${url.origin}${url.pathname}${url.search && "?…"}`, 300);
