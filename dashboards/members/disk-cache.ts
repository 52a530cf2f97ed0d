/** The disk cache of the pages: the last good ones as plain files, for a restart, and for another web server when we are down. */
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Language } from "../../core/language.ts";
import type { Log } from "../../core/log.ts";

interface SavedPage {
  readonly address: string;
  readonly language: Language;
  readonly page: Uint8Array;
}

export class DiskCache {
  readonly #directory: string;
  readonly #log: Log;
  #fails = false;

  constructor(directory: string, log: Log) {
    this.#directory = directory;
    this.#log = log;
  }

  /** Nothing when there is none, or only a part of one. */
  async read(address: string, language: Language): Promise<string | undefined> {
    try {
      const page = await readFile(this.#file(address, language), "utf8");
      return page.startsWith("<!doctype html>") && page.endsWith("</html>\n") ? page : undefined;
    } catch {
      return undefined;
    }
  }

  /** A full disk is no reason to show nothing: it is logged once, and tried again the next time. */
  async write(pages: readonly SavedPage[]): Promise<void> {
    try {
      for (const { address, language, page } of pages) await replaceFile(this.#file(address, language), page);
      this.#fails = false;
    } catch (error) {
      if (!this.#fails) this.#log.warn("the public pages cannot be kept on disk", { error });
      this.#fails = true;
    }
  }

  #file(address: string, language: Language): string {
    return join(this.#directory, `${address === "/" ? "status" : address.slice(1)}.${language}.html`);
  }
}

/** Readers see the old page or the new one, never half of one, also after a power cut. */
async function replaceFile(file: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${file}.${randomUUID()}.new`;
  await mkdir(dirname(file), { recursive: true });
  try {
    await writeFile(temporary, bytes, { flush: true });
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}
