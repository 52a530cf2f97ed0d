-- One incident that comes and goes, see core/incident.ts: how often it came back, and since when it is well for now.
alter table incident add column relapses integer not null default 0;
alter table incident add column quiet_since integer;
