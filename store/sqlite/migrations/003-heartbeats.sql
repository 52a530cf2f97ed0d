-- Jobs that call us: what each one said last. `state` is JSON (core/heartbeat.ts).

create table heartbeat (
  target text not null,
  check_id text not null,
  state text not null,
  primary key (target, check_id)
) strict, without rowid;
