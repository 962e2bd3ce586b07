import type { Mount, Plan, Service, Stage } from '../../plan/plan.ts';
import { stage } from '../../plan/stage.ts';
import { cacheMounts } from '../cache.ts';
import { mapping, type MappingOf, optional } from '../mapping.ts';
import type { Placed } from '../shape.ts';
import { artifactsDir, buildDir } from './directories.ts';
import type { Env } from '../env.ts';
import { environmentName } from '../names.ts';
import { type StageKeys, stageFields, stageOptions, stageParts } from './stage-keys.ts';

const releaseFields = { ...stageFields, environment: optional(environmentName, 'Where it is released to; otherwise production.') };
export type ReleaseKeys = MappingOf<typeof releaseFields>;

/** `build` and `test`: a plain mapping or a list of one-key mappings (R-CIO-23, R-CIO-25). */
export const section = mapping(stageFields, { ...stageOptions, listForm: true });
export const releaseSection = mapping(releaseFields, { ...stageOptions, listForm: true });

export type Sections = {
  readonly build: Placed<StageKeys>;
  readonly test?: Placed<StageKeys>;
  readonly release?: Placed<ReleaseKeys>;
  readonly services?: readonly Service[];
};

/** build, then test, then release; each when the one before passed, all on one copy of the commit (R-CIO-06, R-CIO-11, R-CIO-14). */
export const planOfSections = ({ build, test, release, services = [] }: Sections): Plan => ({
  version: 1,
  pipeline: 'cion',
  nodes: [
    stage({
      name: 'build',
      ...stageParts(build.value, { range: build.range, directories: bothDirectories, workdir: buildDir, services }),
      mounts: [...mounts('read-write'), ...cacheMounts(build.value.cache)],
      artifacts: { volume: 'artifacts' },
    }),
    ...(test === undefined ? [] : [testStage(test, services)]),
    ...(release === undefined ? [] : [releaseStage(release, test === undefined ? 'build' : 'test', services)]),
  ],
  volumes: [
    { name: 'work', from: 'source' },
    { name: 'artifacts', from: 'empty' },
  ],
});

const testStage = ({ value, range }: Placed<StageKeys>, services: readonly Service[]): Stage =>
  stage({
    name: 'test',
    needs: [{ node: 'build', on: 'passed' }],
    ...stageParts(value, { range, directories: bothDirectories, workdir: buildDir, services }),
    mounts: [...mounts('read-only'), ...cacheMounts(value.cache)],
  });

/** It sees the working directory, but is not told where: a release is made of artifacts (R-CIO-38, R-CIO-49). */
const releaseStage = ({ value, range }: Placed<ReleaseKeys>, before: string, services: readonly Service[]): Stage =>
  stage({
    name: 'release',
    needs: [{ node: before, on: 'passed' }],
    ...stageParts(value, { range, directories: { ARTIFACTS_DIR: literal(artifactsDir) }, workdir: artifactsDir, services }),
    mounts: [...mounts('read-only'), ...cacheMounts(value.cache)],
    deploys: { environment: value.environment ?? 'production' },
  });

const literal = (value: string) => ({ kind: 'literal', value }) as const;

const bothDirectories: Env = { BUILD_DIR: literal(buildDir), ARTIFACTS_DIR: literal(artifactsDir) };

const mounts = (artifacts: 'read-only' | 'read-write'): readonly Mount[] => [
  { kind: 'volume', volume: 'work', path: buildDir, access: 'read-write' },
  { kind: 'volume', volume: 'artifacts', path: artifactsDir, access: artifacts },
];
