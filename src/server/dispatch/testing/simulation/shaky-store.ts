import type { RunEvent } from '../../../../run/run-event.ts';
import type { MemoryStore } from '../../../../store/memory/memory-store.ts';
import type { NewRun, RunChange } from '../../../../store/run-store.ts';
import { StoreError } from '../../../../store/store-error.ts';
import type { Random } from './random.ts';
import type { Life } from './timeline.ts';
import type { Weather } from './weather.ts';

/**
 * The store as one life of a server sees it: calls take their time, some fail, before or after they were carried out, and none answers to the dead. What was on its way
 * when the server died is carried out then or never.
 */
export const shakyStore = (
  store: MemoryStore,
  life: Life,
  random: Random,
  weather: Pick<Weather, 'store' | 'storeMs'>,
  committed: (run: string, events: readonly RunEvent[]) => void,
): MemoryStore => {
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    if (weather.storeMs > 0) await life.wait(random.between(0, weather.storeMs));
    if (random.chance(weather.store())) throw new StoreError('STORE_UNAVAILABLE', 'away');
    const answer = await work();
    if (weather.storeMs > 0) await life.wait(random.between(0, weather.storeMs));
    if (random.chance(weather.store())) throw new StoreError('STORE_UNAVAILABLE', 'the answer was lost');
    return answer;
  };
  const { runs, queue } = store;
  const create = async (run: NewRun) => {
    const answer = await runs.create(run);
    if (answer.kind === 'created') committed(run.run, await runs.events(run.run, 0));
    return answer;
  };
  const append = async (change: RunChange) => {
    const answer = await runs.append(change);
    if (answer === 'appended') committed(change.run, change.events);
    return answer;
  };
  return {
    runs: {
      create: (run) => call(() => create(run)),
      append: (change) => call(() => append(change)),
      events: (run, after) => call(() => runs.events(run, after)),
      list: (filter) => call(() => runs.list(filter)),
      deployments: (filter) => call(() => runs.deployments(filter)),
      remove: (run) => call(() => runs.remove(run)),
    },
    queue: {
      claim: (requests, lease) => call(() => queue.claim(requests, lease)),
      regroup: (project, group) => call(() => queue.regroup(project, group)),
      renew: (held, until) => call(() => queue.renew(held, until)),
      reclaim: (...given) => call(() => queue.reclaim(...given)),
      lapsed: (before) => call(() => queue.lapsed(before)),
      list: () => call(() => queue.list()),
    },
  };
};
