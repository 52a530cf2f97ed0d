/** A Redis client: asks a few bounded questions over one connection that is always closed again. */
import { isIP } from "node:net";
import { getCACertificates } from "node:tls";
import type { Redis, RedisOptions } from "ioredis";
import type { Clock } from "../../core/clock.ts";
import { NotMeasured, Unreachable } from "../../core/errors.ts";
import type { Phases } from "../../core/sample.ts";
import type { Secret } from "../../core/secret.ts";
import { type Attempt, connectionError, ended } from "../lib/connection-error.ts";
import { SocketGuard } from "./guarded-socket.ts";
import { type RedisAddress, redisAddress } from "./redis-address.ts";
import { RedisGuard } from "./redis-guard.ts";
import { primaryOf } from "./redis-sentinel.ts";

export type RedisCommand = readonly [name: string, ...args: (string | number)[]];

export interface RedisReader {
  /** One round trip. Throws `NotMeasured` or `Unreachable` at the first command that is refused. */
  ask(commands: readonly RedisCommand[]): Promise<readonly unknown[]>;
}

export interface RedisContext {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly ca?: Secret | undefined;
}

export interface RedisAnswer<T> {
  readonly answer: T;
  readonly phases: Phases;
}

/** Opens, lets `use` ask, and closes, whatever happens. */
export async function withRedis<T>(
  url: Secret,
  context: RedisContext,
  use: (redis: RedisReader) => Promise<T>,
): Promise<RedisAnswer<T>> {
  const address = redisAddress(url.reveal());
  if (!address) throw new NotMeasured("the address of Redis cannot be read: write redis://host:port/db");
  if (!address.sentinel) return visit(address, context, use);
  const primary = await primaryOf(address, address.sentinel, context.signal, async (node, command, signal) => {
    const { answer } = await visit(node, { ...context, signal }, (sentinel) => sentinel.ask([command]));
    return answer;
  });
  return visit(primary, context, use);
}

async function visit<T>(
  address: RedisAddress,
  { signal, clock, ca }: RedisContext,
  use: (redis: RedisReader) => Promise<T>,
): Promise<RedisAnswer<T>> {
  signal.throwIfAborted();
  const visit = new Visit(address, clock);
  // Only what a configured check needs is loaded.
  const { Redis } = await import("ioredis");
  const redis = new Redis(connectionOptions(address, ca));
  redis.on("error", visit.noteFault);
  const stop = () => redis.disconnect();
  signal.addEventListener("abort", stop, { once: true });
  try {
    signal.throwIfAborted();
    await redis.connect();
    visit.connected();
    const guard = new RedisGuard(address.path ?? `${address.host}:${address.port}`);
    const socketGuard = new SocketGuard("Redis");
    socketGuard.guard(redis.stream, (bytes) => guard.filter(bytes));
    const answer = await Promise.race([use(reader(redis, address, guard)), socketGuard.failed]);
    return { answer, phases: visit.phases() };
  } catch (error) {
    if (visit.turnedAway) throw turnedAway();
    if (error instanceof NotMeasured || error instanceof Unreachable) throw error;
    if (signal.aborted) throw ended(signal, visit.attempt());
    if (!isConnectionFault(error)) throw error;
    throw connectionError(visit.fault ?? error, visit.attempt());
  } finally {
    signal.removeEventListener("abort", stop);
    redis.disconnect();
  }
}

/** How far one visit got, and what broke it. */
class Visit {
  readonly #address: RedisAddress;
  readonly #clock: Clock;
  readonly #started: number;
  #connectedAt: number | undefined;
  fault: unknown;

  constructor(address: RedisAddress, clock: Clock) {
    this.#address = address;
    this.#clock = clock;
    this.#started = clock.monotonicSeconds();
  }

  connected(): void {
    this.#connectedAt = this.#clock.monotonicSeconds();
  }

  /** ioredis tells the cause of a broken connection here, and only "Connection is closed" to whoever waits. */
  noteFault = (error: unknown): void => {
    this.fault ??= error;
  };

  /** Said before we asked anything, so that ioredis takes it for an answer to nothing. */
  get turnedAway(): boolean {
    return this.fault instanceof Error && /\bDENIED Redis is running in protected mode\b/.test(this.fault.message);
  }

  phases(): Phases {
    const now = this.#clock.monotonicSeconds();
    const connectedAt = this.#connectedAt;
    const total = now - this.#started;
    return connectedAt === undefined
      ? { total }
      : { connect: connectedAt - this.#started, processing: now - connectedAt, total };
  }

  attempt(): Attempt {
    const { path, host, port } = this.#address;
    return {
      where: path ?? `${host}:${port}`,
      connected: this.#connectedAt !== undefined,
      phases: this.phases(),
    };
  }
}

function connectionOptions(
  address: RedisAddress,
  ca: Secret | undefined,
): RedisOptions & { readonly replyMapping?: "legacy" } {
  return {
    ...(address.path !== undefined ? { path: address.path } : {}),
    ...(address.host !== undefined && address.port !== undefined ? { host: address.host, port: address.port } : {}),
    ...(address.tls && {
      tls: {
        ...(address.host !== undefined && !isIP(address.host) && { servername: address.host }),
        ...(ca && { ca: [...getCACertificates("default"), ca.reveal()] }),
      },
    }),
    lazyConnect: true,
    // The signal is the real limit; these end what it should ever miss.
    connectTimeout: 60_000,
    commandTimeout: 60_000,
    maxRetriesPerRequest: 1,
    retryStrategy: null,
    enableOfflineQueue: false,
    autoResubscribe: false,
    // A server that does not close the connection is cut off.
    disconnectTimeout: 0,
    // A monitor needs no further rights than those of its questions: no INFO, HELLO or CLIENT.
    enableReadyCheck: false,
    disableClientInfo: true,
    protocol: 2,
  };
}

function reader(redis: Redis, { user, password, database }: RedisAddress, guard: RedisGuard): RedisReader {
  let introduced = false;
  return {
    async ask(commands) {
      // Sent in the same round trip as the first questions, and by us: its refusal is then an answer like any other.
      const introduction: RedisCommand[] = [];
      if (!introduced && password) introduction.push(user ? ["auth", user, password] : ["auth", password]);
      if (!introduced && database !== 0) introduction.push(["select", database]);
      introduced = true;
      const all = [...introduction, ...commands];
      guard.expect(all.length);
      const answers = (await redis.pipeline(all.map((command) => [...command])).exec()) ?? [];
      return answers
        .map(([error, value], index) => {
          const [command = ""] = all[index] ?? [];
          if (error && !isNeedlessPassword(error, command)) throw refusal(error, command);
          return value;
        })
        .slice(introduction.length);
    },
  };
}

/** What Redis says instead of an answer, by its first word. The rest of its text is not shown: it may quote us. */
function refusal(error: Error, command: string): Error {
  if (isConnectionFault(error)) return error;
  const [word = ""] = /^[A-Z]+/.exec(error.message) ?? [];
  if (word === "WRONGPASS" || (command === "auth" && word === "NOPERM")) {
    return new NotMeasured("Redis refused our user name or password");
  }
  if (word === "NOAUTH") return new NotMeasured("Redis wants a password: put it into the address");
  if (word === "NOPERM") return new NotMeasured(`our Redis user may not ask ${command.toUpperCase()}: extend its ACL`);
  if (word === "DENIED") return turnedAway();
  if (/^ERR max number of clients/.test(error.message)) {
    return new Unreachable("has no free connection left", { stage: "protocol" });
  }
  if (/^ERR unknown command\b/.test(error.message)) {
    return new NotMeasured(`this Redis does not know ${command.toUpperCase()}: was it renamed or taken out?`);
  }
  if (word === "WRONGTYPE") return new NotMeasured("this Redis holds something else: check the database number");
  if (command === "select") return new NotMeasured("Redis has no database of this number");
  if (word === "LOADING") return new Unreachable("is still loading its data", { stage: "protocol" });
  return new Unreachable(`answered with an error${word && ` (${word})`}`, { stage: "protocol" });
}

const turnedAway = () =>
  new NotMeasured("Redis is in protected mode and lets only its own machine in: give it a password, and us as well");

/** Redis wants no password at all, or is too old for user names; if it wants one, the next question is refused. */
const isNeedlessPassword = (error: Error, command: string): boolean =>
  command === "auth" && error.message.startsWith("ERR ");

/** No answer came, in contrast to an answer that refuses. ioredis gives these no class of their own. */
const isConnectionFault = (error: unknown): boolean =>
  error instanceof Error &&
  error.name !== "ReplyError" &&
  ("syscall" in error ||
    "code" in error ||
    error instanceof AggregateError ||
    /connection|closed|stream|timed out|retries/i.test(error.message));
