import { didYouMean } from '../../lib/did-you-mean.ts';
import type { Problem } from '../../plan/problem.ts';
import type { Mount, Plan, Service, Stage } from '../../plan/plan.ts';
import { stage } from '../../plan/stage.ts';
import { cacheMounts } from '../cache.ts';
import { type Named, record } from '../entries.ts';
import { mapping, type MappingOf, optional } from '../mapping.ts';
import { flag, whereKey } from '../shape.ts';
import type { Env } from '../env.ts';
import { environmentName } from '../names.ts';
import { artifactsDir, buildDir, inputsDir } from './directories.ts';
import { gate, type GateKeys, gateOf } from './gates.ts';
import { stageName } from './names.ts';
import { needs, type PlacedNeed } from './needs.ts';
import { stageFields, stageOptions, stageParts } from './stage-keys.ts';

const fields = {
  ...stageFields,
  needs: optional(
    needs,
    'Stages that must have passed before; or, as in { probe: failed }, that failed or finished. Their artifacts are in INPUTS_DIR.',
  ),
  always: optional(flag, 'Runs when its needs have ended, however they ended: for cleaning up.'),
  'may-fail': optional(flag, 'Its failure does not fail the run.'),
  sensitive: optional(flag, 'Keeps no log, and its output is a secret.'),
  deploys: optional(environmentName, 'The environment that it deploys to: when it passes, that is recorded as a deployment.'),
};

type StageKeys = MappingOf<typeof fields>;
type Keys = StageKeys | GateKeys;

export const stages = record(stageName, whereKey<Keys>('gate', gate, mapping(fields, stageOptions)));

/** Each stage has a copy of the commit and an artifacts directory of its own, and sees the artifacts of those it needs. */
export const planOfStages = (named: readonly Named<Keys>[], services: readonly Service[]): Plan => {
  const gates = new Set(named.filter(({ value }) => 'gate' in value).map(({ name }) => name));
  return {
    version: 1,
    pipeline: 'cion',
    nodes: named.map(({ name, value, range }) =>
      'gate' in value ? gateOf({ name, value, range }) : stageOf({ name, value, range }, services, gates),
    ),
    volumes: named
      .filter(({ name }) => !gates.has(name))
      .flatMap(({ name }) => [
        { name: workOf(name), from: 'source' },
        { name: artifactsOf(name), from: 'empty' },
      ]),
  };
};

const workOf = (name: string): string => `work.${name}`;
const artifactsOf = (name: string): string => `artifacts.${name}`;

const stageOf = ({ name, value, range }: Named<StageKeys>, services: readonly Service[], gates: ReadonlySet<string>): Stage => {
  const needed = value.needs ?? [];
  const givers = needed.filter((need) => !gates.has(need.name));
  return stage({
    name,
    needs: needed.map((need) => ({ node: need.name, on: need.value })),
    ...stageParts(value, { range, directories: directoriesOf(givers), workdir: buildDir, services }),
    mounts: [...mountsOf(name, givers), ...cacheMounts(value.cache)],
    artifacts: { volume: artifactsOf(name) },
    always: value.always ?? false,
    mayFail: value['may-fail'] ?? false,
    sensitive: value.sensitive ?? false,
    ...(value.deploys === undefined ? {} : { deploys: { environment: value.deploys } }),
  });
};

const directoriesOf = (needed: readonly PlacedNeed[]): Env => ({
  BUILD_DIR: { kind: 'literal', value: buildDir },
  ARTIFACTS_DIR: { kind: 'literal', value: artifactsDir },
  ...(needed.length === 0 ? {} : { INPUTS_DIR: { kind: 'literal', value: inputsDir } }),
});

const mountsOf = (name: string, needed: readonly PlacedNeed[]): readonly Mount[] => [
  { kind: 'volume', volume: workOf(name), path: buildDir, access: 'read-write' },
  { kind: 'volume', volume: artifactsOf(name), path: artifactsDir, access: 'read-write' },
  ...needed.map(
    (need): Mount => ({ kind: 'volume', volume: artifactsOf(need.name), path: `${inputsDir}/${need.name}`, access: 'read-only' }),
  ),
];

/** Told here and not by the plan's validation, which does not know where in the text a need stands. */
export const unknownNeeds = (named: readonly Named<Keys>[]): readonly Problem[] => {
  const names = new Set(named.map(({ name }) => name));
  return named
    .flatMap(({ name, value }) => (value.needs ?? []).filter((need) => !names.has(need.name)).map((need) => ({ name, need })))
    .slice(0, 100)
    .map(({ name, need }) => {
      const hint = didYouMean(need.name, names);
      return {
        code: 'PLAN_UNKNOWN_NEED',
        message: `"${name}" needs "${need.name}", which does not exist.`,
        ...(hint === undefined ? {} : { hint }),
        range: need.range,
      };
    });
};
