import type { Gate, ImageSource, InputFile, Need, PlanNode, Stage } from '../../plan/plan.ts';
import type { Problem } from '../../plan/problem.ts';
import { posix } from 'node:path';
import { imageCommand, outputsAskedBy, reference, stage } from '../../plan/stage.ts';
import { imageReference } from '../image-reference.ts';
import { quoted } from '../quoted.ts';
import type { Definition } from './configuration.ts';
import { outputFile, sourceVolume, workingDir } from './directories.ts';
import { resolveEnv } from './env.ts';
import { enteredBy, entering } from './enter.ts';
import { gatesOf } from './gates.ts';
import type { Img } from './img.ts';
import { mountsOf } from './mounts.ts';
import type { Said } from './names.ts';
import { askedNeeds, isJoinAmong, type Needs, nothingOf, type Stages, unknownStage } from './needs.ts';
import { type Referring, referring } from './references.ts';
import { sshParts } from './ssh.ts';
import { cachesOf, isJoin, plainParts, shell, timeoutsOf } from './stage-keys.ts';

/** What the other stages ask of one. */
export type Asked = { readonly probes: ReadonlySet<string>; readonly committed: ReadonlySet<string> };

export const askedOf = (stages: Stages): Asked => {
  const definitions = [...stages.values()];
  return {
    probes: new Set(definitions.flatMap(({ value }) => [...(value.if ?? []), ...(value.unless ?? [])].map((said) => said.value))),
    committed: new Set(
      definitions.flatMap(({ name, value: { img } }) =>
        img?.value.kind === 'name' && img.value.name !== name && stages.has(img.value.name) ? [img.value.name] : [],
      ),
    ),
  };
};

/** A stage and the gates before it. A join is told as a gate, which `withoutJoins` takes out again. */
export const stageNodes = (
  definition: Definition,
  stages: Stages,
  names: ReadonlySet<string>,
  asked: Asked,
  report: (problem: Problem) => void,
): readonly PlanNode[] => {
  const { name, range, value: keys } = definition;
  const needs = askedNeeds(definition, stages, report);
  const node = isJoin(keys) ? joinGate(definition) : containerOf(definition, needs, stages, names, asked, report);
  if (node === undefined) return [];
  const gates = gatesOf(`${name}.`, keys.after ?? [], needs.list());
  return [...gates, { ...node, range, needs: [...needs.list(), ...gates.map((gate): Need => ({ node: gate.name, on: 'passed' }))] }];
};

const joinGate = ({ name }: Definition): Gate => ({ kind: 'gate', name, needs: [], waitsFor: { kind: 'person', who: [] } });

const containerOf = (
  { name, range, value: keys }: Definition,
  needs: Needs,
  stages: Stages,
  names: ReadonlySet<string>,
  asked: Asked,
  report: (problem: Problem) => void,
): Stage | undefined => {
  if (keys.img === undefined) {
    const hint =
      'Add it: the image that the container is made of. Only a stage with nothing but "after", "if", "unless" or "finally" has none.';
    report({ code: 'MISSING_KEY', message: `"${name}" has no "img".`, hint, range });
    return undefined;
  }
  if (keys['done-timeout'] !== undefined && (keys.done === undefined || keys.done.value.timeout !== undefined)) {
    const message =
      keys.done === undefined ? `"${name}" has a "done-timeout" and no "done".` : `The time for "done" of "${name}" is given twice.`;
    report({ code: 'CONFLICTING_KEYS', message, hint: 'Remove "done-timeout".', range });
  }
  const run = keys.run === undefined ? undefined : referring(keys.run.value, names);
  const done = keys.done === undefined ? undefined : referring(keys.done.value.run, names);
  tellMistaken(keys.run, run, report);
  tellMistaken(keys.done, done, report);
  const read = [...new Set([...(run?.stages ?? []), ...(done?.stages ?? [])])];
  const mounted = mountsOf(name, [...(keys.vol ?? []), ...cachesOf(keys)], stages, report);
  const entered = keys.dir === undefined ? enteredBy(keys.vol ?? [], [run?.script, done?.script]) : undefined;
  const image = imageOf(name, keys.img, stages, report);
  const ssh = sshParts(keys);
  const files: readonly InputFile[] = [
    ...read.map((other): InputFile => ({ path: outputFile(other), value: { kind: 'output', stage: other } })),
    ...ssh.files,
  ];
  const node = stage({
    name,
    ...plainParts(keys),
    image,
    command: run === undefined ? imageCommand : shell(run.script),
    ...(keys.done === undefined || done === undefined
      ? {}
      : {
          done: {
            command: shell(done.script),
            timeouts: timeoutsOf(keys.done.value.timeout ?? keys['done-timeout'], keys.done.value['silent-timeout']),
          },
        }),
    workdir: entered ?? posix.resolve(workingDir, keys.dir ?? '.'),
    env: { ...ssh.env, ...resolveEnv(keys.env ?? [], (item) => stages.has(item), report) },
    mounts: [{ kind: 'volume', volume: name, path: workingDir, access: 'read-write' }, ...mounted.mounts.map(entering(entered))],
    files,
    artifacts: { volume: name, directory: name, except: ['out', ...mounted.names] },
    always: keys.always === true || keys.finally !== undefined,
    mayFail: keys['may-fail'] === true || asked.probes.has(name),
    ...(asked.committed.has(name) ? { commit: { names: [] } } : {}),
  });
  for (const other of new Set([...outputsAskedBy(node), ...mounted.stages, ...(image.kind === 'stage' ? [image.stage] : [])])) {
    if (isJoinAmong(stages, other)) report(nothingOf(other, range));
    const unknown = unknownStage(name, other, stages, range);
    if (unknown === undefined) needs.uses(other);
    else if (image.kind !== 'output' || image.stage !== other) report(unknown);
  }
  return node;
};

/** Told only: a script may have such words of its own. */
const tellMistaken = (said: Said<unknown> | undefined, read: Referring | undefined, report: (problem: Problem) => void): void => {
  for (const { written, hint } of read?.mistaken ?? []) {
    const message = `${quoted(written)} is left as it stands: there is no such stage.`;
    report({ code: 'REFERENCE_UNKNOWN', message, hint, ...(said && { range: said.range }) });
  }
};

const imageOf = (name: string, { value, range }: Said<Img>, stages: Stages, report: (problem: Problem) => void): ImageSource => {
  switch (value.kind) {
    case 'build':
      return { kind: 'build', volume: sourceVolume, context: value.context, dockerfile: value.dockerfile };
    case 'printed': {
      const problem = unknownStage(name, value.stage, stages, range);
      if (problem !== undefined) report(problem);
      return { kind: 'output', stage: value.stage };
    }
    case 'name': {
      if (value.name !== name && stages.has(value.name)) return { kind: 'stage', stage: value.name };
      const given = imageReference(value.name);
      for (const problem of given.ok ? [] : given.problems) report({ ...problem, range });
      return reference(value.name);
    }
  }
};
