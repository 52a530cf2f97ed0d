-- The first schema. Times are milliseconds since 1970 (UTC) unless the name says otherwise.
-- What grows is only ever appended, so that one commit touches few pages: `batch` in order of arrival, the others by
-- (time, series) in one integer: block.id, hour.id = hours since 1970 * 2^20 + series; day.id = days * 2^20 + series.

-- One check seen from one place.
create table series (
  id integer primary key,
  target text not null,
  check_id text not null,
  vantage_point text not null,
  -- The newest sample that went into a block; newer ones are in `batch`.
  last_at integer,
  unique (target, check_id, vantage_point)
) strict;

-- One metric of a series with one set of labels (canonical JSON).
create table reading_series (
  id integer primary key,
  series integer not null,
  metric text not null,
  labels text not null,
  unique (series, metric, labels)
) strict;

-- The newest hour or two of samples, as they were committed: one row for each commit and hour in which they began
-- (hours since 1970), see collector/store/batch.ts.
create table batch (
  id integer primary key,
  hour integer not null,
  body blob not null
) strict;

-- Older samples, an hour of one series each, compressed: collector/store/block.ts.
create table block (
  id integer primary key,
  body blob not null,
  details blob
) strict;

-- Derived from samples and transitions. Milliseconds spent in each outcome; `latency`: core/histogram.ts.
create table hour (
  id integer primary key,
  up integer not null,
  degraded integer not null,
  down integer not null,
  unknown integer not null,
  runs integer not null,
  failures integer not null,
  latency blob not null
) strict;

create table day (
  id integer primary key,
  up integer not null,
  degraded integer not null,
  down integer not null,
  unknown integer not null,
  runs integer not null,
  failures integer not null,
  latency blob not null
) strict;

-- Keyed by hour or day and reading_series. An hour's value is the mean of its readings, a day's their median.
create table reading_hour (id integer primary key, value real not null) strict;
create table reading_day (id integer primary key, value real not null) strict;

-- How far hours are derived: `derived_until`, in hours since 1970; and `steps`, how many steps that took.
create table progress (name text primary key, value integer not null) strict, without rowid;
-- Hours of this series from `from_hour` on were derived before a transition in them was known.
create table stale_hours (series integer primary key, from_hour integer not null) strict;
-- Days to derive (again): day * 2^20 + series.
create table stale_day (id integer primary key) strict;

create table transition (
  series integer not null,
  at integer not null,
  outcome integer not null,
  primary key (series, at)
) strict, without rowid;

create table verdict (series integer primary key, verdict text not null) strict;

create table threshold (
  series integer not null,
  threshold text not null,
  labels text not null,
  state text not null,
  primary key (series, threshold, labels)
) strict, without rowid;

create table incident (
  id integer primary key autoincrement,
  key text not null,
  kind text not null,
  target text not null,
  checks text not null,
  impact text not null,
  urgency text not null,
  title text not null,
  explanation text not null,
  reason text not null,
  runbook text not null,
  started_at integer not null,
  confirmed_at integer not null,
  state text not null check (state in ('open', 'acknowledged', 'resolved')),
  acknowledged_by text,
  acknowledged_at integer,
  resolved_at integer
) strict;
create unique index incident_unresolved on incident (key) where state <> 'resolved';
create index incident_started on incident (started_at);

create table incident_update (
  id integer primary key,
  incident integer not null references incident (id),
  at integer not null,
  kind text not null,
  text text not null,
  public integer not null
) strict;
create index incident_update_of on incident_update (incident, at);

-- The outbox. `due_at`: when to try next; while `sending`, when the lease ends.
create table notice (
  id integer primary key,
  key text not null unique,
  kind text not null,
  urgency text not null,
  incident integer,
  contact text not null,
  channel text not null,
  thread text not null,
  subject text not null,
  body text not null,
  not_before integer not null,
  not_after integer,
  state text not null check (state in ('pending', 'sending', 'sent', 'superseded', 'dropped')),
  due_at integer not null,
  attempts integer not null default 0,
  last_error text,
  sent_at integer
) strict;
create index notice_due on notice (channel, due_at) where state in ('pending', 'sending');
create index notice_of on notice (incident) where incident is not null;

create table used_token (token text primary key, expires integer not null) strict, without rowid;
create table signing_key (name text primary key, key blob not null) strict, without rowid;

create table audit (
  id integer primary key,
  at integer not null,
  who text not null,
  did text not null,
  detail text
) strict;
