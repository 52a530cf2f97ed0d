/**
 * TCP connections for probes that do not speak HTTP, with an upgrade to TLS (STARTTLS); measured and explained as in
 * the HTTP client.
 */
import { once } from "node:events";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { orAborted } from "../../core/deadline.ts";
import { codeOrName } from "../../core/error-code.ts";
import { Unreachable } from "../../core/errors.ts";
import type { Endpoint, Line, Net, TlsReport, TlsWishes } from "../../core/probe.ts";
import { type ConnectionRecord, unreachable } from "./connection-failure.ts";
import type { NameResolver } from "./dns-resolver.ts";
import { endpoint, inSeconds } from "./formatting.ts";
import { dial } from "./tcp-dial.ts";
import { TimingTrace } from "./timing-trace.ts";
import { handshake, type Trust } from "./tls-handshake.ts";

export interface NetParts {
  readonly resolver: NameResolver;
  readonly trustFor: (ca: string | undefined) => Trust;
  readonly signal: AbortSignal;
  /** Gets every connection that is tried. */
  readonly connections: ConnectionRecord[];
}

export function openNet(parts: NetParts): Net {
  return { converse: (to, talk) => converse(parts, to, talk) };
}

async function converse<T>(parts: NetParts, to: Endpoint, talk: (line: Line) => Promise<T>): Promise<T> {
  const { resolver, signal, connections } = parts;
  const timing = new TimingTrace();
  const connection: ConnectionRecord = {
    url: endpoint(to.host, to.port),
    server: { host: to.host, port: to.port },
    method: "",
    timing,
  };
  connections.push(connection);
  let line: OpenLine | undefined;
  try {
    signal.throwIfAborted();
    timing.begin("resolve");
    const addresses = await resolver.addresses(to.host, { family: to.family, signal });
    timing.found = addresses;
    timing.begin("connect");
    const dialled = await dial(addresses, to.port, { signal, note: (note) => timing.notes.push(note) });
    timing.address = dialled.address;
    timing.family = dialled.family;
    timing.begin("processing");
    line = new OpenLine(dialled.socket, dialled, timing, parts);
    return await orAborted(talk(line), signal);
  } catch (error) {
    timing.end();
    // Whatever a library made of our hanging up: the end of the time is why.
    const failure = unreachable(signal.aborted ? signal.reason : error, timing, connection);
    if (!failure) throw signal.aborted ? signal.reason : error;
    connection.failure = failure;
    throw failure;
  } finally {
    timing.end();
    line?.hangUp();
  }
}

class OpenLine implements Line {
  readonly address: string;
  readonly family: 4 | 6;
  readonly #timing: TimingTrace;
  readonly #parts: NetParts;
  readonly #below: Socket;
  #socket: Socket | TLSSocket;
  #failure: Error | undefined;

  constructor(
    socket: Socket,
    { address, family }: Pick<Line, "address" | "family">,
    timing: TimingTrace,
    parts: NetParts,
  ) {
    this.address = address;
    this.family = family;
    this.#socket = socket;
    this.#below = socket;
    this.#timing = timing;
    this.#parts = parts;
    this.#remember(socket);
  }

  get socket(): Socket {
    return this.#socket;
  }

  phases() {
    return this.#timing.phases();
  }

  write(text: string): void {
    if (this.#socket.writable) this.#socket.write(text);
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const chunk: unknown = this.#socket.read();
      if (chunk instanceof Uint8Array) return chunk;
      if (this.#failure) throw this.#broken(this.#failure);
      if (this.#socket.readableEnded || this.#socket.destroyed) return undefined;
      await this.#news();
    }
  }

  async secure({ name, ca }: TlsWishes): Promise<TlsReport> {
    const { trustFor, signal } = this.#parts;
    this.#timing.begin("tls");
    const { tls, facts, names, faults } = await handshake(this.#socket, name, { trust: trustFor(ca), signal });
    this.#timing.begin("processing");
    this.#timing.tls = facts;
    this.#socket = tls;
    this.#remember(tls);
    return { ...facts, names, faults: faults.map(({ kind, sentence }) => ({ kind, sentence })) };
  }

  hangUp(): void {
    this.#socket.destroySoon();
    // A farewell may still go out, but nobody waits for the other side to let go.
    setImmediate(() => {
      this.#socket.destroy();
      this.#below.destroy();
    });
  }

  #remember(socket: Socket): void {
    socket.on("error", (error) => {
      this.#failure ??= error;
    });
  }

  /** Until there is something to read, or nothing will come any more. */
  async #news(): Promise<void> {
    const over = new AbortController();
    const any = { signal: over.signal };
    try {
      await orAborted(
        Promise.race(["readable", "end", "close"].map((event) => once(this.#socket, event, any))).catch(() => {}),
        this.#parts.signal,
      );
    } finally {
      over.abort();
    }
  }

  #broken(error: Error): Unreachable {
    const code = codeOrName(error);
    const how = code === "ECONNRESET" || code === "EPIPE" ? "was reset" : `broke (${code})`;
    const connected = `connected in ${inSeconds(this.#timing.seconds("connect", "tls"))}`;
    return new Unreachable(`${connected}, then the connection ${how}`, { stage: "request", cause: error });
  }
}
