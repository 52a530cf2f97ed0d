/** Heartbeats in the store: the newest state of each job that calls us. */
import { HeartbeatState } from "../../core/heartbeat.ts";
import type { HeartbeatStore } from "../../core/store/heartbeats.ts";
import { allReadable, json, type Row, text } from "./rows.ts";
import { all, type Driver, run, statement, type Transaction } from "./statements.ts";

const listAll = statement("select target, check_id, state from heartbeat order by target, check_id");
const upsert = statement(
  `insert into heartbeat (target, check_id, state) values (?, ?, ?)
   on conflict (target, check_id) do update set state = excluded.state`,
);
const remove = statement("delete from heartbeat where target = ? and check_id = ?");

type Kept = Awaited<ReturnType<HeartbeatStore["list"]>>;

export const heartbeatStore = ({ read, write }: Driver): HeartbeatStore => ({
  list: () => read(readHeartbeats),
  keep: async ({ target, check }, state) => {
    await write(() => run(upsert, target, check, JSON.stringify(state)));
  },
  forget: async ({ target, check }) => {
    await write(() => run(remove, target, check));
  },
});

function* readHeartbeats(): Transaction<Kept> {
  return allReadable(yield* all(listAll), heartbeatFrom);
}

export const heartbeatFrom = (row: Row): Kept[number] => ({
  target: text(row, "target"),
  check: text(row, "check_id"),
  state: json(row, "state", HeartbeatState),
});
