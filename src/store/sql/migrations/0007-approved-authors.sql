-- Those whose change from a fork somebody approved once: the numeric ids of the project's forge.
create table approved_author (
  project text not null,
  author text not null,
  primary key (project, author)
);

create or replace function forget_project(its_name text) returns void language plpgsql as $$
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
  delete from approved_author where project = its_name;
end
$$;

update project set project = jsonb_set(project, '{settings,approveForks}', '"always"');
