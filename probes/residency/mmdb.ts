/** A local MMDB file (GeoIP, by MaxMind and others): countries and owners of IP addresses. */
import { stat } from "node:fs/promises";
import { z } from "zod";
import { errorCode } from "../../core/error-code.ts";
import { NotMeasured } from "../../core/errors.ts";
import { type Place, readCountry, readOwner } from "./ip-location.ts";

/** Whatever one maker leaves out or writes differently is no fault. */
const Code = z.union([z.string(), z.object({ iso_code: z.string() }).transform((found) => found.iso_code)]);
const Row = z.object({
  country: Code.optional().catch(undefined),
  country_code: Code.optional().catch(undefined),
  autonomous_system_organization: z.string().optional().catch(undefined),
  as_name: z.string().optional().catch(undefined),
  traits: z
    .object({
      autonomous_system_organization: z.string().optional().catch(undefined),
      organization: z.string().optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
});

/** A file as it was when it was read; a newer one in its place is read anew. */
class Opened {
  readonly version: string;
  readonly get: (address: string) => unknown;

  constructor(version: string, get: (address: string) => unknown) {
    this.version = version;
    this.get = get;
  }
}

export type Database = (address: string) => Omit<Place, "sources">;

/** @param memory of the check: a file is read once. */
export async function openDatabase(path: string, memory: Map<string, unknown>): Promise<Database> {
  const opened = await read(path, memory);
  return (address) => {
    const row = Row.safeParse(lookUp(opened, address, path));
    if (!row.success) return { country: undefined, owner: undefined };
    const { country, country_code, as_name, autonomous_system_organization: organisation, traits } = row.data;
    return {
      country: readCountry(country_code) ?? readCountry(country),
      owner: readOwner(
        organisation ?? as_name ?? traits?.organization ?? traits?.autonomous_system_organization ?? undefined,
      ),
    };
  };
}

async function read(path: string, memory: Map<string, unknown>): Promise<Opened> {
  const name = `database ${path}`;
  try {
    const { mtimeMs, size } = await stat(path);
    const version = `${mtimeMs} ${size}`;
    const before = memory.get(name);
    if (before instanceof Opened && before.version === version) return before;
    const { open } = await import("maxmind");
    const reader = await open(path);
    const opened = new Opened(version, (address) => reader.get(address));
    memory.set(name, opened);
    return opened;
  } catch (error) {
    throw new NotMeasured(faultOf(path, errorCode(error)), { evidence: error instanceof Error ? error.message : "" });
  }
}

/** A damaged file is noticed only when something is looked up in it. */
function lookUp(opened: Opened, address: string, path: string): unknown {
  try {
    return opened.get(address);
  } catch (error) {
    throw new NotMeasured(faultOf(path, ""), { evidence: error instanceof Error ? error.message : "" });
  }
}

function faultOf(path: string, code: string): string {
  if (code === "ENOENT" || code === "ENOTDIR") return `there is no file ${path}: check the path`;
  if (code === "EACCES") return `we may not read ${path}: give our user the right to`;
  return code ? `${path} cannot be read (${code})` : `${path} is not a sound MMDB file: fetch it anew`;
}
