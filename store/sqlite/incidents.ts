/** Incidents and their updates in the store; every change of state is a compare-and-set. */
import { z } from "zod";
import type { Incident, IncidentFacts, IncidentUpdate } from "../../core/incident.ts";
import { storedText } from "../../core/language.ts";
import { isWorse } from "../../core/severity.ts";
import type { Escalate } from "../../core/store/escalations.ts";
import type { IncidentChange, IncidentFilter, IncidentStore } from "../../core/store/incidents.ts";
import { cancelDue } from "./due.ts";
import { acknowledgeEscalation, beforeOf, dueOf, writeEscalated } from "./escalations.ts";
import { noticesOf, supersede } from "./outbox.ts";
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
import { all, type Driver, get, noLimit, run, statement, type Transaction } from "./statements.ts";

const Checks = z.array(z.string());
const incidentKinds = ["outage", "threshold"] as const;
const updateKinds = ["confirmed", "joined", "acknowledged", "resolved", "note"] as const;
/** At the end of the key of one that is open beside one with the same key that cannot be read. */
const beside = " (beside one that cannot be read)";

type Open = Extract<IncidentChange, { change: "open" }>;
type Join = Extract<IncidentChange, { change: "join" }>;
type Reopen = Extract<IncidentChange, { change: "reopen" }>;
type Quiet = Extract<IncidentChange, { change: "quiet" }>;
type Redate = Extract<IncidentChange, { change: "redate" }>;
type Resolve = Extract<IncidentChange, { change: "resolve" }>;
type Update = Omit<IncidentUpdate, "incident">;

// What is refused takes no number, so that numbers have no gaps; where two are at it at once, the conflict decides.
const insertOpen = statement(
  `insert into incident (key, kind, target, checks, impact, urgency, title, explanation, reason, runbook,
     started_at, confirmed_at, state)
   select ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open'
   where not exists (select 1 from incident where key = ? and state <> 'resolved')
   on conflict do nothing returning *`,
);
const widen = statement("update incident set checks = ?, impact = ? where id = ? and state <> 'resolved'");
const reword = statement("update incident set title = ?, explanation = ? where id = ?");
const reopen = statement(
  `update incident set urgency = ?, title = ?, explanation = ?, reason = ?, runbook = ?,
     state = 'open', acknowledged_by = null, acknowledged_at = null where id = ?`,
);
const unresolve = statement(
  `update incident set state = 'open', resolved_at = null, acknowledged_by = null, acknowledged_at = null,
     relapses = relapses + 1, quiet_since = null
   where id = ? and state = 'resolved'
     and not exists (select 1 from incident other where other.key = incident.key and other.state <> 'resolved')`,
);
const setQuiet = statement("update incident set quiet_since = ? where id = ? and state <> 'resolved'");
const setRelapsed = statement(
  "update incident set quiet_since = null, relapses = relapses + 1 where id = ? and state <> 'resolved'",
);
const setResolved = statement(
  "update incident set state = 'resolved', resolved_at = ? where id = ? and state <> 'resolved'",
);
const setMoments = statement(
  "update incident set started_at = ?, confirmed_at = ?, quiet_since = ? where id = ? and state <> 'resolved'",
);
const setAcknowledged = statement(
  "update incident set state = 'acknowledged', acknowledged_by = ?, acknowledged_at = ? where id = ? and state = 'open'",
);
const unresolvedOf = statement("select * from incident where key = ? and state <> 'resolved'");
const byId = statement("select * from incident where id = ?");
const listed = (state: string) =>
  statement(
    `select * from incident where (resolved_at is null or resolved_at >= ?) and id > ? and kind in (?, ?) ${state}
     order by started_at desc, id desc limit ?`,
  );
const listAll = listed("");
const listUnresolved = listed("and state <> 'resolved'");
const listResolved = listed("and state = 'resolved'");
const insertUpdate = statement("insert into incident_update (incident, at, kind, text, public) values (?, ?, ?, ?, ?)");
const updatesOf = statement("select * from incident_update where incident = ? order by at, id");

export const incidentStore = ({ read, write }: Driver): IncidentStore => ({
  list: (filter) => read(() => readIncidents(filter)),
  get: (id) => read(() => readIncident(id)),
  updates: (id) => read(() => readUpdates(id)),
  acknowledge: (id, by, at, update) => write(() => acknowledge(id, by, at, update)),
});

/** @returns the incident, when one was opened. */
export function* changeIncident(change: IncidentChange): Transaction<Incident | undefined> {
  switch (change.change) {
    case "open":
      return yield* open(change);
    case "join":
      yield* join(change);
      return undefined;
    case "reopen":
      yield* unresolved(change);
      return undefined;
    case "quiet":
      yield* quiet(change);
      return undefined;
    case "redate":
      yield* redate(change);
      return undefined;
    case "resolve":
      yield* resolve(change);
      return undefined;
  }
}

function* open({ facts, update, escalate }: Open): Transaction<Incident | undefined> {
  const row = (yield* insert(facts.key, facts)) ?? (yield* insertBeside(facts));
  // Another one of this key is not yet resolved.
  if (!row) return undefined;
  const incident = incidentFrom(row);
  yield* addUpdate(incident.id, update);
  yield* writeEscalated(escalate(incident.id));
  return incident;
}

/** What a newer version left open keeps nobody from being told. */
function* insertBeside(facts: Open["facts"]): Transaction<Row | undefined> {
  const other = yield* get(unresolvedOf, facts.key);
  if (!other || readable(other, incidentFrom)) return undefined;
  return yield* insert(`${facts.key}${beside}`, facts);
}

function* insert(key: string, facts: Open["facts"]): Transaction<Row | undefined> {
  return yield* get(
    insertOpen,
    key,
    facts.kind,
    facts.target,
    JSON.stringify(facts.checks),
    facts.impact,
    facts.urgency,
    JSON.stringify(facts.title),
    JSON.stringify(facts.explanation),
    facts.reason,
    facts.runbook,
    facts.startedAt.epochMilliseconds,
    facts.confirmedAt.epochMilliseconds,
    key,
  );
}

function* join(change: Join): Transaction<void> {
  const incident = yield* readIncident(change.id);
  if (!incident || incident.state === "resolved") return;
  if (change.unlessAcknowledged && incident.state === "acknowledged") return;
  const checks = [...new Set([...incident.checks, change.check])];
  const impact = isWorse(change.impact, incident.impact) ? change.impact : incident.impact;
  yield* run(widen, JSON.stringify(checks), impact, change.id);
  if (change.raised) yield* raise(change.id, change.raised);
  if (change.words) yield* setWords(change.id, change.words);
  yield* addUpdate(change.id, change.update);
  if (change.escalate) yield* goOn(change.id, change.escalate);
}

function* setWords(id: number, { title, explanation }: NonNullable<Join["words"]>): Transaction<void> {
  yield* run(reword, JSON.stringify(title), JSON.stringify(explanation), id);
}

function* goOn(id: number, escalate: Escalate): Transaction<void> {
  const incident = yield* readIncident(id);
  if (incident) yield* writeEscalated(escalate(yield* beforeOf(incident)));
}

/** What was acknowledged was less than this: it is open again, with the facts as they stand now. */
function* raise(id: number, raised: NonNullable<Join["raised"]>): Transaction<void> {
  yield* run(
    reopen,
    raised.urgency,
    JSON.stringify(raised.title),
    JSON.stringify(raised.explanation),
    raised.reason,
    raised.runbook,
    id,
  );
}

function* unresolved({ id, check, impact, raised, update, escalate }: Reopen): Transaction<void> {
  if ((yield* run(unresolve, id)) === 0) return;
  yield* raise(id, raised);
  yield* join({ change: "join", id, check, impact, update, escalate });
}

function* quiet({ id, since, words, update, escalate }: Quiet): Transaction<void> {
  const changed = since ? yield* run(setQuiet, since.epochMilliseconds, id) : yield* run(setRelapsed, id);
  if (changed === 0) return;
  if (words) yield* setWords(id, words);
  yield* addUpdate(id, update);
  yield* goOn(id, escalate);
}

function* redate({ id, startedAt, confirmedAt, quietSince, escalate }: Redate): Transaction<void> {
  const quiet = quietSince?.epochMilliseconds ?? null;
  const changed = yield* run(setMoments, startedAt.epochMilliseconds, confirmedAt.epochMilliseconds, quiet, id);
  if (changed > 0 && escalate) yield* goOn(id, escalate);
}

function* resolve({ id, at, update, escalate }: Resolve): Transaction<void> {
  const changed = yield* run(setResolved, at.epochMilliseconds, id);
  if (changed === 0) return;
  yield* addUpdate(id, update);
  yield* cancelDue(dueOf(id));
  yield* goOn(id, escalate);
}

function* acknowledge(id: number, by: string, at: Temporal.Instant, update: Update): Transaction<boolean> {
  const changed = yield* run(setAcknowledged, by, at.epochMilliseconds, id);
  if (changed === 0) return false;
  yield* addUpdate(id, update);
  yield* acknowledgeEscalation(id, by);
  const escalations = (yield* noticesOf(id)).filter(({ kind }) => kind === "escalation");
  yield* supersede(escalations.map(({ key }) => key));
  return true;
}

export function* readIncident(id: number): Transaction<Incident | undefined> {
  const row = yield* get(byId, id);
  return row && readable(row, incidentFrom);
}

/** Or there is none. */
export function* isIncidentReadable(id: number): Transaction<boolean> {
  const row = yield* get(byId, id);
  return row === undefined || readable(row, incidentFrom) !== undefined;
}

function* readIncidents({ open, since, kind, after = 0, limit }: IncidentFilter): Transaction<readonly Incident[]> {
  const list = open === undefined ? listAll : open ? listUnresolved : listResolved;
  const from = since?.epochMilliseconds ?? Number.MIN_SAFE_INTEGER;
  const kinds = kind ? ([kind, kind] as const) : incidentKinds;
  const rows = yield* all(list, from, after, ...kinds, limit ?? noLimit);
  return allReadable(rows, incidentFrom);
}

function* readUpdates(incident: number): Transaction<readonly IncidentUpdate[]> {
  return allReadable(yield* all(updatesOf, incident), updateFrom);
}

export const updateFrom = (row: Row): IncidentUpdate => ({
  incident: numeric(row, "incident"),
  at: instant(numeric(row, "at")),
  kind: oneOf(row, "kind", updateKinds),
  text: json(row, "text", storedText),
  public: numeric(row, "public") === 1,
});

function* addUpdate(incident: number, { at, kind, text, public: shown }: Update): Transaction<void> {
  yield* run(insertUpdate, incident, at.epochMilliseconds, kind, JSON.stringify(text), shown ? 1 : 0);
}

export function incidentFrom(row: Row): Incident {
  const facts: IncidentFacts & Pick<Incident, "flapping"> = {
    id: numeric(row, "id"),
    key: text(row, "key").replace(beside, ""),
    kind: oneOf(row, "kind", incidentKinds),
    target: text(row, "target"),
    checks: json(row, "checks", Checks),
    impact: oneOf(row, "impact", ["down", "degraded", "none"]),
    urgency: oneOf(row, "urgency", ["page", "ticket"]),
    title: json(row, "title", storedText),
    explanation: json(row, "explanation", storedText),
    reason: text(row, "reason"),
    runbook: text(row, "runbook"),
    startedAt: instant(numeric(row, "started_at")),
    confirmedAt: instant(numeric(row, "confirmed_at")),
    ...flappingFrom(row),
  };
  const by = maybeText(row, "acknowledged_by");
  const acknowledgedAt = maybeNumeric(row, "acknowledged_at");
  const resolvedAt = maybeNumeric(row, "resolved_at");
  if (resolvedAt !== undefined) {
    return {
      ...facts,
      state: "resolved",
      resolvedAt: instant(resolvedAt),
      ...(by !== undefined && { by }),
      ...(acknowledgedAt !== undefined && { acknowledgedAt: instant(acknowledgedAt) }),
    };
  }
  if (by !== undefined && acknowledgedAt !== undefined) {
    return { ...facts, state: "acknowledged", by, acknowledgedAt: instant(acknowledgedAt) };
  }
  return { ...facts, state: "open" };
}

function flappingFrom(row: Row): Pick<Incident, "flapping"> {
  const relapses = numeric(row, "relapses");
  const quietSince = maybeNumeric(row, "quiet_since");
  if (relapses === 0) return {};
  return { flapping: { relapses, ...(quietSince !== undefined && { quietSince: instant(quietSince) }) } };
}
