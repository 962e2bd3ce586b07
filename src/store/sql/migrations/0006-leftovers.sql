-- Runs and projects that are gone from here, and whose bytes may still be elsewhere.
create table leftover (
  kind text not null check (kind in ('run', 'project')),
  name text not null,
  primary key (kind, name)
);

create function run_leaves() returns trigger language plpgsql as $$
begin
  insert into leftover (kind, name) values ('run', old.id) on conflict do nothing;
  return null;
end
$$;
create trigger run_leaves after delete on run for each row execute function run_leaves();

-- All that stands under the name of a project, whoever put it there, and when.
create function forget_project(its_name text) returns void language plpgsql as $$
begin
  perform from run where project = its_name order by id for update;
  perform from queue_item where project = its_name order by id for update;
  delete from run where project = its_name;
  delete from project_number where project = its_name;
  delete from member where project = its_name;
  delete from token where project = its_name;
  delete from schedule where project = its_name;
  delete from upstream where project = its_name or after_project = its_name;
  delete from subscription where project = its_name;
end
$$;

create function project_leaves() returns trigger language plpgsql as $$
begin
  perform forget_project(old.name);
  insert into leftover (kind, name) values ('project', old.name) on conflict do nothing;
  return null;
end
$$;
create trigger project_leaves after delete on project for each row execute function project_leaves();

-- What came under the name while it was being removed is not of the new one either.
create function project_begins() returns trigger language plpgsql as $$
begin
  perform forget_project(new.name);
  return null;
end
$$;
create trigger project_begins after insert on project for each row execute function project_begins();

-- The events that name trees. Of text, for json with certain strings cannot be taken apart.
create index event_of_trees on event (run)
  where fact::text like '%"kind":"source.kept"%' or fact::text like '%"kind":"volume.kept"%' or fact::text like '%"kind":"run.planned"%';

-- Records go only by saying from when on they are kept, in the same transaction.
create or replace function audit_stays() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and old.at < nullif(current_setting('cion.audit_kept_since', true), '')::bigint then
    return old;
  end if;
  raise exception 'the audit is only appended';
end
$$;
