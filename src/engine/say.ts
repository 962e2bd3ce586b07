import type { Item } from '../runtimes/runtime.ts';
import type { AttemptDeps } from './attempt-deps.ts';

/** News of what is done with an ended container. It is no part of the log: that is what the command wrote, and nothing else. */
export const say = (deps: AttemptDeps, { stage, attempt }: Item, text: string): Promise<void> =>
  deps.report([{ kind: 'stage.noted', stage: stage.name, attempt, text }]);
