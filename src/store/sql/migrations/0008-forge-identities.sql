-- Who an account is at each forge: one at each, and each one's.
create table account_forge (
  account text not null references account (id),
  kind text not null,
  url text not null,
  forge_id text not null,
  login text not null,
  token text not null,
  primary key (account, url),
  unique (url, forge_id)
);

insert into account_forge (account, kind, url, forge_id, login, token)
select id, forge_kind, forge_url, forge_id, forge_login, forge_token from account where forge_id is not null;

alter table account
  drop column forge_kind,
  drop column forge_url,
  drop column forge_id,
  drop column forge_login,
  drop column forge_token;
