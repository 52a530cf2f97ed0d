/** Anchors for a first configuration: places of different owners that usually answer, as far as they do so from here. */
import { openResolver } from "../collector/network/dns-resolver.ts";
import { openHttp } from "../collector/network/http-client.ts";
import { Witnesses } from "../collector/probing/witnesses.ts";
import { systemClock } from "./system-clock.ts";

/** Name servers of CIRA and of Quad9, which are not for profit, and a government's website. */
const usual: readonly string[] = ["149.112.121.10:53", "https://www.canada.ca", "9.9.9.9:53"];

export async function answeringAnchors(candidates = usual): Promise<readonly string[]> {
  const http = openHttp({ userAgent: "Tidewatch" });
  const parts = { http, resolver: openResolver(), clock: systemClock, holdsSeconds: 0, timeoutSeconds: 3 };
  const witnesses = new Witnesses(parts);
  const silences = await Promise.all(
    candidates.map((address) => witnesses.silence([{ kind: "anchor", address }], 1, undefined)),
  );
  return candidates.filter((_, index) => silences[index] === undefined);
}
