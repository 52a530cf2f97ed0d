/** Witnesses of our own connection: places that answer whenever it works, each asked at most every few seconds. */
import type { Clock } from "../../core/clock.ts";
import { deadlinePassed } from "../../core/deadline.ts";
import { errorCode } from "../../core/error-code.ts";
import { Unreachable } from "../../core/errors.ts";
import { noLongerNeeded } from "../../core/wake-up.ts";
import type { NameResolver } from "../network/dns-resolver.ts";
import { endpoint } from "../network/formatting.ts";
import type { HttpClient } from "../network/http-client.ts";
import { askNameServer } from "../network/system-name-servers.ts";
import { dial } from "../network/tcp-dial.ts";

/** Something that we watch, or an anchor, that was reached before. */
export interface Peer {
  readonly address: string;
  readonly family: 4 | 6;
  readonly port: number;
}

export type Witness =
  | { readonly kind: "anchor"; readonly address: string }
  | { readonly kind: "name server"; readonly address: string }
  | ({ readonly kind: "peer" } & Peer);

const nameOf = (witness: Witness): string =>
  witness.kind === "peer" ? endpoint(witness.address, witness.port) : witness.address;

export interface WitnessParts {
  readonly http: HttpClient;
  readonly resolver: NameResolver;
  readonly clock: Clock;
  /** Seconds one answer holds. */
  readonly holdsSeconds: number;
  /** Seconds to wait for an answer. */
  readonly timeoutSeconds: number;
}

interface Asked {
  readonly since: number;
  readonly failure: Promise<string | undefined>;
}

export class Witnesses {
  readonly #parts: WitnessParts;
  readonly #asked = new Map<string, Asked>();

  constructor(parts: WitnessParts) {
    this.#parts = parts;
  }

  /**
   * @param required how many of them must answer.
   * @returns why they do not; undefined as soon as enough of them do.
   */
  async silence(
    witnesses: readonly Witness[],
    required: number,
    family: 4 | 6 | undefined,
  ): Promise<readonly string[] | undefined> {
    const failures: string[] = [];
    const enough = await new Promise<boolean>((resolve) => {
      let reached = 0;
      const ended = () => {
        if (reached >= required) resolve(true);
        else if (reached + failures.length === witnesses.length) resolve(false);
      };
      if (witnesses.length === 0) resolve(false);
      for (const witness of witnesses) {
        void this.#ask(witness, family).then((failure) => {
          if (failure === undefined) reached += 1;
          else failures.push(`${nameOf(witness)}: ${failure}`);
          ended();
        });
      }
    });
    return enough ? undefined : failures;
  }

  #ask(witness: Witness, family: 4 | 6 | undefined): Promise<string | undefined> {
    const { clock, holdsSeconds } = this.#parts;
    const now = clock.monotonicSeconds();
    const key = `${witness.kind} ${nameOf(witness)} ${family}`;
    const known = this.#asked.get(key);
    if (known && now - known.since <= holdsSeconds) return known.failure;
    for (const [other, { since }] of this.#asked) if (now - since > holdsSeconds) this.#asked.delete(other);
    const failure = this.#touch(witness, family).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : "no answer"),
    );
    this.#asked.set(key, { since: now, failure });
    return failure;
  }

  /** Any sign of life will do: a status of whatever kind, a connection, even a refused one. */
  async #touch(witness: Witness, family: 4 | 6 | undefined): Promise<void> {
    const { clock, timeoutSeconds, http } = this.#parts;
    const over = new AbortController();
    clock.sleep(timeoutSeconds, over.signal).then(
      () => over.abort(deadlinePassed()),
      () => {},
    );
    try {
      if (witness.kind === "name server") await askNameServer(witness.address, over.signal);
      else if (witness.kind === "anchor" && /^https?:/.test(witness.address)) {
        await http.forRun(over.signal).get(witness.address, { method: "HEAD", ...(family && { family }) });
      } else await this.#connect(witness, family, over.signal);
    } finally {
      over.abort(noLongerNeeded);
    }
  }

  async #connect(
    witness: Exclude<Witness, { kind: "name server" }>,
    family: 4 | 6 | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const { addresses, port } = await this.#endpointOf(witness, family, signal);
      const { socket } = await dial(addresses, port, { signal, note() {} });
      socket.destroy();
    } catch (error) {
      if (!(error instanceof Unreachable && errorCode(error.cause) === "ECONNREFUSED")) throw error;
    }
  }

  async #endpointOf(
    witness: Exclude<Witness, { kind: "name server" }>,
    family: 4 | 6 | undefined,
    signal: AbortSignal,
  ) {
    if (witness.kind === "peer") return { addresses: [witness], port: witness.port };
    const { hostname, port } = new URL(witness.address.includes("://") ? witness.address : `tcp://${witness.address}`);
    return { addresses: await this.#parts.resolver.addresses(hostname, { family, signal }), port: Number(port) };
  }
}
