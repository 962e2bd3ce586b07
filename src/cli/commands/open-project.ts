import { basename, join } from 'node:path';
import { resultsRoot } from '../../local/project-dir.ts';
import { fsResults } from '../../results/fs/fs-results.ts';
import type { Context } from '../context.ts';
import { type Project, projectRoot } from '../project.ts';

export const openProject = async (context: Context): Promise<Project> => {
  const root = await projectRoot(context);
  const stateDir = join(root, '.cion');
  return { root, name: basename(root), stateDir, results: fsResults({ root: resultsRoot(stateDir) }) };
};
