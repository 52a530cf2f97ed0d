/**
 * Opens a TCP connection to the first address that accepts it (Happy Eyeballs, RFC 8305): IPv4 and IPv6, one attempt
 * every 250 ms, each attempt noted.
 */
import { connect, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { performance } from "node:perf_hooks";
import { codeOrName } from "../../core/error-code.ts";
import { NotMeasured, Unreachable } from "../../core/errors.ts";
import type { Address } from "./dns-resolver.ts";
import { endpoint, inSeconds, listed } from "./formatting.ts";
import { faultOfOurs } from "./local-fault.ts";

export interface Dialled extends Address {
  readonly socket: Socket;
}

interface Attempt extends Address {
  readonly code: string;
  readonly error: Error;
}

const staggerMs = 250;
/** A name with a hundred addresses is not worth a hundred attempts. */
const mostAttempts = 8;

export function dial(
  addresses: readonly Address[],
  port: number,
  { signal, note }: { readonly signal: AbortSignal; readonly note: (line: string) => void },
): Promise<Dialled> {
  return new Promise((resolve, reject) => {
    const waiting = alternating(addresses).slice(0, mostAttempts);
    const open = new Map<Socket, { readonly to: Address; readonly since: number }>();
    const failed: Attempt[] = [];
    let stagger: NodeJS.Timeout | undefined;

    const stop = () => {
      clearTimeout(stagger);
      signal.removeEventListener("abort", abort);
      for (const socket of open.keys()) socket.destroy();
    };
    const abort = () => {
      for (const { to, since } of open.values()) note(`${endpoint(to.address, port)} did not answer${after(since)}`);
      stop();
      reject(signal.reason);
    };
    const next = () => {
      clearTimeout(stagger);
      const to = waiting.shift();
      if (to) attempt(to);
      else if (open.size === 0) {
        stop();
        reject(refusal(failed, port));
      }
      if (waiting.length > 0) stagger = setTimeout(next, staggerMs);
    };
    const attempt = (to: Address) => {
      const since = performance.now();
      const socket = connect({ host: to.address, port, family: to.family, noDelay: true, autoSelectFamily: false });
      open.set(socket, { to, since });
      socket.once("connect", () => {
        open.delete(socket);
        stop();
        note(`${endpoint(to.address, port)} connected${after(since)}`);
        resolve({ ...to, socket });
      });
      // Stays for good: an error after the end of a check is nobody's problem.
      socket.on("error", (error) => {
        if (!open.delete(socket)) return;
        const code = codeOrName(error);
        failed.push({ ...to, code, error });
        note(`${endpoint(to.address, port)} ${inWords(code)}${after(since)}`);
        next();
      });
    };

    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    next();
  });
}

const after = (since: number) => ` after ${inSeconds((performance.now() - since) / 1000)}`;

/** RFC 8305: families in turn, beginning with the first one's. */
function alternating(addresses: readonly Address[]): Address[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family);
  const second = addresses.filter(({ family }) => family !== addresses[0]?.family);
  return first
    .flatMap((address, index) => [address, ...second.slice(index, index + 1)])
    .concat(second.slice(first.length));
}

function refusal(failed: readonly Attempt[], port: number): Error {
  const codes = [...new Set(failed.map(({ code }) => code))];
  const faults = failed.map(({ code, family }) => faultOfOurs(code) ?? missingFamily(code, family));
  if (faults.every((fault) => fault !== undefined))
    return new NotMeasured(faults[0] ?? "no address to connect to", { localFault: true });
  const parts = codes.map((code) => {
    const where = failed.filter((attempt) => attempt.code === code).map(({ address }) => endpoint(address, port));
    return code === "ECONNREFUSED" ? `refused on ${listed(where)}` : `${listed(where)} ${inWords(code)}`;
  });
  return new Unreachable(listed(parts, 3), { stage: "connect", cause: failed[0]?.error });
}

/** A host with IPv6 only, seen from a machine without: nothing is known about that host. */
function missingFamily(code: string, family: 4 | 6): string | undefined {
  if (code !== "ENETUNREACH") return undefined;
  const reaching = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .some((own) => own.family === `IPv${family}` && !own.internal && !/^(fe80|169\.254)/.test(own.address));
  return reaching ? undefined : `this machine has no IPv${family} address to connect from`;
}

function inWords(code: string): string {
  if (code === "ECONNREFUSED") return "refused";
  if (code === "ECONNRESET") return "reset the connection";
  if (code === "ETIMEDOUT") return "did not answer";
  if (code === "EHOSTUNREACH") return "cannot be reached (no route to the host)";
  if (code === "ENETUNREACH") return "cannot be reached (no route to the network)";
  return `failed (${code})`;
}
