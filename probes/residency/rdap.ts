/**
 * RDAP (RFC 9083, the successor of whois): the registries' own word on an IP address, asked rarely and cached for
 * days.
 */
import { z } from "zod";
import { Unreachable } from "../../core/errors.ts";
import type { HttpAnswer, ProbeContext } from "../../core/probe.ts";
import { type Place, readCountry, readOwner } from "./ip-location.ts";

export interface RdapSettings {
  readonly url: string;
  readonly keepForSeconds: number;
}

interface Said extends Pick<Place, "country" | "owner"> {
  /** Why it says nothing. */
  readonly failure?: string;
}

/** Registries turn away whoever asks often. */
const questionsPerRun = 20;
/** One that did not answer is left alone for a while. */
const retrySeconds = 3600;
/** An old answer is better than none: networks rarely move. */
const oldAnswers = 4;

class Answer {
  readonly said: Said;
  readonly atSeconds: number;
  /** Not to be asked again before. */
  readonly untilSeconds: number;

  constructor(said: Said, atSeconds: number, untilSeconds: number) {
    this.said = said;
    this.atSeconds = atSeconds;
    this.untilSeconds = untilSeconds;
  }
}

const nothing = { country: undefined, owner: undefined };
const nameOf = (address: string) => `rdap ${address}`;

export class Rdap {
  readonly #settings: RdapSettings;
  readonly #context: ProbeContext;
  #left = questionsPerRun;

  constructor(settings: RdapSettings, context: ProbeContext) {
    this.#settings = settings;
    this.#context = context;
  }

  async look(address: string): Promise<Said> {
    const { memory, clock } = this.#context;
    const before = memory.get(nameOf(address));
    const known = before instanceof Answer ? before : undefined;
    if (known && clock.monotonicSeconds() < known.untilSeconds) return known.said;
    if (this.#left === 0) return known?.said ?? { ...nothing, failure: "not asked yet: too many addresses at once" };
    this.#left--;
    const answer = this.#remembered(await this.#ask(address), known);
    memory.set(nameOf(address), answer);
    return answer.said;
  }

  /** What is asked no more needs no place. */
  forgetAllBut(addresses: ReadonlySet<string>): void {
    const { memory } = this.#context;
    for (const [name, value] of memory) {
      if (value instanceof Answer && !addresses.has(name.slice(nameOf("").length))) memory.delete(name);
    }
  }

  #remembered(said: Said, known: Answer | undefined): Answer {
    const now = this.#context.clock.monotonicSeconds();
    const { keepForSeconds } = this.#settings;
    if (said.failure === undefined) return new Answer(said, now, now + keepForSeconds);
    const still = known && known.said.failure === undefined && now - known.atSeconds < keepForSeconds * oldAnswers;
    return still
      ? new Answer(known.said, known.atSeconds, now + retrySeconds)
      : new Answer(said, now, now + retrySeconds);
  }

  async #ask(address: string): Promise<Said> {
    const { http, signal } = this.#context;
    const url = `${this.#settings.url.replace(/\/+$/, "")}/ip/${address}`;
    try {
      const headers = { accept: "application/rdap+json, application/json" };
      // The registry that is asked first knows which one is responsible, and leads there.
      const answer = await http.get(url, { headers, followRedirects: 4, maxBodyBytes: 500_000 });
      return readAnswer(answer);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Unreachable) return { ...nothing, failure: error.message };
      throw error;
    }
  }
}

const Entity = z.object({
  roles: z.array(z.string()).catch([]),
  vcardArray: z
    .tuple([z.unknown(), z.array(z.array(z.unknown())).max(200)])
    .optional()
    .catch(undefined),
});
const IpNetwork = z.object({
  objectClassName: z.literal("ip network"),
  country: z.string().optional().catch(undefined),
  name: z.string().optional().catch(undefined),
  entities: z
    .array(Entity.catch({ roles: [], vcardArray: undefined }))
    .max(200)
    .catch([]),
});
type Network = z.output<typeof IpNetwork>;

function readAnswer(answer: HttpAnswer): Said {
  if (answer.status !== 200) return { ...nothing, failure: `answered ${answer.status}` };
  const network = answer.json(IpNetwork);
  if (!network) return { ...nothing, failure: "the answer describes no network" };
  const holder = network.entities.find(({ roles }) => roles.includes("registrant"));
  return {
    country: readCountry(network.country) ?? readCountry(countryOf(holder)),
    owner: readOwner(property(holder, "fn")?.[3]) ?? readOwner(network.name),
  };
}

type Holder = Network["entities"][number] | undefined;

const property = (holder: Holder, name: string) => holder?.vcardArray?.[1].find(([found]) => found === name);

const Address = z.object({ cc: z.string().optional().catch(undefined), label: z.string().optional().catch(undefined) });

/**
 * RFC 8605: the code stands as `cc` beside the address. ARIN, whose networks the Canadian ones are, gives neither that nor
 * `country`, only the address as it would be written on a letter (RFC 7095, 3.3.1.3), which ends with the country.
 */
function countryOf(holder: Holder): string | undefined {
  const { cc, label } = Address.catch({}).parse(property(holder, "adr")?.[1]);
  return (
    cc ??
    countryNamed(
      label
        ?.trim()
        .split(/\s*\n\s*/)
        .at(-1),
    )
  );
}

const names = new Intl.DisplayNames("en", { type: "region", fallback: "none" });
const letters = Array.from({ length: 26 }, (_, index) => String.fromCharCode(65 + index));
/** "canada" to "CA". */
const codes = new Map(
  letters
    .flatMap((first) => letters.map((second) => first + second))
    .flatMap((code): [string, string][] => {
      const name = names.of(code);
      return name === undefined ? [] : [[name.toLowerCase(), code]];
    }),
);

const countryNamed = (name: string | undefined): string | undefined => codes.get(name?.toLowerCase() ?? "");
