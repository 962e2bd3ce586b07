-- Which server has the database: see epoch.ts.
create table server (
  singleton boolean primary key default true check (singleton),
  epoch bigint not null,
  holder text not null
);
insert into server (epoch, holder) values (0, '');

create sequence fencing_token as bigint;

create table project_number (
  project text primary key,
  last int not null
);

-- A run, as lists show it. Facts are json, not jsonb, which refuses some strings that a command may write.
create table run (
  id text primary key,
  place bigint generated always as identity unique,
  project text not null,
  number int not null,
  pipeline text not null,
  phase text not null,
  outcome text,
  trigger json not null,
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
) with (fillfactor = 80);
create index run_of_project on run (project, place);
create index run_of_branch on run (project, branch, place);
create index run_of_commit on run (commit);
create index run_not_finished on run (place) where phase <> 'finished';
create index run_finished on run (finished_at) where finished_at is not null;

create table event (
  run text not null references run (id) on delete cascade,
  seq int not null,
  at bigint not null,
  fact json not null,
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

-- What `deployment.recorded` said, in the order in which it was said.
create table deployment (
  place bigint generated always as identity primary key,
  run text not null references run (id) on delete cascade,
  seq int not null,
  project text not null,
  number int not null,
  pipeline text not null,
  stage text not null,
  environment text not null,
  deployment json not null,
  unique (run, seq)
);
create index deployment_of_project on deployment (project, environment, place);

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
  -- Items that may be claimed under the same circumstances, first come, first served.
  class text collate "C" not null,
  queued_at bigint not null,
  claimed_by text,
  claimed_at bigint,
  leased_until bigint,
  token bigint,
  -- Of the reports about this lease, the last that was taken.
  sequence int not null default 0,
  check (num_nulls(claimed_by, claimed_at, leased_until, token) in (0, 4))
) with (fillfactor = 70);
create index queue_waiting on queue_item (class, place) where claimed_by is null;
create index queue_claimed on queue_item (leased_until) where claimed_by is not null;

-- Each write begins with it. It keeps a new server waiting until the write is over; when another has taken over, nothing is written.
create function check_server(its_holder text) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(4217002);
  if not exists (select from server where holder = its_holder) then
    raise exception using errcode = 'CN001', message = 'another server has taken over';
  end if;
end
$$;

-- Answers the number of the new run, or which run there was with the same `once`.
create function create_run(
  its_holder text, its_id text, its_project text, its_pipeline text, its_commit text, its_trigger text, its_once text, its_at bigint,
  out new_number int, out other text
) language plpgsql as $$
begin
  perform check_server(its_holder);
  insert into project_number (project, last) values (its_project, 0) on conflict do nothing;
  perform from project_number where project = its_project for update;
  select number into new_number from run where id = its_id;
  if found then
    return;
  end if;
  select id into other from run where project = its_project and once = its_once;
  if found then
    return;
  end if;
  update project_number set last = last + 1 where project = its_project returning last into new_number;
  insert into run (id, project, number, pipeline, phase, trigger, once, commit, created_at, last_seq)
    values (its_id, its_project, new_number, its_pipeline, 'queued', its_trigger::json, its_once, its_commit, its_at, 1);
  insert into event (run, seq, at, fact) values (its_id, 1, its_at,
    json_build_object('kind', 'run.created', 'run', its_id, 'number', new_number, 'project', its_project, 'trigger', its_trigger::json));
end
$$;

-- Locks the run first, then items in the order of their ids, as everybody does who locks several.
create function append_to_run(
  its_holder text, its_run text, its_after int, ats bigint[], facts text[], its_row json, deployments json,
  pushed json, removed text[], given_back text[], guard_item text, guard_token bigint, guard_sequence int
) returns text language plpgsql as $$
declare
  last int;
begin
  perform check_server(its_holder);
  select last_seq into last from run where id = its_run for update;
  perform from queue_item where id = any (removed || given_back || guard_item) order by id for update;
  if guard_item is not null and not exists (
    select from queue_item where id = guard_item and token = guard_token and (guard_sequence is null or sequence = guard_sequence - 1)
  ) then
    return 'fenced';
  end if;
  if last is distinct from its_after then
    return 'conflict';
  end if;
  insert into event (run, seq, at, fact)
    select its_run, its_after + place, at, fact::json from unnest(ats, facts) with ordinality as given (at, fact, place);
  update run set
      last_seq = its_after + cardinality(ats), phase = given.phase, outcome = given.outcome, pipeline = given.pipeline, commit = given.commit,
      branch = given.branch, subject = given.subject, digest = given.digest, started_at = given."startedAt", finished_at = given."finishedAt"
    from json_to_record(its_row) as given (
      phase text, outcome text, pipeline text, commit text, branch text, subject text, digest text, "startedAt" bigint, "finishedAt" bigint)
    where id = its_run;
  if deployments is not null then
    insert into deployment (run, seq, project, number, pipeline, stage, environment, deployment)
      select its_run, given.seq, run.project, run.number, run.pipeline, given.stage, given.environment, given.deployment
      from json_to_recordset(deployments) as given (seq int, stage text, environment text, deployment json), run
      where run.id = its_run order by given.seq;
  end if;
  update queue_item set sequence = guard_sequence where id = guard_item and guard_sequence is not null;
  update queue_item set claimed_by = null, claimed_at = null, leased_until = null, token = null where id = any (given_back);
  delete from queue_item where id = any (removed);
  if pushed is not null then
    insert into queue_item (id, run, stage, attempt, project, pipeline, priority, labels, group_name, group_limit, worker, class, queued_at)
      select id, run, stage, attempt, project, pipeline, priority, labels, group_name, group_limit, worker, class, queued_at
      from rows from (json_to_recordset(pushed) as (
        id text, run text, stage text, attempt int, project text, pipeline text, priority int, labels text[], group_name text, group_limit int,
        worker text, class text, queued_at bigint)) with ordinality as given
      order by given.ordinality;
  end if;
  return 'appended';
end
$$;

-- What claims are chosen from: of each class as many items as there are slots, for no more can be chosen, and what is claimed already. However long the
-- queue is, only these are read, whatever the planner knows of it. Others who claim wait until this transaction is over.
create function open_claims(its_holder text, slots int) returns json language plpgsql set enable_seqscan = off as $$
begin
  perform check_server(its_holder);
  perform pg_advisory_xact_lock(4217004);
  return json_build_object(
    'waiting', (
      with recursive line as (
        (select class from queue_item where claimed_by is null order by class limit 1)
        union all
        select (select class from queue_item where claimed_by is null and class > line.class order by class limit 1)
          from line where class is not null)
      select coalesce(json_agg(head), '[]') from line cross join lateral (
        select id, place, project, pipeline, priority, labels, group_name, group_limit, worker
          from queue_item where claimed_by is null and class = line.class order by place limit slots) as head),
    'held', (
      select coalesce(json_agg(held), '[]') from (
        select project, pipeline, group_name, group_limit from queue_item where claimed_by is not null) as held));
end
$$;

-- One that an append is about to take out of the queue is left to it.
create function take_items(ids text[], workers text[], nows bigint[], untils bigint[]) returns setof queue_item
language sql set enable_seqscan = off as $$
  with free as (select id from queue_item where id = any (ids) and claimed_by is null for update skip locked)
  update queue_item
    set claimed_by = given.worker, claimed_at = given.now, leased_until = given.until, token = nextval('fencing_token'), sequence = 0
    from free join unnest(ids, workers, nows, untils) as given (id, worker, now, until) using (id)
    where queue_item.id = free.id
    returning queue_item.*
$$;
