import type { Clock } from '../../lib/clock.ts';
import { pauses } from '../../lib/pauses.ts';
import type { CacheShelf, TreeShelf, UploadShelf } from '../../results/removal.ts';
import type { Housekeeping } from '../../store/housekeeping.ts';
import type { RunRow, RunStore } from '../../store/run-store.ts';
import type { ProjectSecrets } from '../secrets/project-secrets.ts';
import type { LeftoverBytes } from './leftover-bytes.ts';
import { type FinishedRun, type KeepRuns, whatGoes } from './what-goes.ts';

/** What a server keeps, so that its disks are never full of the past. Milliseconds. */
export type Keep = {
  readonly runs: KeepRuns;
  /** Caches that were not saved for so long go. */
  readonly cachesMs: number;
  readonly auditMs: number;
};

export type HousekeeperDeps = {
  readonly runs: Pick<RunStore, 'list'>;
  readonly housekeeping: Housekeeping;
  readonly leftovers: Pick<LeftoverBytes, 'clear'>;
  readonly secrets: Pick<ProjectSecrets, 'forget'>;
  readonly trees: TreeShelf;
  readonly caches: Pick<CacheShelf, 'removeUnused'>;
  readonly uploads?: UploadShelf;
  readonly keep: Keep;
  readonly clock: Clock;
  /** Something in the background went wrong and is tried again. */
  failed(error: unknown): void;
};

export type Housekeeper = {
  /** Now; what goes wrong in one part holds up none of the others. */
  sweep(): Promise<void>;
  /** Every hour, until the signal aborts. */
  start(signal: AbortSignal): Promise<void>;
};

const firstMs = 60_000;
const hourMs = 3_600_000;
/** Who has kept a tree says so in an event soon after. */
const treesMs = 24 * hourMs;
/** Longer than any upload takes. */
const uploadsMs = 24 * hourMs;
const pageSize = 200;
/** In one look, for the secrets of each are kept. */
const mostUnfinished = 1_000_000;

/** Removes what a server keeps no longer: first from the database, then the bytes, so that one that died in between goes on. Unfinished runs lose nothing. */
export const housekeeper = (deps: HousekeeperDeps): Housekeeper => {
  const { runs, housekeeping, leftovers, secrets, trees, caches, uploads, keep, clock, failed } = deps;
  const { wait } = pauses(clock);

  const sweepRuns = async (now: number): Promise<void> => {
    const unfinished = await runs.list({ finished: false, limit: mostUnfinished });
    const oldest = unfinished.reduce((at, { createdAt }) => Math.min(at, createdAt), now);
    await secrets.forget(oldest);
    const pinned = new Set([...(await housekeeping.deployed()), ...unfinished.flatMap(({ trigger }) => trigger.from ?? [])]);
    const finished = (await allFinished(runs)).flatMap(finishedRun);
    for (const [, own] of Map.groupBy(finished, ({ project }) => project)) {
      for (const { run, finishedAt } of whatGoes(own, keep.runs, { now, pinned })) await housekeeping.forgetRun(run, finishedAt);
    }
  };

  const sweepTrees = async (now: number): Promise<void> => {
    const old = await trees.list(now - treesMs);
    if (old.length === 0) return;
    const named = await housekeeping.trees();
    for (const digest of old) if (!named.has(digest)) await trees.remove(digest, now - treesMs);
  };

  const sweep = async (): Promise<void> => {
    const now = clock.now();
    const parts = [
      () => sweepRuns(now),
      () => leftovers.clear(),
      () => sweepTrees(now),
      () => caches.removeUnused(now - keep.cachesMs),
      async () => uploads?.removeUnused(now - uploadsMs),
      () => housekeeping.forgetAudit(now - keep.auditMs),
    ];
    for (const part of parts) await part().catch(failed);
  };

  return {
    sweep,
    start: async (signal) => {
      await wait(firstMs, signal);
      while (!signal.aborted) {
        await sweep();
        await wait(hourMs, signal);
      }
    },
  };
};

const finishedRun = ({ run, project, pipeline, outcome, finishedAt }: RunRow): readonly (FinishedRun & { readonly project: string })[] =>
  finishedAt === undefined ? [] : [{ run, project, pipeline, finishedAt, ...(outcome === undefined ? {} : { outcome }) }];

/** The newest first. When one goes meanwhile at which a page ends, the older ones are seen the next time. */
const allFinished = async (runs: Pick<RunStore, 'list'>): Promise<readonly RunRow[]> => {
  const all: RunRow[] = [];
  for (;;) {
    const before = all.at(-1)?.run;
    const page = await runs.list({ finished: true, limit: pageSize, ...(before === undefined ? {} : { before }) });
    all.push(...page);
    if (page.length < pageSize) return all;
  }
};
