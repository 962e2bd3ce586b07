create table project (
  name text primary key,
  -- Of its forge, where it has one: a repository is one project.
  forge_url text,
  repository text,
  project jsonb not null,
  unique (forge_url, repository)
);

create table delivery (
  project text not null references project (name) on delete cascade,
  id text not null,
  place bigint generated always as identity,
  digest text not null,
  headers jsonb not null,
  body bytea,
  at bigint not null,
  tries int not null default 0,
  due_at bigint not null,
  result jsonb,
  settled_at bigint,
  primary key (project, id),
  unique (project, digest)
);
create index delivery_waiting on delivery (project, place) where result is null;
create index delivery_newest on delivery (project, place desc);
create index delivery_settled on delivery (settled_at) where body is not null and settled_at is not null;
