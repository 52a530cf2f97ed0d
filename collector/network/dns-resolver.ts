/**
 * Resolves names to IP addresses: DNS through c-ares, /etc/hosts and `localhost` read by ourselves, getaddrinfo as a
 * last resort.
 */
import { lookup, Resolver } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { isIP, isIPv6 } from "node:net";
import { performance } from "node:perf_hooks";
import { orAborted } from "../../core/deadline.ts";
import { codeOrName } from "../../core/error-code.ts";
import { Unreachable } from "../../core/errors.ts";
import { plainText } from "../../core/plain-text.ts";

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

export interface NameResolver {
  /** At least one address; throws `Unreachable` when there is none, or the signal's reason. */
  addresses(
    host: string,
    wanted: { readonly family?: 4 | 6 | undefined; readonly signal: AbortSignal },
  ): Promise<readonly Address[]>;
}

export interface ResolverSettings {
  /** DNS servers to ask, "192.0.2.53" or "[2001:db8::53]:5353". Default: the system's. */
  readonly servers?: readonly string[] | undefined;
  /** File with fixed names. */
  readonly hostsFile?: string;
}

/** RFC 8305: how long the addresses of IPv6 may take once those of IPv4 are there. */
const lateIPv6Ms = 50;
/** The other way round: one question that is asked again. Where IPv6 leads nowhere, IPv4 is the only way. */
const lateIPv4Ms = 2000;
/** /etc/hosts and /etc/resolv.conf may change while we run. */
const rereadAfterMs = 30_000;

export function openResolver({ servers, hostsFile = "/etc/hosts" }: ResolverSettings = {}): NameResolver {
  const hosts = renewed(() => readHosts(hostsFile));
  const resolver = renewed(() => {
    const fresh = new Resolver({ timeout: 1500, tries: 4, maxTimeout: 3000 });
    if (servers && servers.length > 0) fresh.setServers([...servers]);
    return fresh;
  });
  // A wrong address of a server is reported here, not at the first check.
  resolver();
  const systemToo = !servers || servers.length === 0;

  return {
    async addresses(host, { family, signal }) {
      const bare = host.replace(/^\[(.*)\]$/, "$1");
      const name = bare.replace(/\.$/, "").toLowerCase();
      const fixed = literal(bare) ?? loopback(name) ?? hosts().get(name);
      const found = fixed ?? (await ask(resolver(), name, { family, systemToo, signal }));
      const fitting = found.filter((one) => family === undefined || one.family === family);
      if (fitting.length > 0) return fitting;
      throw new Unreachable(`${shown(name)} has no IPv${family} address`, { stage: "resolve" });
    },
  };
}

async function ask(
  resolver: Resolver,
  name: string,
  { family, systemToo, signal }: { family: 4 | 6 | undefined; systemToo: boolean; signal: AbortSignal },
): Promise<readonly Address[]> {
  const questions = [
    ...(family === 4 ? [] : [answerOf(resolver.resolve6(name), 6)]),
    ...(family === 6 ? [] : [answerOf(resolver.resolve4(name), 4)]),
  ];
  const answers = await orAborted(firstUseful(questions), signal);
  // RFC 8305: IPv6 first where there is a choice.
  const found = answers.flatMap((answer) => answer.addresses).toSorted((a, b) => b.family - a.family);
  if (found.length > 0) return found;
  const codes = answers.map((answer) => answer.code);
  const asked = codes.find((code) => code !== "ENODATA") ?? "ENODATA";
  if (systemToo && (asked === "ENOTFOUND" || asked === "ECONNREFUSED")) {
    const system = await orAborted(
      lookup(name, { all: true }).catch(() => []),
      signal,
    );
    if (system.length > 0) return system.map(({ address }) => ({ address, family: isIPv6(address) ? 6 : 4 }));
  }
  throw new Unreachable(sentence(name, asked, family), {
    stage: "resolve",
    evidence: `DNS answered ${codes.join(", ")}`,
    cause: Object.assign(new Error(asked), { code: asked }),
  });
}

interface Answer {
  readonly family: 4 | 6;
  readonly addresses: readonly Address[];
  readonly code: string;
}

async function answerOf(question: Promise<string[]>, family: 4 | 6): Promise<Answer> {
  try {
    return { family, addresses: (await question).map((address) => ({ address, family })), code: "NOERROR" };
  } catch (error) {
    return { family, addresses: [], code: codeOrName(error) };
  }
}

/** All answers, or what is there some time after the first one with addresses: a broken AAAA server delays nobody. */
function firstUseful(questions: readonly Promise<Answer>[]): Promise<readonly Answer[]> {
  return new Promise((resolve) => {
    const answers: Answer[] = [];
    let timer: NodeJS.Timeout | undefined;
    for (const question of questions) {
      question.then((answer) => {
        answers.push(answer);
        if (answers.length === questions.length) {
          clearTimeout(timer);
          resolve(answers);
        } else if (answer.addresses.length > 0) {
          timer = setTimeout(() => resolve(answers), answer.family === 4 ? lateIPv6Ms : lateIPv4Ms);
        }
      });
    }
  });
}

function sentence(name: string, code: string, family: 4 | 6 | undefined): string {
  const who = shown(name);
  if (code === "ENOTFOUND") return `name ${who} does not exist`;
  if (code === "ENODATA") return `name ${who} has no ${family ? `IPv${family} ` : ""}address`;
  if (code === "ETIMEOUT") return `no name server answered for ${who}`;
  if (code === "ESERVFAIL") return `the name servers of ${who} are failing (SERVFAIL)`;
  if (code === "ECONNREFUSED") return `no name server could be asked for ${who}`;
  if (code === "EBADNAME") return `${who} is not a name that can exist`;
  return `no address for ${who} (${code})`;
}

const shown = (name: string) => plainText(name, 100);

function literal(bare: string): readonly Address[] | undefined {
  const family = isIP(bare.replace(/%.*$/, ""));
  return family === 4 || family === 6 ? [{ address: bare, family }] : undefined;
}

/** RFC 6761: names that never leave this machine, in both families whatever /etc/hosts has. */
function loopback(name: string): readonly Address[] | undefined {
  if (name !== "localhost" && !name.endsWith(".localhost")) return undefined;
  return [
    { address: "127.0.0.1", family: 4 },
    { address: "::1", family: 6 },
  ];
}

function readHosts(file: string): ReadonlyMap<string, readonly Address[]> {
  const hosts = new Map<string, Address[]>();
  for (const line of readOrNothing(file).split("\n")) {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    for (const one of literal(address) ?? []) {
      for (const name of names) hosts.set(name.toLowerCase(), [...(hosts.get(name.toLowerCase()) ?? []), one]);
    }
  }
  return hosts;
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function renewed<T>(make: () => T): () => T {
  let made: { readonly value: T; readonly at: number } | undefined;
  return () => {
    const now = performance.now();
    if (!made || now - made.at > rereadAfterMs) made = { value: make(), at: now };
    return made.value;
  };
}
