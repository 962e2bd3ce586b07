import type { RunFact } from '../run/run-event.ts';
import type { Item } from '../runtimes/runtime.ts';
import type { AttemptDeps } from './attempt-deps.ts';

/** News of what is done with an ended container. It is no part of the log: that is what the command wrote, and nothing else. */
export const say = (deps: AttemptDeps, { stage, attempt }: Item, text: string): Promise<void> =>
  deps.report([{ kind: 'stage.noted', stage: stage.name, attempt, text }]);

/** What comes next for a stage of steps (R-WRK-129, R-WRK-165). */
export const asides = ({ stage, attempt }: Item, text: string): readonly RunFact[] =>
  stage.command.kind === 'steps' ? [{ kind: 'stage.noted', stage: stage.name, attempt, text, aside: true }] : [];

export const aside = async (deps: AttemptDeps, item: Item, text: string): Promise<void> => {
  const facts = asides(item, text);
  if (facts.length > 0) await deps.report(facts);
};
