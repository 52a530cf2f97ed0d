/** Redis Sentinel: asks all sentinels at once which server is the primary now, and takes the first answer. */
import { z } from "zod";
import { NotMeasured, Unreachable } from "../../core/errors.ts";
import type { RedisAddress, SentinelGroup } from "./redis-address.ts";

/** Sends one command over a connection of its own; resolves with what was answered to each. */
type Ask = (node: RedisAddress, command: readonly [string, ...string[]], signal: AbortSignal) => Promise<unknown>;

export async function primaryOf(
  { tls, user, password, database }: RedisAddress,
  { primary, nodes, ...login }: SentinelGroup,
  signal: AbortSignal,
  ask: Ask,
): Promise<RedisAddress> {
  const answered = new AbortController();
  const enough = AbortSignal.any([signal, answered.signal]);
  const asked = nodes.map(async ({ host, port }) => {
    const node: RedisAddress = { host, port, tls, ...login, database: 0 };
    const parsed = Answer.safeParse(await ask(node, ["sentinel", "get-master-addr-by-name", primary], enough));
    if (!parsed.success)
      throw new NotMeasured("what should be a sentinel is none: check host and port", { evidence: `${host}:${port}` });
    const [found] = parsed.data;
    if (!found) throw new NotMeasured("the sentinels know no primary of this name: check `master` in the address");
    return found;
  });
  try {
    const [host, port] = await Promise.any(asked);
    return { host, port, tls, user, password, database };
  } catch (error) {
    throw signal.aborted ? await lastWord(asked) : mostTelling(error, nodes.length);
  } finally {
    // Sentinels that have not answered yet are no longer waited for.
    answered.abort();
    await Promise.allSettled(asked);
  }
}

const Answer = z.tuple([z.tuple([z.string().min(1), z.coerce.number().int().min(1).max(65_535)]).nullable()]);

/** What the first of them came to at the deadline, or at the shutdown. */
async function lastWord(asked: readonly Promise<unknown>[]): Promise<unknown> {
  const [first] = await Promise.allSettled(asked);
  return first?.status === "rejected" ? first.reason : undefined;
}

/** A sentinel that turns us away, or knows no such primary, says more than one that is gone. */
function mostTelling(error: unknown, nodes: number): unknown {
  const faults: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  const told = faults.find((fault) => fault instanceof NotMeasured);
  if (told) return told;
  const gone = faults.filter((fault) => fault instanceof Unreachable);
  const [first] = gone;
  if (!first || gone.length < faults.length) return faults.find((fault) => !(fault instanceof Unreachable));
  const evidence = gone.map((fault) => `${fault.evidence}: ${fault.message}`).join("\n");
  const who = nodes === 1 ? "the sentinel" : `none of ${nodes} sentinels answers: the first`;
  return new Unreachable(`${who} ${first.message}`, { stage: first.stage, phases: first.phases, evidence });
}
