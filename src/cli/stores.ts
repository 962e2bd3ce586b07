import type { ExecuteDeps } from '../engine/execute.ts';
import { cacheStore } from '../local/cache-store.ts';
import { treeStore } from '../local/tree-store.ts';
import type { Project } from './project.ts';

/** What a project keeps beside its runs. */
export const storesOf = ({ stateDir }: Project): Pick<ExecuteDeps, 'caches' | 'trees'> => ({
  caches: cacheStore(stateDir),
  trees: treeStore(stateDir),
});
