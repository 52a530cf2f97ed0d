/**
 * Access rights and connection limits: what it means that a database server refuses some questions, all of them, or
 * every connection.
 */
import type { Localised } from "../../core/language.ts";
import type { Finding, Reading } from "../../core/sample.ts";

/** Why a question has no answer. It is never the same as zero. */
export type Refusal = "not allowed" | "too slow" | "locked" | "failed";

/** The server accepts no further connection, ours included (too many connections). */
export class NoConnectionLeft extends Error {
  override readonly name = "NoConnectionLeft";

  constructor() {
    super("has no free connection left");
  }
}

/** The finding when no connection is left, with the page that helps; any other error is thrown again. */
export function findingWithoutConnection(error: unknown, runbook: string): Finding {
  if (!(error instanceof NoConnectionLeft)) throw error;
  return { outcome: "degraded", reason: error.message, explanation: fullHouse, runbook };
}

interface Asked {
  readonly readings: readonly Reading[];
  /** At least one question has an answer. */
  readonly answered: boolean;
  /** Why others have none, by what is not measured for that. */
  readonly refused: ReadonlyMap<string, Refusal>;
  /** For the person on call. */
  readonly notes: readonly string[];
}

/** @param mend what gives our user the right to ask, and how long one question may take. */
export function findingOfQuestions(
  { readings, answered, refused, notes }: Asked,
  mend: { readonly grant: string; readonly seconds: number },
): Finding {
  const missing = [...refused.keys()];
  const evidence = [...notes, ...missing.map((what) => `not measured: ${what} (${refused.get(what)})`)].join("\n");
  const common = { readings, ...(evidence && { evidence }) };
  const refusals = [...refused.values()];
  if (!answered) return { ...common, ...nothingAnswered(refusals, mend) };
  if (missing.length === 0) return { ...common, outcome: "up" };
  const remedy = refusals.includes("not allowed") ? `: ${mend.grant}` : "";
  return { ...common, outcome: "up", reason: `not measured: ${missing.join(", ")}${remedy}` };
}

function nothingAnswered(
  refusals: readonly Refusal[],
  { grant, seconds }: Parameters<typeof findingOfQuestions>[1],
): Finding {
  if (refusals.includes("not allowed")) {
    return { outcome: "unknown", reason: `every question was refused: ${grant}` };
  }
  const slow = refusals.every((refusal) => refusal === "too slow");
  const reason = slow ? `every question took more than ${seconds} s` : "every question failed";
  return { outcome: "degraded", reason, explanation: overloaded };
}

const fullHouse: Localised = {
  en: "Pages may load slowly or fail, because the database takes no further connections.",
  fr: "Des pages peuvent être lentes ou échouer : la base de données n’accepte plus de connexions.",
};

const overloaded: Localised = {
  en: "Pages load slowly, because the database is overloaded.",
  fr: "Les pages se chargent lentement : la base de données est surchargée.",
};
