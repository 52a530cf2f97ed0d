/**
 * Lists the rows that this version cannot read, because a newer one left them or they were written by hand: they are left as
 * they are, and passed over by whoever reads their table.
 */
import { outcomes } from "../../core/sample.ts";
import type { StrangeRow } from "../../core/store/strange-rows.ts";
import { annotationFrom } from "./annotations.ts";
import { dueFrom } from "./due.ts";
import { escalationFrom } from "./escalations.ts";
import { heartbeatFrom } from "./heartbeats.ts";
import { incidentFrom, updateFrom } from "./incidents.ts";
import { confirmationFrom, thresholdFrom } from "./judgements.ts";
import { noticeFrom } from "./outbox.ts";
import { requestFrom } from "./requests.ts";
import { numeric, oneOf, type Row } from "./rows.ts";
import { readingFrom } from "./series-ids.ts";
import { all, type Driver, type Statement, statement } from "./statements.ts";

interface Table {
  readonly name: string;
  readonly rows: Statement;
  /** The columns by which a person finds one. */
  readonly key: readonly string[];
  /** Throws what is strange about it. */
  read(row: Row): unknown;
}

const atOnce = 200;

/** In order, a few of them. */
const select = (what: string) => statement(`select ${what} limit ? offset ?`);

const ofSeries = (table: string) => `join series on series.id = ${table}.series order by series.id`;

const tables: readonly Table[] = [
  { name: "incident", key: ["id", "key"], rows: select("* from incident order by id"), read: incidentFrom },
  { name: "incident_update", key: ["id"], rows: select("* from incident_update order by id"), read: updateFrom },
  {
    name: "escalation",
    key: ["incident"],
    rows: select("e.*, null as due_at, null as planned_at from escalation e order by incident"),
    read: escalationFrom,
  },
  { name: "due", key: ["kind", "subject", "for_whom"], rows: select("* from due order by due_at"), read: dueFrom },
  {
    name: "verdict",
    key: ["target", "check_id"],
    rows: select(`* from verdict ${ofSeries("verdict")}`),
    read: confirmationFrom,
  },
  {
    name: "threshold",
    key: ["target", "check_id", "threshold"],
    rows: select(`* from threshold ${ofSeries("threshold")}`),
    read: thresholdFrom,
  },
  {
    name: "transition",
    key: ["target", "check_id", "at"],
    rows: select(
      `* from transition join series on series.id = transition.series
       where outcome < 0 or outcome >= ${outcomes.length} order by at`,
    ),
    read: unknownOutcome,
  },
  {
    name: "reading_series",
    key: ["id", "metric"],
    rows: select("* from reading_series order by id"),
    read: readingFrom,
  },
  { name: "annotation", key: ["target", "at"], rows: select("* from annotation order by at"), read: annotationFrom },
  {
    name: "heartbeat",
    key: ["target", "check_id"],
    rows: select("* from heartbeat order by target"),
    read: heartbeatFrom,
  },
  { name: "request", key: ["id", "what"], rows: select("* from request order by id"), read: requestFrom },
];
const allNotices = select("* from notice order by id");

/** @param channels those that this version has: what waits for another one is never sent. */
export async function strangeRows(driver: Driver, channels: readonly string[]): Promise<readonly StrangeRow[]> {
  const notices: Table = { name: "notice", key: ["key"], rows: allNotices, read: (row) => ofChannel(row, channels) };
  const strange: StrangeRow[] = [];
  for (const { name, key, rows, read } of [notices, ...tables]) {
    for (let from = 0; ; from += atOnce) {
      const page = await driver.read(() => all(rows, atOnce, from));
      for (const row of page) {
        const why = whyStrange(row, read);
        if (why !== undefined)
          strange.push({ table: name, key: key.map((column) => String(row[column])).join(" "), why });
      }
      if (page.length < atOnce) break;
      // A long table keeps nobody waiting.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
  return strange;
}

function whyStrange(row: Row, read: Table["read"]): string | undefined {
  try {
    read(row);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function ofChannel(row: Row, channels: readonly string[]): void {
  const { state } = noticeFrom(row);
  if (state === "pending" || state === "sending") oneOf(row, "channel", channels);
}

function unknownOutcome(row: Row): void {
  throw new TypeError(`column outcome holds ${numeric(row, "outcome")}, which this version does not know`);
}
