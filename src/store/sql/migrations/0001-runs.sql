create sequence fencing_token as bigint;

create table server (
  singleton boolean primary key default true check (singleton),
  epoch bigint not null
);
insert into server (epoch) values (0);

create table project_number (
  project text primary key,
  last int not null
);

-- A run, as lists show it.
create table run (
  id text primary key,
  project text not null,
  number int not null,
  pipeline text not null,
  phase text not null,
  outcome text,
  trigger jsonb not null,
  once text,
  commit text,
  branch text,
  subject text,
  digest text,
  created_at bigint not null,
  started_at bigint,
  finished_at bigint,
  last_seq int not null,
  unique (project, number),
  unique (project, once)
);
create index run_newest on run (created_at desc, id desc);
create index run_newest_of_project on run (project, created_at desc, id desc);
create index run_finished on run (finished_at) where finished_at is not null;

create table event (
  run text not null references run (id) on delete cascade,
  seq int not null,
  at bigint not null,
  kind text not null,
  fact jsonb not null,
  primary key (run, seq)
);

-- What happened has happened: a single event neither changes nor goes. All of a run go with it.
create function event_stays() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and not exists (select from run where id = old.run) then
    return old;
  end if;
  raise exception 'events are only appended';
end
$$;
create trigger event_stays before update or delete on event for each row execute function event_stays();

create table deployment (
  run text not null references run (id) on delete cascade,
  seq int not null,
  project text not null,
  number int not null,
  pipeline text not null,
  stage text not null,
  environment text not null,
  at bigint not null,
  deployment jsonb not null,
  primary key (run, seq)
);
create index deployment_newest on deployment (at desc, run desc, seq desc);
create index deployment_of_project on deployment (project, environment, at desc);

create table queue_item (
  id text primary key,
  place bigint generated always as identity,
  run text not null references run (id) on delete cascade,
  stage text not null,
  attempt int not null,
  project text not null,
  pipeline text not null,
  priority int not null,
  labels text[] not null,
  group_name text,
  group_limit int,
  worker text,
  queued_at bigint not null,
  claimed_by text,
  claimed_at bigint,
  leased_until bigint,
  token bigint,
  -- Of the reports about this lease, the last that was taken.
  sequence int not null default 0,
  check ((claimed_by is null) = (token is null) and (claimed_by is null) = (leased_until is null))
);
create index queue_waiting on queue_item (priority desc, place) where claimed_by is null;
create index queue_claimed on queue_item (leased_until) where claimed_by is not null;
create index queue_of_run on queue_item (run);
