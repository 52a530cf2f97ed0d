/** A PostgreSQL client: asks a few read-only questions over one connection, with a limit on what each may cost. */
import { Socket } from "node:net";
import { getCACertificates } from "node:tls";
import type { Client, ClientConfig } from "pg";
import type { Clock } from "../../core/clock.ts";
import { NotMeasured, Unreachable } from "../../core/errors.ts";
import type { Phases } from "../../core/sample.ts";
import type { Secret } from "../../core/secret.ts";
import { type Attempt, connectionError, ended } from "../lib/connection-error.ts";
import { secretAddress } from "../lib/secret-address.ts";
import { NoConnectionLeft, type Refusal } from "./database-refusals.ts";
import { sqlStateInWords } from "./error-codes.ts";
import { mostDatabaseBytes, SocketGuard } from "./guarded-socket.ts";
import { otherSignIn, PostgresGuard } from "./postgres-guard.ts";
import { types } from "./postgres-values.ts";

export const postgresUrl = () =>
  secretAddress(postgresAddress, "postgres://tidewatch:password@127.0.0.1:5432/mastodon");

function postgresAddress(text: string): URL | undefined {
  const url = URL.parse(text.trim());
  return url && /^postgres(?:ql)?:$/.test(url.protocol) ? url : undefined;
}

type Rows = readonly Readonly<Record<string, unknown>>[];

/** One question; a refused one leaves the others of its group their answers. */
export type Ask = (sql: string) => Promise<Rows | Refusal>;

export interface PostgresReader {
  /** Questions that belong together, in one read-only transaction with time limits. */
  group<T>(questions: (ask: Ask) => Promise<T>): Promise<T>;
}

/** A statement that takes longer is given up; a lock is hardly waited for at all. */
export const statementSeconds = 4;
const begin = `BEGIN READ ONLY; SET LOCAL statement_timeout = '${statementSeconds}s'; SET LOCAL lock_timeout = '250ms'`;

/** Opens, lets `use` ask, and closes, whatever happens. */
export async function withPostgres<T>(
  url: Secret,
  context: { readonly signal: AbortSignal; readonly clock: Clock; readonly ca?: Secret | undefined },
  use: (postgres: PostgresReader) => Promise<T>,
): Promise<{ readonly answer: T; readonly phases: Phases }> {
  const address = postgresAddress(url.reveal());
  if (!address)
    throw new NotMeasured("the address of PostgreSQL cannot be read: write postgres://user@host:5432/database");
  const { signal, clock } = context;
  signal.throwIfAborted();
  // Only what a configured check needs is loaded.
  const { default: pg } = await import("pg");
  const socket = new Socket();
  const client = new pg.Client({ ...connection(address, context.ca), types, stream: () => socket });
  const failed = guarded(client, socket);
  client.on("error", () => {});
  const stop = () => void socket.destroy();
  signal.addEventListener("abort", stop, { once: true });
  const started = clock.monotonicSeconds();
  let connectedAt: number | undefined;
  const attempt = (): Attempt => ({
    where: placeOf(address),
    connected: connectedAt !== undefined,
    phases: phasesOf(started, connectedAt, clock.monotonicSeconds()),
  });
  try {
    signal.throwIfAborted();
    await Promise.race([client.connect(), failed]);
    connectedAt = clock.monotonicSeconds();
    const answer = await Promise.race([use({ group: (questions) => group(client, questions) }), failed]);
    return { answer, phases: attempt().phases };
  } catch (error) {
    if (isOurs(error)) throw error;
    if (signal.aborted) throw ended(signal, attempt());
    if (error instanceof pg.DatabaseError) throw serverRefusal(error, attempt());
    throw clientRefusal(error, attempt()) ?? (isConnectionFault(error) ? connectionError(error, attempt()) : error);
  } finally {
    signal.removeEventListener("abort", stop);
    // A farewell, but no waiting for an answer to it.
    void client.end().catch(() => {});
    socket.destroySoon();
  }
}

/** On a connection that gets encrypted, the server says in clear only whether it does that; then pg takes another socket. */
function guarded({ ssl, connection }: Client, socket: Socket): Promise<never> {
  const socketGuard = new SocketGuard("PostgreSQL", mostDatabaseBytes);
  const guard = new PostgresGuard();
  const filter = (bytes: Uint8Array) => guard.filter(bytes);
  socketGuard.guard(socket, ssl ? (bytes) => [bytes] : filter);
  connection.once("sslconnect", () => {
    if (connection.stream instanceof Socket) socketGuard.guard(connection.stream, filter);
  });
  return socketGuard.failed;
}

const isOurs = (error: unknown): boolean =>
  error instanceof NotMeasured || error instanceof Unreachable || error instanceof NoConnectionLeft;

function connection(address: URL, ca: Secret | undefined): ClientConfig {
  const url = new URL(address);
  // pg means "check the certificate" by each of these and warns that it will not always; this says it plainly.
  if (/^(?:prefer|require|verify-ca)$/.test(url.searchParams.get("sslmode") ?? "")) {
    if (!url.searchParams.has("uselibpqcompat")) url.searchParams.set("sslmode", "verify-full");
  }
  if (ca) for (const name of ["sslmode", "sslrootcert", "uselibpqcompat"]) url.searchParams.delete(name);
  return {
    connectionString: url.href,
    application_name: "tidewatch",
    ...(ca && { ssl: { ca: [...getCACertificates("default"), ca.reveal()] } }),
  };
}

const placeOf = (url: URL): string => {
  const host = url.searchParams.get("host") ?? decodeURIComponent(url.hostname);
  return `${host || "localhost"}:${url.port || url.searchParams.get("port") || 5432}${url.pathname}`;
};

function phasesOf(started: number, connectedAt: number | undefined, now: number): Phases {
  const total = now - started;
  return connectedAt === undefined
    ? { total }
    : { connect: connectedAt - started, processing: now - connectedAt, total };
}

async function group<T>(client: Client, questions: (ask: Ask) => Promise<T>): Promise<T> {
  let open = false;
  const answers = await questions(async (sql) => {
    if (!open) await client.query(begin);
    open = true;
    try {
      const { rows } = await client.query<Record<string, unknown>>(sql);
      return rows;
    } catch (error) {
      const refusal = refusalOf(error);
      if (!refusal) throw error;
      // The transaction is spoilt; the next question gets a new one.
      await client.query("ROLLBACK");
      open = false;
      return refusal;
    }
  });
  if (open) await client.query("COMMIT");
  return answers;
}

/** Undefined when it is no refusal of one question, but the end of the connection. */
function refusalOf(error: unknown): Refusal | undefined {
  const code = sqlState(error);
  if (code === "42501") return "not allowed";
  if (code === "57014") return "too slow";
  if (code === "55P03") return "locked";
  return code === undefined || /^(?:08|57P)/.test(code) ? undefined : "failed";
}

function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || !("severity" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** What the server says instead of letting us in. Its own text is not passed on: it may quote names or settings. */
function serverRefusal(
  error: { readonly code?: string | undefined; readonly routine?: string | undefined },
  attempt: Attempt,
): Error {
  const { code = "", routine } = error;
  const evidence = `${attempt.where}: SQLSTATE ${code}`;
  if (code === "28P01") return new NotMeasured("PostgreSQL refused our user name or password", { evidence });
  if (code.startsWith("28"))
    return new NotMeasured("PostgreSQL does not let our user in: check the role and pg_hba.conf", { evidence });
  if (code === "3D000") return new NotMeasured("PostgreSQL has no database of this name", { evidence });
  if (code === "42501")
    return new NotMeasured("our role may not connect: GRANT CONNECT ON DATABASE … TO tidewatch", { evidence });
  if (code === "53300") {
    // Our role's or this database's own limit says nothing about the members' connections.
    return routine === "InitializeSessionUserId" || routine === "CheckMyDatabase"
      ? new NotMeasured("our role has no connection left: raise its CONNECTION LIMIT", { evidence })
      : new NoConnectionLeft();
  }
  const { phases } = attempt;
  if (code === "57P03")
    return new Unreachable("is starting up or shutting down", { stage: "protocol", phases, evidence });
  if (code.startsWith("57P"))
    return new Unreachable("ended our connection: it is shutting down", { stage: "request", phases, evidence });
  return new Unreachable(sqlStateInWords(code), { stage: "protocol", phases, evidence });
}

/** What pg itself gives up on, by what it says: it has no codes for these. */
function clientRefusal(error: unknown, { where }: Attempt): NotMeasured | undefined {
  const message = error instanceof Error ? error.message : "";
  if (/password must be a/.test(message)) {
    return new NotMeasured("PostgreSQL wants a password: put it into the address", { evidence: where });
  }
  if (/^SASL: Only mechanism/.test(message)) return new NotMeasured(otherSignIn, { evidence: where });
  if (/^SASL: .* iteration count \d+ exceeds/.test(message)) {
    return new NotMeasured("PostgreSQL asks for more work on our password than we do: lower scram_iterations", {
      evidence: where,
    });
  }
  if (/does not support SSL/.test(message)) {
    return new NotMeasured("PostgreSQL takes no encrypted connections: add ?sslmode=disable to the address", {
      evidence: where,
    });
  }
  return undefined;
}

/** From the network or from pg's reading of the protocol, in contrast to an accident of ours. */
const isConnectionFault = (error: unknown): boolean =>
  error instanceof Error &&
  ("code" in error ||
    error instanceof AggregateError ||
    /connection|ssl|sasl|server|authentication/i.test(error.message));
