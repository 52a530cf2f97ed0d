-- How many copies of a notice may have arrived: all that left whole and were not refused (core/store/outbox.ts).
alter table notice add column copies integer not null default 0;
-- Who delivers is known by an id that the store keeps, no longer by a name in the configuration: until here that was us.
update notice set claimed_by = null where claimed_by is not null;
