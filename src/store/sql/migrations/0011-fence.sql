-- A server that was replaced writes nothing any more, into no table. Each connection says in `cion.holder` whose it is (see database.ts); before the
-- first server has taken the database, anybody may write.
create or replace function check_server(its_holder text) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(4217002);
  if not exists (select from server where holder in ('', its_holder)) then
    raise exception using errcode = 'CN001', message = 'another server has taken over';
  end if;
end
$$;

create function fenced() returns trigger language plpgsql as $$
begin
  if coalesce(current_setting('cion.migrates', true), '') <> 'yes' then
    perform check_server(current_setting('cion.holder', true));
  end if;
  return null;
end
$$;

-- Called after each migration, so that none forgets a table. What is written by create_run, append_to_run and claims alone has been asked for there.
create function fence_tables() returns void language plpgsql as $$
declare
  found text;
begin
  for found in
    select relname from pg_class join pg_namespace space on space.oid = relnamespace
    where nspname = current_schema() and relkind = 'r' and relname not in ('server', 'migration', 'event', 'queue_item', 'deployment', 'project_number')
      and not exists (select from pg_trigger where tgrelid = pg_class.oid and tgname = 'fenced')
    order by relname
  loop
    execute format('create trigger fenced before insert or update or delete on %I for each statement execute function fenced()', found);
  end loop;
end
$$;
