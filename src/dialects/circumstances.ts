import { posix } from 'node:path';
import type { Circumstances } from '../plan/plan.ts';
import type { Given } from './dialect.ts';

/** What a plan may ask of the run that it is for; of a plan that is only looked at there is no run. */
export const circumstancesOf = ({ run, project, pages, source = {} }: Given): Required<Circumstances> => {
  const { domain = '', owner = '', repository = '', branch = '', tag = '', commit = '' } = source;
  return {
    id: run?.id ?? '',
    build: run?.build ?? run?.id ?? 'build',
    'run-page': pages?.run ?? (run === undefined ? '' : `cion:run/${run.number}`),
    'project-page': pages?.project ?? `cion:project/${project}`,
    'started-by': run?.startedBy ?? '',
    'started-at': run === undefined ? '' : String(Math.floor(run.startedAt / 1000)),
    project,
    name: repository || posix.basename(project),
    remote: domain && owner && repository ? `${domain}/${owner}/${repository}` : '',
    domain,
    owner,
    repository,
    branch,
    tag,
    commit,
  };
};
