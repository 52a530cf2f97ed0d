/**
 * Reads the address of a Redis (redis://, rediss://, a Unix socket, sentinels) into host, user, password and database
 * number.
 */
import { secretAddress } from "../lib/secret-address.ts";

export interface RedisAddress {
  readonly host?: string;
  readonly port?: number;
  /** Of a unix socket, in place of host and port. */
  readonly path?: string;
  readonly tls: boolean;
  readonly user: string;
  readonly password: string;
  readonly database: number;
  /** Who knows which server is the primary now, in place of host and port. */
  readonly sentinel?: SentinelGroup;
}

export interface SentinelGroup {
  /** The name that the sentinels have for the primary: `mymaster`. */
  readonly primary: string;
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** For the sentinels themselves, which often want none. */
  readonly user: string;
  readonly password: string;
}

export const redisUrl = () =>
  secretAddress(
    redisAddress,
    "redis://:password@127.0.0.1:6379/0, rediss://…, unix:///run/redis.sock or redis-sentinel://:password@host:26379,host:26379/0?master=mymaster",
  );

/** What the forms of an address look like, for the descriptions of settings. */
export const redisUrlForms =
  "as a secret: `redis://user:password@127.0.0.1:6379/0`, `rediss://…` for TLS, `unix:///run/redis/redis.sock?db=0`, or `redis-sentinel://user:password@one:26379,two:26379/0?master=mymaster` (`rediss-sentinel://…` for TLS)";

export function redisAddress(text: string): RedisAddress | undefined {
  const address = text.trim();
  if (address.startsWith("unix:")) return socketAddress(address);
  return /^rediss?-sentinel:/.test(address) ? sentinelAddress(address) : serverAddress(address);
}

function serverAddress(text: string): RedisAddress | undefined {
  const url = URL.parse(text);
  const tls = url?.protocol === "rediss:";
  if (!url?.hostname || (!tls && url.protocol !== "redis:")) return undefined;
  const login = loginOf(url.username, url.password);
  const database = databaseNumber(url.pathname.slice(1));
  if (!login || database === undefined) return undefined;
  return { host: bare(url.hostname), port: url.port ? Number(url.port) : 6379, tls, ...login, database };
}

const socketForm = /^unix:(?:\/\/)?(?:(?<login>[^@/?#]*)@)?(?<path>\/[^/?#][^?#]*)(?:\?(?<query>.*))?$/;

function socketAddress(text: string): RedisAddress | undefined {
  const { login: written, path: encoded = "", query } = socketForm.exec(text)?.groups ?? {};
  const path = plainly(encoded);
  const login = writtenLogin(written);
  const database = databaseNumber(new URLSearchParams(query).get("db") ?? "");
  return path && login && database !== undefined ? { path, tls: false, ...login, database } : undefined;
}

const sentinelForm =
  /^redis(?<tls>s?)-sentinel:\/\/(?:(?<login>[^@/?#]*)@)?(?<nodes>[^@/?#]+)(?:\/(?<database>[^?#]*))?\?(?<query>.*)$/;

function sentinelAddress(text: string): RedisAddress | undefined {
  const { tls, login: written, nodes = "", database: number = "", query } = sentinelForm.exec(text)?.groups ?? {};
  const settings = new URLSearchParams(query);
  const primary = settings.get("master");
  const login = writtenLogin(written);
  const database = databaseNumber(number);
  const group = nodes.split(",").map((node) => URL.parse(`redis://${node}`));
  if (!primary || !login || database === undefined || !group.every((node) => node?.hostname)) return undefined;
  return {
    tls: tls === "s",
    ...login,
    database,
    sentinel: {
      primary,
      nodes: group.flatMap((node) =>
        node ? [{ host: bare(node.hostname), port: node.port ? Number(node.port) : 26379 }] : [],
      ),
      user: settings.get("sentinelUser") ?? "",
      password: settings.get("sentinelPassword") ?? "",
    },
  };
}

function writtenLogin(login = ""): { readonly user: string; readonly password: string } | undefined {
  const colon = login.indexOf(":");
  return colon < 0 ? loginOf(login, "") : loginOf(login.slice(0, colon), login.slice(colon + 1));
}

function loginOf(encodedUser: string, encodedPassword: string) {
  const [user, password] = [plainly(encodedUser), plainly(encodedPassword)];
  return user === undefined || password === undefined ? undefined : { user, password };
}

const bare = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, "$1");

const databaseNumber = (text: string): number | undefined => (/^\d{0,5}$/.test(text) ? Number(text || "0") : undefined);

function plainly(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}
