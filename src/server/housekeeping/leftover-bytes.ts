import type { CacheShelf, RemoveResults } from '../../results/removal.ts';
import type { Housekeeping, Leftover } from '../../store/housekeeping.ts';
import type { ProjectStore } from '../../store/projects.ts';
import type { OutputStore } from '../outputs/output-store.ts';
import { cacheOwners } from './cache-owner.ts';

export type LeftoverDeps = {
  readonly housekeeping: Pick<Housekeeping, 'leftovers' | 'cleared'>;
  readonly projects: Pick<ProjectStore, 'get' | 'add'>;
  readonly removeResults: RemoveResults;
  readonly outputs: Pick<OutputStore, 'remove'>;
  readonly caches: Pick<CacheShelf, 'removeOf'>;
  /** The copy of a project's repository. */
  readonly removeMirror: (project: string) => Promise<void>;
};

/** The bytes of runs and projects that the database knows no more. */
export type LeftoverBytes = {
  /** Removes them, the others also when some cannot be removed: those are tried again the next time. Rejects with what went wrong first. */
  clear(): Promise<void>;
  /** Of a ProjectStore: when nothing is left of one that had the name before (atk-05). */
  readonly add: ProjectStore['add'];
};

const pageSize = 200;

export const leftoverBytes = (deps: LeftoverDeps): LeftoverBytes => {
  const { housekeeping, projects, removeResults, outputs, caches, removeMirror } = deps;
  let turn: Promise<unknown> = Promise.resolve();
  /** What is cleared cannot be of a project that is added at that moment. */
  const inTurn = <T>(task: () => Promise<T>): Promise<T> => {
    const mine = turn.then(task);
    turn = mine.catch(() => undefined);
    return mine;
  };

  const clearOne = async (leftover: Leftover): Promise<void> => {
    const { kind, name } = leftover;
    if (kind === 'run') {
      await removeResults(name);
      await outputs.remove(name);
    } else if ((await projects.get(name)) === undefined) {
      for (const owner of cacheOwners(name)) await caches.removeOf(owner);
      await removeMirror(name);
    }
    await housekeeping.cleared(leftover);
  };

  const clear = async (): Promise<void> => {
    for (;;) {
      const page = await housekeeping.leftovers(pageSize);
      const failures: unknown[] = [];
      for (const leftover of page) await inTurn(() => clearOne(leftover)).catch((error: unknown) => failures.push(error));
      if (failures.length > 0) throw failures[0];
      if (page.length < pageSize) return;
    }
  };

  return {
    clear,
    add: (project) =>
      inTurn(async () => {
        if ((await projects.get(project.name)) === undefined) await clearOne({ kind: 'project', name: project.name });
        return projects.add(project);
      }),
  };
};
