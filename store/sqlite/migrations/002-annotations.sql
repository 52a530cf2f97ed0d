-- What happened to a target and explains its figures, such as an upgrade. `text`: JSON, one sentence for each language.
create table annotation (
  target text not null,
  at integer not null,
  text text not null,
  primary key (at, target, text)
) strict, without rowid;
