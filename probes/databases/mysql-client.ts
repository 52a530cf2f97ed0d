/**
 * A MySQL and MariaDB client: asks a few read-only questions over one connection, with a limit on what each may cost.
 */
import { Socket } from "node:net";
import { getCACertificates, TLSSocket } from "node:tls";
import type { Connection as Client, ConnectionOptions } from "mysql2";
import type { Connection } from "mysql2/promise";
import { z } from "zod";
import { errorCode } from "../../core/error-code.ts";
import { NotMeasured, Unreachable } from "../../core/errors.ts";
import type { Line, ProbeContext } from "../../core/probe.ts";
import type { Phases } from "../../core/sample.ts";
import type { Secret } from "../../core/secret.ts";
import { isCertificateFault } from "../lib/connection-error.ts";
import { secretAddress } from "../lib/secret-address.ts";
import { NoConnectionLeft, type Refusal } from "./database-refusals.ts";
import { mysqlErrorInWords } from "./error-codes.ts";
import { mostDatabaseBytes, SocketGuard } from "./guarded-socket.ts";
import { MysqlGuard } from "./mysql-guard.ts";
import { valueIn } from "./mysql-values.ts";

export const mysqlUrl = () => secretAddress(mysqlAddress, "mysql://tidewatch:password@127.0.0.1:3306");

function mysqlAddress(text: string): URL | undefined {
  const url = URL.parse(text.trim());
  return url && /^(?:mysql|mariadb):$/.test(url.protocol) && url.hostname !== "" ? url : undefined;
}

type Rows = readonly unknown[];

export interface MysqlReader {
  /** "10.11.19-MariaDB" */
  readonly version: string;
  readonly mariadb: boolean;
  ask(sql: string): Promise<Rows | Refusal>;
}

/** The rows of an answer, each of the shape that was asked for; or why there are none. */
export async function askRows<Row>(
  mysql: MysqlReader,
  sql: string,
  row: z.ZodType<Row>,
): Promise<readonly Row[] | Refusal> {
  const answer = await mysql.ask(sql);
  if (typeof answer === "string") return answer;
  return z.array(row).safeParse(answer).data ?? "failed";
}

/** A question that takes longer is given up; a lock is hardly waited for at all. */
export const questionSeconds = 4;

/** Opens, lets `use` ask, and closes, whatever happens. */
export async function withMysql<T>(
  url: Secret,
  { net, ca }: { readonly net: ProbeContext["net"]; readonly ca?: Secret | undefined },
  use: (mysql: MysqlReader) => Promise<T>,
): Promise<{ readonly answer: T; readonly phases: Phases }> {
  const address = mysqlAddress(url.reveal());
  if (!address) throw new NotMeasured("the address of MySQL cannot be read: write mysql://user@host:3306");
  // Only what a configured check needs is loaded.
  const { createConnection } = await import("mysql2");
  const to = { host: address.hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(address.port) || 3306 };
  return net.converse(to, async (line) => {
    // mysql2 names no server whose name is an address; Node takes it from here then, or else asks for "localhost".
    Reflect.set(line.socket, "_host", to.host);
    const settings = settingsOf(address, to, line, ca);
    const client = createConnection(settings);
    const failed = guarded(client, line.socket, settings.ssl !== undefined);
    client.on("error", () => {});
    // It would print each packet that is out of order, and there may be any number of them.
    client.on("warn", (warning: unknown) => {
      throw warning;
    });
    try {
      const answer = await Promise.race([letIn(client).then(prepared).then(use), failed]);
      const phases = line.phases();
      // Says goodbye, and does not wait for an answer.
      client.end(() => {});
      return { answer, phases };
    } catch (error) {
      throw explained(error, line);
    }
  });
}

/** On a connection that gets encrypted, the server says in clear only its greeting; then mysql2 takes another socket, and tells nobody. */
function guarded(client: Client, socket: Socket, encrypted: boolean): Promise<never> {
  const socketGuard = new SocketGuard("MySQL", mostDatabaseBytes);
  const listen = (stream: Socket, guard: MysqlGuard) => socketGuard.guard(stream, (bytes) => guard.filter(bytes));
  listen(socket, new MysqlGuard(encrypted ? { most: 1 } : {}));
  let now: unknown = socket;
  Object.defineProperty(client, "stream", {
    get: () => now,
    set(stream: unknown) {
      now = stream;
      if (stream instanceof Socket) listen(stream, new MysqlGuard({ greeted: true }));
    },
  });
  return socketGuard.failed;
}

function letIn(client: Client): Promise<Connection> {
  return new Promise((resolve, reject) => {
    client.connect((error) => (error ? reject(distrust(client) ?? unread(error)) : resolve(client.promise())));
  });
}

/** What is wrong with its certificate, in place of which mysql2 has one code for all that goes wrong there. */
function distrust(client: Client): NotMeasured | undefined {
  const stream: unknown = Reflect.get(client, "stream");
  const code = stream instanceof TLSSocket ? String(stream.authorizationError) : "";
  if (!isCertificateFault(code)) return undefined;
  return new NotMeasured(`its certificate is not trusted (${code}): give its authority as ca`);
}

async function understood<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw unread(error);
  }
}

/** What cannot be read breaks the client, in ways that have no code. */
function unread(error: unknown): unknown {
  if (error instanceof Error && /mysql_clear_password/.test(error.message)) {
    return new NotMeasured("MySQL wants our password in clear text: give our user another way to sign in");
  }
  const code = errorCode(error);
  if (code !== "" && !/^ERR_(?:OUT_OF|BUFFER)/.test(code)) return error;
  return new Unreachable("the answer is not MySQL", { stage: "protocol", cause: error });
}

function settingsOf(
  url: URL,
  { host, port }: { readonly host: string; readonly port: number },
  line: Line,
  ca: Secret | undefined,
): ConnectionOptions {
  const mode = (url.searchParams.get("ssl-mode") ?? url.searchParams.get("sslmode") ?? "").toUpperCase();
  const encrypted = ca !== undefined || /^(?:REQUIRED?|VERIFY[_-](?:CA|IDENTITY|FULL))$/.test(mode);
  const authorities = [...getCACertificates("default"), ...(ca ? [ca.reveal()] : [])].join("\n");
  return {
    host,
    port,
    stream: line.socket,
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    ...(url.pathname.length > 1 && { database: decodeURIComponent(url.pathname.slice(1)) }),
    ...(encrypted && { ssl: { ca: authorities, verifyIdentity: true } }),
    // The signal of the run is the only limit in time.
    connectTimeout: 0,
    typeCast: valueIn,
    // It would keep the program that it writes for the columns of each answer.
    disableEval: true,
    // Neither files of ours nor several statements at once, whatever a server asks for.
    flags: ["-LOCAL_FILES"],
    multipleStatements: false,
    connectAttributes: { program_name: "tidewatch" },
  };
}

async function prepared(connection: Connection): Promise<MysqlReader> {
  const [rows] = await understood(connection.query({ sql: "SELECT VERSION()", rowsAsArray: true }));
  const first: unknown = Array.isArray(rows) ? rows[0] : undefined;
  const version = Array.isArray(first) && typeof first[0] === "string" ? first[0] : "";
  const mariadb = /mariadb/i.test(version);
  const limit = mariadb ? `max_statement_time = ${questionSeconds}` : `max_execution_time = ${questionSeconds * 1000}`;
  // A server may set another character set (init_connect, skip-character-set-client-handshake), and we read UTF-8 only.
  await understood(connection.query("SET SESSION character_set_results = utf8mb4")).catch(unlessUnknown);
  await understood(connection.query("SET SESSION TRANSACTION READ ONLY"));
  await understood(connection.query("SET SESSION lock_wait_timeout = 1"));
  await understood(connection.query(`SET SESSION ${limit}`)).catch(unlessUnknown);
  return { version, mariadb, ask: (sql) => ask(connection, sql) };
}

/**
 * MySQL before 5.7.8 and some relatives have no limit to set: our own time limit then ends a question. One before 5.5.3
 * has no utf8mb4.
 */
function unlessUnknown(error: unknown): void {
  const [variable, characterSet] = [1193, 1115];
  const number = numberOf(error);
  if (number !== variable && number !== characterSet) throw error;
}

async function ask(connection: Connection, sql: string): Promise<Rows | Refusal> {
  try {
    const [rows] = await understood(connection.query(sql));
    return Array.isArray(rows) ? rows : [];
  } catch (error) {
    const refusal = refusalOf(numberOf(error));
    if (!refusal) throw error;
    return refusal;
  }
}

/** Undefined when it is no refusal of one question, but the end of the connection. */
function refusalOf(number: number): Refusal | undefined {
  if ([1044, 1045, 1142, 1143, 1227, 1370].includes(number)) return "not allowed";
  // 1969 and 3024: over the limit of MariaDB and of MySQL.
  if (number === 1969 || number === 3024 || number === 1317) return "too slow";
  if (number === 1205 || number === 1213) return "locked";
  // 1053, 1927, 3169, 4031: the server ends the connection.
  return number === 0 || [1053, 1152, 1927, 3169, 4031].includes(number) ? undefined : "failed";
}

/** The server's own number of an error; 0 when the error is none of the server's. */
function numberOf(error: unknown): number {
  const known = typeof error === "object" && error !== null && "errno" in error && "sqlState" in error;
  return known && typeof error.errno === "number" ? error.errno : 0;
}

/** What the server says instead of letting us in. Its own text is not passed on: it may quote names or settings. */
function explained(error: unknown, line: Line): unknown {
  if (error instanceof NotMeasured || error instanceof Unreachable || error instanceof NoConnectionLeft) return error;
  const number = numberOf(error);
  const phases = line.phases();
  if (number === 0) return clientFailure(error, phases);
  const evidence = `MySQL error ${number}`;
  switch (number) {
    case 1040:
      return new NoConnectionLeft();
    case 1045:
    case 1698:
      return new NotMeasured("MySQL refused our user name or password", { evidence });
    case 1044:
      return new NotMeasured("our user may not use this database: leave it out of the address", { evidence });
    case 1049:
      return new NotMeasured("MySQL has no database of this name: leave it out of the address", { evidence });
    case 1130:
      return new NotMeasured("MySQL takes no connections from our address: create the user for this host", {
        evidence,
      });
    case 1129:
      return new NotMeasured("MySQL blocked our address after too many errors: mariadb-admin flush-hosts", {
        evidence,
      });
    case 1203:
    case 1226:
      return new NotMeasured("our user has no connection left: raise its MAX_USER_CONNECTIONS", { evidence });
    case 3118:
    case 4151:
      return new NotMeasured("MySQL has locked our user: ALTER USER … ACCOUNT UNLOCK", { evidence });
    case 1820:
    case 1862:
      return new NotMeasured("the password of our user has expired: give it a new one, and PASSWORD EXPIRE NEVER", {
        evidence,
      });
    case 1251:
    case 1524:
      return new NotMeasured(otherSignIn, { evidence });
    default:
      return new Unreachable(mysqlErrorInWords(number), { stage: "protocol", phases, evidence });
  }
}

const otherSignIn = "MySQL wants our user to sign in in a way that we or it do not know: use a password";

/** From the client library or the network, in contrast to an accident of ours. */
function clientFailure(error: unknown, phases: Phases): unknown {
  const code = errorCode(error);
  if (code === "HANDSHAKE_NO_SSL_SUPPORT") {
    return new NotMeasured("MySQL takes no encrypted connections: take ssl-mode and ca out");
  }
  if (/^(?:AUTH_SWITCH_PLUGIN_ERROR|ER_NOT_SUPPORTED_AUTH)/.test(code)) {
    return new NotMeasured(otherSignIn);
  }
  if (/^(?:PROTOCOL_|HANDSHAKE_|ECONNRESET|EPIPE|ERR_SSL|ERR_TLS|EPROTO)/.test(code)) {
    return new Unreachable(`connected, then the connection broke (${code.slice(0, 60)})`, {
      stage: "request",
      phases,
      cause: error,
    });
  }
  return error;
}
