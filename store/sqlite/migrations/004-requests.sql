-- The inbox: what a command, a link, a page or the API wants done, and what the writer answered (core/store/requests.ts).
-- `detail` and `answer` are JSON.
create table request (
  id integer primary key autoincrement,
  at integer not null,
  who text not null,
  what text not null,
  detail text not null,
  answered_at integer,
  answer text
) strict;
create index request_waiting on request (id) where answered_at is null;
create index request_answered on request (answered_at) where answered_at is not null;
