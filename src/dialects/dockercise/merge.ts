import { nearestWord } from '../../lib/did-you-mean.ts';
import type { Problem, Range } from '../../plan/problem.ts';
import { quoted } from '../quoted.ts';
import type { Configuration, Definition } from './configuration.ts';
import { type Awaited, humanClick } from './after.ts';

/** All files as one, in the order in which they are given. */
export type Merged = {
  readonly stages: ReadonlyMap<string, Definition>;
  readonly after: readonly Awaited[];
  readonly name?: string;
};

/** What is said twice in different files is reported, naming both places (R-DCK-79). */
export const merge = (files: readonly Configuration[], report: (problem: Problem) => void): Merged => {
  const stages = new Map<string, Definition>();
  for (const stage of files.flatMap((file) => file.stages)) {
    const first = stages.get(stage.name);
    if (first === undefined) stages.set(stage.name, stage);
    else report(twice('PLAN_DUPLICATE_STAGE', `There are two stages called ${quoted(stage.name)}`, first.range, stage.range));
  }
  const [after, secondAfter] = files.flatMap((file) => file.after ?? []);
  if (after !== undefined && secondAfter !== undefined) {
    report(twice('DUPLICATE_KEY', '"after" stands at the top of two files', after.range, secondAfter.range));
  }
  const [name, secondName] = files.flatMap((file) => file.name ?? []);
  if (name !== undefined && secondName !== undefined) {
    report(twice('DUPLICATE_KEY', 'The pipeline is given a name in two files', name.range, secondName.range));
  }
  for (const one of after?.awaited ?? []) {
    if (one.kind === 'stage') report(stageAtTheTop(one.name, one.range));
  }
  return { stages, after: after?.awaited ?? [], ...(name === undefined ? {} : { name: name.value }) };
};

const placeOf = ({ file, start }: Range): string => `${file}:${start.line}`;

const twice = (code: string, what: string, first: Range, second: Range): Problem => ({
  code,
  message: `${what}: ${placeOf(first)} and ${placeOf(second)}.`,
  hint: code === 'PLAN_DUPLICATE_STAGE' ? 'Give one of them another name.' : 'Remove one of them.',
  range: second,
});

const stageAtTheTop = (name: string, range: Range): Problem => ({
  code: 'WRONG_VALUE',
  message: `The whole pipeline cannot wait for ${quoted(name)}.`,
  hint:
    nearestWord(name, [humanClick]) === undefined
      ? 'At the top, "after" is human-click or { pipeline: name }. Below a stage it names others.'
      : `Did you mean "${humanClick}"?`,
  range,
});
