import { didYouMean } from '../../lib/did-you-mean.ts';
import type { Need } from '../../plan/plan.ts';
import type { Problem, Range } from '../../plan/problem.ts';
import { quoted } from '../quoted.ts';
import type { Definition } from './configuration.ts';
import type { Said } from './names.ts';
import { humanClick } from './after.ts';
import { isJoin } from './stage-keys.ts';

/** All stages by name. */
export type Stages = ReadonlyMap<string, Definition>;

export type Needs = {
  list(): readonly Need[];
  /** What a stage uses of another it needs passed, unless the text asks for another ending of it. */
  uses(stage: string): void;
};

/** The needs that a text asks for; those of one stage may not contradict each other. */
export const askedNeeds = ({ name, value: keys }: Definition, stages: Stages, report: (problem: Problem) => void): Needs => {
  const asked = new Map<string, Need>();
  const ask = (names: readonly Said<string>[], on: Need['on'], others: readonly string[] = []): void => {
    for (const { value, range } of names) {
      const problem = unknownStage(name, value, stages, range, others);
      const known = asked.get(value);
      if (problem !== undefined) report(problem);
      else if (known !== undefined && known.on !== on) report(contradiction(value, known.on, on, range));
      else asked.set(value, { node: value, on });
    }
  };
  const after = (keys.after ?? []).flatMap((one) => (one.kind === 'stage' ? [{ value: one.name, range: one.range }] : []));
  ask(after, keys.always === true ? 'finished' : 'passed', [humanClick]);
  ask(keys.if ?? [], 'passed');
  ask(keys.unless ?? [], 'failed');
  ask(keys.finally ?? [], 'finished');
  for (const { value, range } of [...(keys.if ?? []), ...(keys.unless ?? [])]) {
    if (isJoinAmong(stages, value)) report(nothingOf(value, range));
  }
  return {
    list: () => [...asked.values()],
    uses: (stage) => void (asked.has(stage) || asked.set(stage, { node: stage, on: 'passed' })),
  };
};

/** A join has no container: nothing that could be used. */
export const isJoinAmong = (stages: Stages, name: string): boolean => {
  const stage = stages.get(name);
  return stage !== undefined && isJoin(stage.value);
};

export const nothingOf = (name: string, range: Range): Problem => ({
  code: 'JOIN_HAS_NOTHING',
  message: `${quoted(name)} has no "img": it only joins others, and has no output, files or answer.`,
  hint: 'Name a stage that runs something.',
  range,
});

/** `others`: what may stand in place of a stage. */
export const unknownStage = (
  stage: string,
  name: string,
  stages: Stages,
  range: Range,
  others: readonly string[] = [],
): Problem | undefined => {
  if (stages.has(name)) return undefined;
  const hint = didYouMean(name, [...stages.keys(), ...others]);
  return {
    code: 'PLAN_UNKNOWN_NEED',
    message: `"${stage}" names the stage ${quoted(name)}, which does not exist.`,
    ...(hint === undefined ? {} : { hint }),
    range,
  };
};

const words = { passed: 'passed', failed: 'said no', finished: 'ended, however' };

const contradiction = (name: string, one: Need['on'], other: Need['on'], range: Range): Problem => ({
  code: 'CONFLICTING_KEYS',
  message: `${quoted(name)} cannot be asked to have ${words[one]} and to have ${words[other]}.`,
  hint: 'Name it under one of "after", "if", "unless" and "finally".',
  range,
});
