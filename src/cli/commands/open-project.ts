import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { resultsRoot } from '../../local/project-dir.ts';
import { fsResults } from '../../results/fs/fs-results.ts';
import type { Context } from '../context.ts';
import { type Project, projectRoot } from '../project.ts';

export const openProject = async (context: Context): Promise<Project> => {
  const root = await projectRoot(context);
  const stateDir = join(root, '.cion');
  const name = basename(root);
  const key = `${name}-${createHash('sha256').update(root).digest('hex').slice(0, 10)}`;
  return { root, name, key, stateDir, results: fsResults({ root: resultsRoot(stateDir) }) };
};
