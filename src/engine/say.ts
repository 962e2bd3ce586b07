import { doneName } from '../plan/stage.ts';
import type { Item } from '../runtimes/runtime.ts';
import { type AttemptDeps, type Track } from './attempt-deps.ts';

/** A line of our own in a stage's log, behind all that its command wrote. */
export const say = async (deps: AttemptDeps, item: Item, track: Track, line: string): Promise<void> => {
  if (item.stage.sensitive || track.begun === undefined) return;
  const chunk = { stream: 'stderr', bytes: Buffer.from(`${line}\n`) } as const;
  await track.begun.append({ ...chunk, at: deps.clock.now() });
  await deps.sink.log(item.part === undefined ? item.stage.name : doneName(item.stage.name), item.attempt, chunk);
};
