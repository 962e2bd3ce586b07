create table account (
  id text primary key,
  name text not null unique,
  is_admin boolean not null,
  is_closed boolean not null,
  password text,
  forge_kind text,
  forge_url text,
  forge_id text,
  forge_login text,
  forge_token text,
  created_at bigint not null,
  unique (forge_url, forge_id)
);

-- The project is a name alone: what is kept of it elsewhere may come and go.
create table member (
  project text not null,
  account text not null references account (id),
  role text not null check (role in ('owner', 'writer', 'reader')),
  primary key (project, account)
);

create table session (
  hash text primary key,
  id text not null,
  account text not null references account (id),
  created_at bigint not null,
  seen_at bigint not null,
  address text not null,
  agent text not null
);
create index session_of_account on session (account, created_at desc);

-- Of an account, with its rights, or of a worker, which has its name when it was first used.
create table token (
  id text primary key,
  hash text not null unique,
  kind text not null check (kind in ('account', 'worker')),
  name text not null,
  account text references account (id),
  scopes jsonb,
  project text,
  worker text,
  created_at bigint not null,
  expires_at bigint,
  used_at bigint,
  check ((kind = 'account') = (account is not null and scopes is not null))
);
create index token_of_account on token (account, created_at desc);

create table audit (
  number bigint generated always as identity primary key,
  at bigint not null,
  actor jsonb not null,
  action text not null,
  project text,
  outcome text not null check (outcome in ('done', 'refused')),
  detail jsonb not null
);
create index audit_of_account on audit ((actor ->> 'account'), number desc);
create index audit_of_project on audit (project, number desc);

create function audit_stays() returns trigger language plpgsql as $$
begin
  raise exception 'the audit is only appended';
end
$$;
create trigger audit_stays before update or delete on audit for each row execute function audit_stays();
