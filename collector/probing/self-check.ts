/**
 * The self-check, "is it me?": before a service is called down, asks whether this machine can reach the network at all.
 * Where nobody can be asked and everything fails at once, nobody knows: then a silent failure is ours until proven otherwise.
 */
import { isIPv6 } from "node:net";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import { isPrivate } from "../../core/private-networks.ts";
import { type NameResolver, openResolver } from "../network/dns-resolver.ts";
import { listed } from "../network/formatting.ts";
import type { HttpClient } from "../network/http-client.ts";
import { systemNameServers } from "../network/system-name-servers.ts";
import { type Peer, type Witness, Witnesses } from "./witnesses.ts";

type Connectivity = { readonly online: true } | { readonly online: false; readonly reason: string };

/** How a run failed. */
export interface Failure {
  /** Of the addresses that were tried; empty where none was found. */
  readonly addresses: readonly Pick<Peer, "address" | "family">[];
  /** Nothing came back, not even a refusal. */
  readonly isSilent: boolean;
}

export interface SelfCheck {
  /** Shared by everybody who asks within a few seconds. Never rejects. */
  check(failure: Failure): Promise<Connectivity>;
  /** A run came through to there: our connection works, and this can be asked later. */
  reached(peer: Peer): void;
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
  /** Seconds to wait for an answer (3). */
  readonly timeoutSeconds?: number;
  /** Who is asked when there are no anchors; tests have their own. */
  readonly nameServers?: () => readonly string[];
  /** Called when it begins, and ends, that we reach nobody. */
  onChange?(online: boolean): void;
}

/** For tests that have nobody to ask. */
export const assumeOnline: SelfCheck = { check: async () => ({ online: true }), reached: () => {} };

/** Enough that one of them works; few enough to be asked in one go. */
const peersAsked = 5;
const peersKept = 50;

export function openSelfCheck(settings: SelfCheckSettings): SelfCheck {
  return new WitnessedSelfCheck(settings);
}

class WitnessedSelfCheck implements SelfCheck {
  readonly #settings: SelfCheckSettings;
  readonly #witnesses: Witnesses;
  /** What was reached, the last one last. */
  readonly #peers = new Map<string, Peer>();
  #wasOnline = true;

  constructor(settings: SelfCheckSettings) {
    const { holdsSeconds = 3, timeoutSeconds = 3, resolver = openResolver() } = settings;
    this.#settings = settings;
    this.#witnesses = new Witnesses({ ...settings, resolver, holdsSeconds, timeoutSeconds });
  }

  async check(failure: Failure): Promise<Connectivity> {
    const { anchors } = this.#settings;
    // That somebody refused us came over the line that is in doubt.
    if (anchors.length === 0 && !failure.isSilent) return this.#noted({ online: true });
    const families = new Set(failure.addresses.map(({ family }) => family));
    if (families.size === 1 && families.has(6)) return this.#checkIPv6(failure);
    return this.#noted(await this.#checkAny(failure));
  }

  reached(peer: Peer): void {
    this.#peers.delete(peer.address);
    this.#peers.set(peer.address, peer);
    for (const address of this.#peers.keys()) if (this.#peers.size > peersKept) this.#peers.delete(address);
    if (!this.#wasOnline) void this.#noted({ online: true });
  }

  async #checkAny(failure: Failure): Promise<Connectivity> {
    const { anchors, require = 1 } = this.#settings;
    const anchored = anchors.length > 0;
    const witnesses = anchored
      ? anchors.map(anchor)
      : [...this.#nameServers().map(nameServer), ...this.#others(failure)];
    if (witnesses.length === 0) return { online: false, reason: `nobody can be asked: ${remedy}` };
    const required = anchored ? Math.min(require, anchors.length) : 1;
    const silence = await this.#witnesses.silence(witnesses, required, undefined);
    return silence ? { online: false, reason: listed(silence, 3) } : { online: true };
  }

  /** What has IPv6 alone says nothing while nobody else answers over it. */
  async #checkIPv6(failure: Failure): Promise<Connectivity> {
    const witnesses = [
      ...this.#settings.anchors.map(anchor),
      ...this.#nameServers().filter(isOverIPv6).map(nameServer),
      ...this.#others(failure).filter(({ family }) => family === 6),
    ];
    const silence = await this.#witnesses.silence(witnesses, 1, 6);
    if (!silence) return this.#noted({ online: true });
    const overall = this.#noted(await this.#checkAny({ ...failure, addresses: [] }));
    if (!overall.online) return overall;
    const asked = silence.length > 0 ? listed(silence, 3) : `nobody can be asked: ${remedy}`;
    return { online: false, reason: `over IPv6 (${asked})` };
  }

  #nameServers(): readonly string[] {
    return (this.#settings.nameServers ?? systemNameServers)();
  }

  /** Of what was reached before the last ones, but for those that fail now. */
  #others({ addresses }: Failure): readonly Extract<Witness, { kind: "peer" }>[] {
    const failing = new Set(addresses.map(({ address }) => address));
    const isInside = addresses.length > 0 && addresses.every(({ address }) => isPrivate(address));
    return (
      [...this.#peers.values()]
        // What is near says nothing about what is far.
        .filter(({ address }) => !failing.has(address) && (isInside || !isPrivate(address)))
        .slice(-peersAsked)
        .map((peer) => ({ kind: "peer", ...peer }))
    );
  }

  #noted(connectivity: Connectivity): Connectivity {
    const { log, onChange } = this.#settings;
    const { online } = connectivity;
    if (online === this.#wasOnline) return connectivity;
    this.#wasOnline = online;
    if (online) log.info("self-check succeeds again");
    else log.warn("self-check failed: results are unknown until it succeeds", { reason: connectivity.reason });
    onChange?.(online);
    return connectivity;
  }
}

const remedy = "name places that always answer under selfCheck.anchors";
const anchor = (address: string): Witness => ({ kind: "anchor", address });
const nameServer = (address: string): Witness => ({ kind: "name server", address });
const isOverIPv6 = (server: string): boolean => isIPv6(server) || server.startsWith("[");
