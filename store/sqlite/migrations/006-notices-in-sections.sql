-- A notice in parts, which its channel lays out: `sections` and `actions` are JSON (core/notice.ts). An older one has its
-- whole text in `body` instead. `contact` is the id of whoever it goes to, `addressee` says what that is.
alter table notice add column addressee text not null default 'contact';
alter table notice add column summary text;
alter table notice add column sections text;
alter table notice add column actions text;
alter table notice add column language text;
-- Who delivers it, or did last.
alter table notice add column claimed_by text;

-- What a channel handed back for a thread and whoever reads it there, so that an update can go to what is there.
create table thread_reference (
  thread text not null,
  channel text not null,
  addressee text not null,
  contact text not null,
  reference text not null,
  primary key (thread, channel, addressee, contact)
) strict, without rowid;
