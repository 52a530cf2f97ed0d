-- What is to be done at a moment, about what (`subject`) and for whom; taken by compare-and-set. `planned_at`: the moment
-- from which that was reckoned, by the same clock.
create table due (
  kind text not null,
  subject text not null,
  for_whom text not null,
  due_at integer not null,
  planned_at integer not null,
  state text not null,
  primary key (kind, subject, for_whom)
) strict, without rowid;
create index due_next on due (kind, due_at);

-- Whether and how far an incident was told, see core/escalation.ts; its next step is in `due`. `told_after`: milliseconds,
-- null where none was told or an older version told it. `candidates`, `no_later_than`, `news`: JSON.
create table escalation (
  incident integer not null primary key references incident (id),
  state text not null check (state in ('told', 'waiting', 'inhibited', 'silenced', 'acknowledged')),
  until integer,
  candidates text,
  by_whom text,
  thread text not null,
  subject text not null,
  revision integer not null,
  found_at integer not null,
  counted_from integer not null,
  told_steps integer not null,
  told_after integer,
  no_later_than text not null,
  news text
) strict, without rowid;

-- Which step of which revision of its escalation a notice belongs to.
alter table notice add column revision integer;
alter table notice add column step integer;

-- Until here all steps stood in the outbox beforehand, and what an incident was followed from the order of its notices.
-- That is read once more, for what is not over. `round_from`: the first notice of the last time that it was told from the
-- beginning; `planned`: the step that comes next; `said_at`: the newest line of its record, after which a page waits.
create table taken_over (
  incident integer not null primary key,
  notices integer not null,
  last_page integer not null,
  round_from integer not null,
  last_notice integer not null,
  said_at integer not null,
  waits_until integer,
  planned integer,
  state text not null
) strict, without rowid;

insert into taken_over (incident, notices, last_page, round_from, last_notice, said_at, state)
select id,
  (select count(*) from notice where incident = i.id),
  (select coalesce(max(id), 0) from notice where incident = i.id and kind = 'page'),
  0,
  (select coalesce(max(id), 0) from notice where incident = i.id and kind in ('page', 'escalation', 'ticket')),
  (select coalesce(max(at), i.confirmed_at) from incident_update where incident = i.id),
  'told'
from incident i where state <> 'resolved';

update taken_over set round_from = coalesce((
  select min(id) from notice where incident = taken_over.incident
    and kind = case when taken_over.last_page > 0 then 'page' else 'ticket' end
    and id > coalesce((
      select max(earlier.id) from notice earlier where earlier.incident = taken_over.incident
        and earlier.kind in ('escalation', 'ticket') and earlier.id < taken_over.last_page), 0)), 0);

update taken_over set waits_until = (
  select min(not_before) from notice where incident = taken_over.incident and id >= taken_over.round_from
    and kind in ('page', 'ticket') and state = 'pending' and attempts = 0 and not_before > taken_over.said_at);

update taken_over set state = 'waiting' where waits_until is not null;
update taken_over set state = 'inhibited'
where last_notice = 0
  or (last_page = 0 and exists (select 1 from incident where id = taken_over.incident and urgency = 'page'))
  or exists (select 1 from notice where id = taken_over.last_notice and state = 'superseded');
update taken_over set state = 'acknowledged'
where exists (select 1 from incident where id = taken_over.incident and state = 'acknowledged');

update taken_over set planned = case state when 'waiting' then waits_until else (
  select min(due_at) from notice where incident = taken_over.incident and id >= taken_over.round_from
    and kind = 'escalation' and state = 'pending' and attempts = 0) end
where state in ('told', 'waiting');

-- The escalator tells these when they are due.
update notice set state = 'superseded'
where state = 'pending' and attempts = 0 and incident in (select incident from taken_over)
  and (kind = 'escalation' or (kind in ('page', 'ticket') and exists (
    select 1 from taken_over where incident = notice.incident and state = 'waiting' and notice.id >= round_from)));

update notice set
  revision = (select notices from taken_over where incident = notice.incident),
  step = (select count(distinct earlier.not_before) from notice earlier join taken_over
      on taken_over.incident = earlier.incident
    where earlier.incident = notice.incident and earlier.id >= taken_over.round_from
      and earlier.kind in ('page', 'escalation', 'ticket') and earlier.not_before < notice.not_before)
where state <> 'superseded' and kind in ('page', 'escalation', 'ticket')
  and exists (select 1 from taken_over where incident = notice.incident and notice.id >= round_from);

insert into escalation (incident, state, until, candidates, by_whom, thread, subject, revision, found_at, counted_from,
  told_steps, no_later_than)
select t.incident,
  t.state,
  case t.state when 'waiting' then t.waits_until end,
  case t.state when 'waiting' then '[]' end,
  case t.state when 'acknowledged' then i.acknowledged_by end,
  coalesce((select thread from notice where incident = t.incident order by id limit 1), ''),
  coalesce((select subject from notice where incident = t.incident order by id limit 1), ''),
  t.notices,
  case t.state
    when 'waiting' then t.said_at
    else coalesce((select min(not_before) from notice where incident = t.incident and step = 0), i.confirmed_at) end,
  case t.state
    when 'waiting' then t.waits_until
    else coalesce((select min(not_before) from notice where incident = t.incident and step = 0), i.confirmed_at) end,
  (select count(distinct step) from notice where incident = t.incident and step is not null),
  '[]'
from taken_over t join incident i on i.id = t.incident;

insert into due (kind, subject, for_whom, due_at, planned_at, state)
select 'escalation', cast(t.incident as text), '', t.planned, e.found_at, t.state
from taken_over t join escalation e on e.incident = t.incident
where t.planned is not null and t.state in ('told', 'waiting');

drop table taken_over;
