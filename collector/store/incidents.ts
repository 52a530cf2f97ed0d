/** Incidents and their updates in the store; every change of state is a compare-and-set. */
import { z } from "zod";
import type { Incident, IncidentFacts, IncidentUpdate } from "../../core/incident.ts";
import { storedText } from "../../core/language.ts";
import { isWorse } from "../../core/severity.ts";
import type { IncidentChange } from "../../core/store/incidents.ts";
import type { NoticesAnew } from "../../core/store/outbox.ts";
import { type Connection, maybeNumeric, maybeText, numeric, type Row, text } from "./connection.ts";
import { addNotices, noticesOf, supersede } from "./outbox.ts";

type Instant = Temporal.Instant;

const Checks = z.array(z.string());
const Kind = z.enum(["outage", "threshold"]);
const Impact = z.enum(["down", "degraded", "none"]);
const Urgency = z.enum(["page", "ticket"]);
const UpdateKind = z.enum(["confirmed", "joined", "acknowledged", "resolved", "note"]);

export const instant = (milliseconds: number) => Temporal.Instant.fromEpochMilliseconds(milliseconds);

/** @returns the incident, when one was opened. */
export function changeIncident(connection: Connection, change: IncidentChange): Incident | undefined {
  switch (change.change) {
    case "open":
      return open(connection, change);
    case "join":
      join(connection, change);
      return undefined;
    case "resolve":
      resolve(connection, change);
      return undefined;
  }
}

function open(connection: Connection, change: Extract<IncidentChange, { change: "open" }>): Incident | undefined {
  const { facts } = change;
  const unresolved = connection.get("select 1 as yes from incident where key = ? and state <> 'resolved'", facts.key);
  if (unresolved) return undefined;
  connection.run(
    `insert into incident (key, kind, target, checks, impact, urgency, title, explanation, reason, runbook,
       started_at, confirmed_at, state)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open')`,
    facts.key,
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
  );
  const row = connection.get("select * from incident where key = ? and state = 'open'", facts.key);
  if (!row) throw new Error("an incident that was just opened is not there");
  const incident = incidentFrom(row);
  addUpdate(connection, incident.id, change.update);
  addNotices(connection, change.notices(incident.id));
  return incident;
}

function join(connection: Connection, change: Extract<IncidentChange, { change: "join" }>): void {
  const incident = readIncident(connection, change.id);
  if (!incident || incident.state === "resolved") return;
  if (change.unlessAcknowledged && incident.state === "acknowledged") return;
  const checks = [...new Set([...incident.checks, change.check])];
  const impact = isWorse(change.impact, incident.impact) ? change.impact : incident.impact;
  connection.run("update incident set checks = ?, impact = ? where id = ?", JSON.stringify(checks), impact, change.id);
  if (change.raised) raise(connection, change.id, change.raised);
  if (change.words) {
    const { title, explanation } = change.words;
    const texts = [JSON.stringify(title), JSON.stringify(explanation)];
    connection.run("update incident set title = ?, explanation = ? where id = ?", ...texts, change.id);
  }
  addUpdate(connection, change.id, change.update);
  if (change.notices) renewNotices(connection, change.id, change.notices);
}

function renewNotices(connection: Connection, incident: number, anew: NoticesAnew): void {
  const { supersede: old, add } = anew(noticesOf(connection, incident));
  supersede(connection, old);
  addNotices(connection, add);
}

/** What was acknowledged was less than this: it is open again, with the facts as they stand now. */
function raise(
  connection: Connection,
  id: number,
  raised: NonNullable<Extract<IncidentChange, { change: "join" }>["raised"]>,
): void {
  connection.run(
    `update incident set urgency = ?, title = ?, explanation = ?, reason = ?, runbook = ?,
       state = 'open', acknowledged_by = null, acknowledged_at = null where id = ?`,
    raised.urgency,
    JSON.stringify(raised.title),
    JSON.stringify(raised.explanation),
    raised.reason,
    raised.runbook,
    id,
  );
}

function resolve(connection: Connection, change: Extract<IncidentChange, { change: "resolve" }>): void {
  const changed = connection.run(
    "update incident set state = 'resolved', resolved_at = ? where id = ? and state <> 'resolved'",
    change.at.epochMilliseconds,
    change.id,
  );
  if (changed === 0) return;
  addUpdate(connection, change.id, change.update);
  renewNotices(connection, change.id, change.notices);
}

export function acknowledge(
  connection: Connection,
  id: number,
  by: string,
  at: Instant,
  update: Omit<IncidentUpdate, "incident">,
): boolean {
  const changed = connection.run(
    "update incident set state = 'acknowledged', acknowledged_by = ?, acknowledged_at = ? where id = ? and state = 'open'",
    by,
    at.epochMilliseconds,
    id,
  );
  if (changed === 0) return false;
  addUpdate(connection, id, update);
  const escalations = noticesOf(connection, id).filter(({ kind }) => kind === "escalation");
  supersede(
    connection,
    escalations.map(({ key }) => key),
  );
  return true;
}

export function readIncident(connection: Connection, id: number): Incident | undefined {
  const row = connection.get("select * from incident where id = ?", id);
  return row ? incidentFrom(row) : undefined;
}

/** `since`: those that were not over before that moment. */
export function readIncidents(
  connection: Connection,
  filter: { readonly open?: boolean; readonly since?: Instant; readonly limit?: number },
): readonly Incident[] {
  const state = filter.open === undefined ? "" : `and state ${filter.open ? "<>" : "="} 'resolved'`;
  const rows = connection.all(
    `select * from incident where (resolved_at is null or resolved_at >= ?) ${state}
     order by started_at desc, id desc limit ?`,
    filter.since?.epochMilliseconds ?? Number.MIN_SAFE_INTEGER,
    filter.limit ?? -1,
  );
  return rows.map(incidentFrom);
}

export function readUpdates(connection: Connection, incident: number): readonly IncidentUpdate[] {
  const rows = connection.all("select * from incident_update where incident = ? order by at, id", incident);
  return rows.map((row) => ({
    incident,
    at: instant(numeric(row, "at")),
    kind: UpdateKind.parse(text(row, "kind")),
    text: storedText.parse(JSON.parse(text(row, "text"))),
    public: numeric(row, "public") === 1,
  }));
}

function addUpdate(connection: Connection, incident: number, update: Omit<IncidentUpdate, "incident">): void {
  connection.run(
    "insert into incident_update (incident, at, kind, text, public) values (?, ?, ?, ?, ?)",
    incident,
    update.at.epochMilliseconds,
    update.kind,
    JSON.stringify(update.text),
    update.public ? 1 : 0,
  );
}

function incidentFrom(row: Row): Incident {
  const facts: IncidentFacts = {
    id: numeric(row, "id"),
    key: text(row, "key"),
    kind: Kind.parse(text(row, "kind")),
    target: text(row, "target"),
    checks: Checks.parse(JSON.parse(text(row, "checks"))),
    impact: Impact.parse(text(row, "impact")),
    urgency: Urgency.parse(text(row, "urgency")),
    title: storedText.parse(JSON.parse(text(row, "title"))),
    explanation: storedText.parse(JSON.parse(text(row, "explanation"))),
    reason: text(row, "reason"),
    runbook: text(row, "runbook"),
    startedAt: instant(numeric(row, "started_at")),
    confirmedAt: instant(numeric(row, "confirmed_at")),
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
