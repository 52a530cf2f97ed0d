/**
 * The domain of the handles (LOCAL_DOMAIN), where it differs from the pages' domain: does WebFinger find accounts
 * there?
 */
import { isIP } from "node:net";
import type { Localised } from "../../core/language.ts";
import type { HttpAnswer, ProbeContext } from "../../core/probe.ts";
import { cached } from "../lib/cached.ts";
import type { PartialFinding, Problem } from "../lib/problem.ts";
import { nodeInfoLeadsElsewhere } from "./nodeinfo.ts";
import { type Handle, lookUp, type WebFinger } from "./webfinger.ts";

interface LocalDomain {
  /** An account on it that is there. */
  readonly named: Handle;
  /** Where the pages and accounts are. */
  readonly web: URL;
  /** The answer that named the domain. */
  readonly namedBy: Pick<HttpAnswer, "address">;
  /** The account is looked up there in every run anyway. */
  readonly lookedUp: boolean;
}

/** Other servers keep what they learnt for days, so once an hour is enough; a fault is looked at again in every run. */
const askAgainSeconds = 3600;

export async function askLocalDomain(
  { named, web, namedBy, lookedUp }: LocalDomain,
  subject: Localised,
  context: ProbeContext,
): Promise<PartialFinding> {
  const { domain } = named;
  const { hostname } = new URL(`https://${domain}`);
  // Handles are on names: an address in their place is a mistake or a trap.
  if (domain === web.host || isIP(hostname.replace(/^\[|\]$/g, "")) !== 0) return nothing;
  return await cached("localDomain", { everySeconds: askAgainSeconds, about: domain }, context, async () => {
    const [found, misleads] = await Promise.all([
      lookedUp ? undefined : lookUp(named, web, subject, context, { fresh: true, namedBy }),
      nodeInfoLeadsElsewhere(domain, web, namedBy, context),
    ]);
    const there = found ? webFingerThere(found, domain, context) : nothing;
    return { ...there, problems: [...there.problems, ...(misleads ? [misleads] : [])] };
  });
}

const nothing: PartialFinding = { problems: [] };

/** A domain that we never reached may be reached by others; one that we did reach is gone. */
function webFingerThere({ problems, noAnswer }: WebFinger, domain: string, { memory }: ProbeContext): PartialFinding {
  const there = (problem: Problem): Problem => ({ ...problem, reason: `on ${domain}: ${problem.reason}` });
  if (!noAnswer) memory.set("localDomainReached", domain);
  if (!noAnswer || memory.get("localDomainReached") === domain) return { problems: problems.map(there) };
  const [reason = "no answer"] = problems.map((problem) => problem.reason);
  return { problems: [], note: `could not ask the domain of the handles (${reason})` };
}
