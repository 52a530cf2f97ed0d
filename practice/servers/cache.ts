/** A cache folder for programs that tests and practice download once: unpacked, verified, moved into place. */
import { access, chmod, constants, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { Refused } from "../../core/errors.ts";
import { serverUser } from "./process.ts";

/** TIDEWATCH_CACHE, else where the system expects caches: root's home is closed to those whom servers run as. */
export async function cacheFolder(environment: NodeJS.ProcessEnv = process.env): Promise<string> {
  const { TIDEWATCH_CACHE: chosen, XDG_CACHE_HOME: xdg } = environment;
  const usual = [serverUser() && "/var/cache", xdg || join(homedir(), ".cache")].filter((base) => base !== undefined);
  for (const folder of chosen ? [chosen] : usual.map((base) => join(base, "tidewatch"))) {
    try {
      if (await mkdir(folder, { recursive: true })) await chmod(folder, 0o755);
      await access(folder, constants.W_OK);
      return folder;
    } catch {
      // The next one may be writable.
    }
  }
  throw new Refused(
    `There is no folder for downloaded programs that we may write to${chosen ? `: ${chosen} is not` : ""}.`,
    "Set TIDEWATCH_CACHE to a folder that can be written.",
  );
}

/**
 * Prepares `name` in the cache unless it is there already. Two at once are no danger: each works in a folder of its
 * own, and the first to finish is used by both.
 * @param works says whether a prepared folder is usable; it is asked before anything is moved into place.
 */
export async function prepared(
  name: string,
  prepare: (folder: string) => Promise<void>,
  works: (folder: string) => Promise<boolean>,
): Promise<string | undefined> {
  const cache = await cacheFolder();
  const place = join(cache, name);
  if (await works(place)) return place;
  const draft = await mkdtemp(join(cache, `${name}.draft-`));
  try {
    await chmod(draft, 0o755);
    await prepare(draft);
    if (!(await works(draft))) return undefined;
    return await moveIntoPlace(draft, place, works);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function moveIntoPlace(
  draft: string,
  place: string,
  works: (folder: string) => Promise<boolean>,
): Promise<string | undefined> {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await rename(draft, place);
      return place;
    } catch {
      // Somebody was first, or what stands there is broken: take theirs or clear it away.
      if (await works(place)) return place;
      await rm(place, { recursive: true, force: true });
    }
  }
  return undefined;
}
