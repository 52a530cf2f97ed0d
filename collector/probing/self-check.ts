/**
 * The self-check, "is it me?": before a service is called down, asks whether this machine can reach the network (the
 * anchors) at all.
 */
import { getServers } from "node:dns";
import { isIP } from "node:net";
import type { Clock } from "../../core/clock.ts";
import { deadlinePassed } from "../../core/deadline.ts";
import { errorCode } from "../../core/error-code.ts";
import { Unreachable } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { noLongerNeeded } from "../../core/wake-up.ts";
import { type NameResolver, openResolver } from "../network/dns-resolver.ts";
import { endpoint, listed } from "../network/formatting.ts";
import type { HttpClient } from "../network/http-client.ts";
import { dial } from "../network/tcp-dial.ts";

type Connectivity = { readonly online: true } | { readonly online: false; readonly reason: string };

export interface SelfCheck {
  /** Shared by everybody who asks within a few seconds. Never rejects. */
  check(): Promise<Connectivity>;
}

export interface SelfCheckSettings {
  /** `host:port`, `tcp://host:port` or a web address, of parties that do not fail together. Default: the system's name servers. */
  readonly anchors: readonly string[];
  /** How many of them must be reached (1). */
  readonly require?: number;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly resolver?: NameResolver;
  /** Seconds one answer holds (3). */
  readonly holdsSeconds?: number;
  /** Seconds to wait for an anchor (3). */
  readonly timeoutSeconds?: number;
  /** What stands in when there are no anchors; tests have their own. */
  readonly nameServers?: () => readonly string[];
}

/** For commands and tests that have nobody to ask. */
export const assumeOnline: SelfCheck = { check: async () => ({ online: true }) };

export function openSelfCheck(settings: SelfCheckSettings): SelfCheck {
  const { clock, log, holdsSeconds = 3, nameServers = outsideNameServers } = settings;
  const configured = settings.anchors.length > 0;
  const anchors = configured ? settings.anchors : nameServers();
  if (anchors.length === 0) return assumeOnline;
  const required = configured ? Math.min(settings.require ?? 1, anchors.length) : 1;
  const resolver = settings.resolver ?? openResolver();
  // A name server may take questions by UDP alone: until one has answered, its silence proves nothing.
  let proven = configured;
  let wasOnline = true;
  let latest: { readonly since: number; readonly connectivity: Promise<Connectivity> } | undefined;

  const check = async (): Promise<Connectivity> => {
    const connectivity = await reach(anchors, required, { ...settings, resolver });
    proven ||= connectivity.online;
    if (!proven) return { online: true };
    if (wasOnline && !connectivity.online)
      log.warn("self-check failed: results are unknown until it succeeds", { reason: connectivity.reason });
    if (!wasOnline && connectivity.online) log.info("self-check succeeds again");
    wasOnline = connectivity.online;
    return connectivity;
  };
  const shared: SelfCheck = {
    check() {
      const now = clock.monotonicSeconds();
      if (!latest || now - latest.since > holdsSeconds) latest = { since: now, connectivity: check() };
      return latest.connectivity;
    },
  };
  if (!proven) void shared.check();
  return shared;
}

type Reach = Pick<SelfCheckSettings, "http" | "clock" | "timeoutSeconds"> & { readonly resolver: NameResolver };

async function reach(anchors: readonly string[], required: number, parts: Reach): Promise<Connectivity> {
  const over = new AbortController();
  parts.clock.sleep(parts.timeoutSeconds ?? 3, over.signal).then(
    () => over.abort(deadlinePassed()),
    () => {},
  );
  const failures: string[] = [];
  const online = await new Promise<boolean>((resolve) => {
    let reached = 0;
    const ended = () => {
      if (reached >= required) resolve(true);
      else if (reached + failures.length === anchors.length) resolve(false);
    };
    for (const anchor of anchors) {
      touch(anchor, over.signal, parts)
        .then(() => {
          reached += 1;
        })
        .catch((error) => {
          failures.push(`${anchor}: ${error instanceof Error ? error.message : "no answer"}`);
        })
        .finally(ended);
    }
  });
  over.abort(noLongerNeeded);
  return online ? { online } : { online, reason: listed(failures, 3) };
}

/** Any sign of life will do: a status of whatever kind, a connection, even a refused one. */
async function touch(anchor: string, signal: AbortSignal, { http, resolver }: Reach): Promise<void> {
  if (/^https?:/.test(anchor)) {
    await http.forRun(signal).get(anchor, { method: "HEAD" });
    return;
  }
  const { hostname, port } = new URL(anchor.includes("://") ? anchor : `tcp://${anchor}`);
  try {
    const addresses = await resolver.addresses(hostname, { signal });
    const { socket } = await dial(addresses, Number(port), { signal, note() {} });
    socket.destroy();
  } catch (error) {
    if (!(error instanceof Unreachable && errorCode(error.cause) === "ECONNREFUSED")) throw error;
  }
}

/** The name servers of this system, unless they are on this very machine. */
function outsideNameServers(): readonly string[] {
  return getServers()
    .map((server) => (isIP(server) ? endpoint(server, 53) : server))
    .filter((server) => !/^(127\.|\[::1\]|0\.0\.0\.0)/.test(server));
}
