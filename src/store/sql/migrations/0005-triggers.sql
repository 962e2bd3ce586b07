create table schedule (
  id text primary key,
  place bigint generated always as identity,
  project text not null,
  cron text not null,
  time_zone text not null,
  wants jsonb not null,
  watch jsonb,
  by text not null,
  created_at bigint not null,
  due_at bigint not null,
  try_at bigint not null,
  version text,
  note jsonb
);
create index schedule_of_project on schedule (project, place);
create index schedule_due on schedule (try_at);

create table upstream (
  id text primary key,
  place bigint generated always as identity,
  project text not null,
  after_project text not null,
  after jsonb not null,
  wants jsonb not null,
  by text not null,
  created_at bigint not null,
  note jsonb
);
create index upstream_of_project on upstream (project, place);
create index upstream_after on upstream (after_project, place);

-- How far some part of the server has come.
create table mark (
  name text primary key,
  at bigint not null
);

create table subscription (
  id text primary key,
  place bigint generated always as identity,
  project text not null,
  way text not null check (way in ('http', 'slack', 'mail')),
  target text not null,
  shown text not null,
  wants jsonb not null,
  by text not null,
  created_at bigint not null
);
create index subscription_of_project on subscription (project, place);

create table letter (
  id text primary key,
  place bigint generated always as identity,
  subscription text not null references subscription (id) on delete cascade,
  event text not null,
  body jsonb not null,
  created_at bigint not null,
  state text not null check (state in ('waiting', 'sent', 'given-up')),
  try_at bigint not null,
  attempts int not null,
  note text,
  unique (subscription, event)
);
create index letter_due on letter (try_at) where state = 'waiting';
create index letter_of_subscription on letter (subscription, place desc);
