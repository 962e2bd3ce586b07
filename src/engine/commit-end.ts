import type { Item } from '../runtimes/runtime.ts';
import type { AttemptControl, AttemptDeps, Track } from './attempt-deps.ts';
import { causeText, type Ending, endingOfError } from './cause.ts';
import { commitNames } from './commit-names.ts';
import { JournalError } from './journal-error.ts';
import { say } from './say.ts';

/** Makes the ended container the image that its stage asks for. When that fails, a stage that had failed anyway has still failed for its own cause. */
export const commitEnd = async (deps: AttemptDeps, item: Item, control: AttemptControl, track: Track, ending: Ending): Promise<Ending> => {
  const { commit } = item.stage;
  const asked = ending.outcome === 'passed' || (ending.outcome === 'failed' && commit?.when === 'ended');
  if (commit === undefined || !asked || track.execution === undefined) return ending;
  const namesOf = (names: readonly string[]): readonly string[] =>
    commitNames({ names }, { run: item.run, number: deps.number, passed: ending.outcome === 'passed' });
  const { registry } = commit;
  let said = Promise.resolve();
  const told = (line: string): void => {
    said = said.then(() => say(deps, item, line));
    said.catch(() => {});
  };
  try {
    if (registry === undefined || commit.names.length > 0) {
      track.committed = await track.execution.commit(namesOf(commit.names), control.force, commit.push === true ? told : undefined);
    }
    if (registry !== undefined) track.committed = await track.execution.commit(namesOf(registry), control.force, told);
    await said;
    return ending;
  } catch (error) {
    await said.catch(() => {});
    if (error instanceof JournalError || ending.outcome === 'passed') throw error;
    const { cause } = endingOfError(error);
    if (cause !== undefined) await say(deps, item, `the image was not made: ${causeText(cause)}`);
    return ending;
  }
};
