/** Checks that all web servers share: the health page, slow answers, and whether documents agree on the version. */
import { z } from "zod";
import { webAddress } from "../../core/config/settings.ts";
import type { Localised } from "../../core/language.ts";
import type { HttpAnswer, ProbeContext } from "../../core/probe.ts";
import { certificateAuthority } from "../lib/certificate.ts";
import { isSlow, worksWithProblems } from "../lib/explanation.ts";
import { degradation, type Problem } from "../lib/problem.ts";
import { secondsSince } from "../lib/since.ts";
import { evidenceOf, refusalOf } from "./http-answer.ts";

/** Settings that all of them share. */
export const serverSettings = {
  url: webAddress().describe("Address of the server as members see it, without a path."),
  maxSeconds: z
    .number()
    .positive()
    .max(300)
    .prefault(5)
    .describe("An answer that takes longer than this many seconds makes the service degraded."),
  ca: certificateAuthority(),
};

/** The problem of a health page that should say `OK`; undefined when it does. */
export function healthProblem(answer: HttpAnswer, subject: Localised): Problem | undefined {
  if (answer.status === 200 && answer.text().trim() === "OK") return undefined;
  const refusal = refusalOf(answer, "the health page", subject, "document");
  if (refusal) return refusal;
  const said = answer.status === 200 ? "does not say OK" : `answered ${answer.status}`;
  return degradation(`the health page ${said}`, worksWithProblems(subject), evidenceOf(answer));
}

export function slowness(
  answer: HttpAnswer,
  asked: string,
  maxSeconds: number,
  subject: Localised,
): readonly Problem[] {
  const took = answer.phases.total ?? 0;
  if (took <= maxSeconds) return [];
  const reason = `${asked} took ${took.toFixed(1)} s, more than ${maxSeconds} s`;
  return [degradation(reason, isSlow(subject), evidenceOf(answer))];
}

/** "2.7.2 (compatible; Akkoma 3.13.2)": the first is the Mastodon whose API it speaks. */
const ownVersion = (version: string): string => /\(compatible; [^\s)]+ ([^\s)]+)/i.exec(version)?.[1] ?? version;

/** After an upgrade caches may tell the old version for half an hour; only what lasts longer is a fault. */
const tolerateSeconds = 2 * 3600;

/** Two documents of one server should name one version. */
export function disagreement(
  versions: { readonly instance: string | undefined; readonly nodeInfo: { readonly version: string } | undefined },
  subject: Localised,
  context: Pick<ProbeContext, "memory" | "clock">,
): readonly Problem[] {
  const { instance, nodeInfo } = versions;
  if (instance === undefined || nodeInfo === undefined) return [];
  const differ = ownVersion(instance) !== ownVersion(nodeInfo.version);
  if (secondsSince("versionsDifferSince", differ, context) < tolerateSeconds) return [];
  return [degradation(`says it is version ${instance}, NodeInfo says ${nodeInfo.version}`, worksWithProblems(subject))];
}

/** The fact which version runs; the label is bounded, whatever the server says. */
export function infoReading(metric: string, version: string | undefined) {
  const [known] = /^[\w.+~-]{1,64}/.exec(ownVersion(version ?? "")) ?? [];
  return known ? [{ metric, value: 1, labels: { version: known } }] : [];
}
