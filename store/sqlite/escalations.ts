/** Escalations in the store: how far each incident was told, written together with its notices and its due row. */
import { z } from "zod";
import {
  AllAnnounced,
  type Escalation,
  type EscalationFacts,
  type EscalationState,
  News,
} from "../../core/escalation.ts";
import type { Incident } from "../../core/incident.ts";
import type { CheckKey } from "../../core/sample.ts";
import type { Due } from "../../core/store/due.ts";
import type { Escalated, EscalationBefore, EscalationStore } from "../../core/store/escalations.ts";
import { cancelDue, planDue } from "./due.ts";
import { addNotices, noticesOf, supersede } from "./outbox.ts";
import {
  allReadable,
  instant,
  json,
  maybeNumeric,
  maybeText,
  numeric,
  oneOf,
  type Row,
  readable,
  text,
} from "./rows.ts";
import { all, type Driver, get, run, statement, type Transaction } from "./statements.ts";

const states = ["told", "waiting", "inhibited", "silenced", "acknowledged"] as const;
const Key = z.templateLiteral([z.string(), "/", z.string()]);
const Keys: z.ZodType<readonly CheckKey[]> = z.array(Key);

/** With its due row, where there is one. */
const selected = (which: string) =>
  statement(
    `select e.*, due.due_at, due.planned_at from escalation e
       left join due on due.kind = 'escalation' and due.subject = cast(e.incident as text) and due.for_whom = '' ${which}`,
  );
const ofIncident = selected("where e.incident = ?");
const ofOpen = selected(
  "join incident on incident.id = e.incident where incident.state <> 'resolved' order by e.incident",
);
const upsert = statement(
  `insert into escalation (incident, state, until, candidates, by_whom, thread, subject, revision, found_at,
     counted_from, told_steps, told_after, no_later_than, news)
   values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
   on conflict (incident) do update set
     state = excluded.state, until = excluded.until, candidates = excluded.candidates, by_whom = excluded.by_whom,
     thread = excluded.thread, subject = excluded.subject, revision = excluded.revision, found_at = excluded.found_at,
     counted_from = excluded.counted_from, told_steps = excluded.told_steps, told_after = excluded.told_after,
     no_later_than = excluded.no_later_than, news = excluded.news`,
);
const setAcknowledged = statement(
  "update escalation set state = 'acknowledged', until = null, candidates = null, by_whom = ? where incident = ?",
);

export const escalationStore = ({ read }: Driver): EscalationStore => ({
  of: (incident) => read(() => readEscalation(incident)),
  open: () => read(openEscalations),
});

export function* beforeOf(incident: Incident): Transaction<EscalationBefore> {
  const escalation = yield* readEscalation(incident.id);
  return { incident, escalation, notices: yield* noticesOf(incident.id) };
}

export function* writeEscalated({ escalation, supersede: old = [], add = [] }: Escalated): Transaction<void> {
  yield* supersede(old);
  yield* addNotices(add);
  if (!escalation) return;
  yield* write(escalation);
  const { next, state } = escalation;
  const due = dueOf(escalation.incident);
  if (next) yield* planDue({ ...due, dueAt: next.dueAt, plannedAt: next.plannedAt, state });
  else yield* cancelDue(due);
}

/** Nobody is told any more, because somebody has taken it. */
export function* acknowledgeEscalation(incident: number, by: string): Transaction<void> {
  yield* run(setAcknowledged, by, incident);
  yield* cancelDue(dueOf(incident));
}

export const dueOf = (incident: number): Pick<Due, "kind" | "subject" | "for"> => ({
  kind: "escalation",
  subject: String(incident),
  for: "",
});

function* readEscalation(incident: number): Transaction<Escalation | undefined> {
  const row = yield* get(ofIncident, incident);
  return row && readable(row, escalationFrom);
}

/** Or there is none. */
export function* isEscalationReadable(incident: number): Transaction<boolean> {
  const row = yield* get(ofIncident, incident);
  return row === undefined || readable(row, escalationFrom) !== undefined;
}

function* openEscalations(): Transaction<readonly Escalation[]> {
  return allReadable(yield* all(ofOpen), escalationFrom);
}

function* write(escalation: Escalation): Transaction<void> {
  const { until, candidates, by } = columnsOf(escalation);
  const { told, news, noLaterThan } = escalation;
  yield* run(
    upsert,
    escalation.incident,
    escalation.state,
    until,
    candidates,
    by,
    escalation.thread,
    escalation.subject,
    escalation.revision,
    escalation.foundAt.epochMilliseconds,
    escalation.countedFrom.epochMilliseconds,
    told.steps,
    told.afterSeconds === undefined ? null : Math.round(told.afterSeconds * 1000),
    JSON.stringify(noLaterThan),
    news ? JSON.stringify(news) : null,
  );
}

function columnsOf(state: EscalationState): { until: number | null; candidates: string | null; by: string | null } {
  const none = { until: null, candidates: null, by: null };
  switch (state.state) {
    case "waiting":
      return { ...none, until: state.until.epochMilliseconds, candidates: JSON.stringify(state.candidates) };
    case "inhibited":
      return { ...none, by: state.by ?? null };
    case "silenced":
    case "acknowledged":
      return { ...none, by: state.by };
    case "told":
      return none;
  }
}

export function escalationFrom(row: Row): Escalation {
  const afterMilliseconds = maybeNumeric(row, "told_after");
  const dueAt = maybeInstant(row, "due_at");
  const plannedAt = maybeInstant(row, "planned_at");
  const facts: EscalationFacts = {
    incident: numeric(row, "incident"),
    thread: text(row, "thread"),
    subject: text(row, "subject"),
    revision: numeric(row, "revision"),
    foundAt: instant(numeric(row, "found_at")),
    countedFrom: instant(numeric(row, "counted_from")),
    told: {
      steps: numeric(row, "told_steps"),
      ...(afterMilliseconds !== undefined && { afterSeconds: afterMilliseconds / 1000 }),
    },
    noLaterThan: json(row, "no_later_than", AllAnnounced),
    // What cannot be read any more must not keep a step back: it is then told in fewer words.
    news: row["news"] === null ? undefined : readable(row, (found) => json(found, "news", News)),
    next: dueAt && plannedAt && { dueAt, plannedAt },
  };
  return { ...facts, ...stateFrom(row) };
}

function stateFrom(row: Row): EscalationState {
  const state = oneOf(row, "state", states);
  const by = maybeText(row, "by_whom");
  switch (state) {
    case "told":
      return { state };
    case "waiting":
      return { state, until: instant(numeric(row, "until")), candidates: json(row, "candidates", Keys) };
    case "inhibited":
      return { state, by: by === undefined ? undefined : Key.parse(by) };
    case "silenced":
    case "acknowledged":
      return { state, by: by ?? "" };
  }
}

function maybeInstant(row: Row, column: string): Temporal.Instant | undefined {
  const at = maybeNumeric(row, column);
  return at === undefined ? undefined : instant(at);
}
