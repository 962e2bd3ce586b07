create table secret (
  id text primary key,
  project text not null references project (name) on delete cascade,
  name text not null,
  kind text not null,
  sealed text not null,
  scope jsonb not null,
  by text not null,
  at bigint not null,
  -- It was replaced or removed then, and runs from before may still know it.
  retired_at bigint
);
create unique index secret_current on secret (project, name) where retired_at is null;
create index secret_of_project on secret (project, name);
create index secret_retired on secret (retired_at) where retired_at is not null;

-- What was asked for when a run was begun. It is there before the run.
create table run_request (
  project text not null references project (name) on delete cascade,
  once text not null,
  place bigint generated always as identity,
  run text unique references run (id) on delete cascade,
  request text not null,
  secrets_file bytea,
  at bigint not null,
  pending boolean not null default true,
  primary key (project, once)
);
create index run_request_pending on run_request (place) where pending;
