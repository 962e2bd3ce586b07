import type { Mount } from '../../plan/plan.ts';
import type { Problem, Range } from '../../plan/problem.ts';
import { didYouMean } from '../../lib/did-you-mean.ts';
import { overlap } from '../cache.ts';
import { quoted } from '../quoted.ts';
import { nameBelow, sourceVolume, workingDir } from './directories.ts';
import type { Said } from './names.ts';
import { isJoinAmong, nothingOf, type Stages } from './needs.ts';
import type { Vol } from './vol.ts';

export type Mounted = {
  readonly mounts: readonly Mount[];
  /** The stages whose files are mounted. */
  readonly stages: readonly string[];
  /** Names in the working directory that are there only for the mounts. */
  readonly names: readonly string[];
};

/** The volumes of a stage beside its working directory. */
export const mountsOf = (name: string, vols: readonly Said<Vol>[], stages: Stages, report: (problem: Problem) => void): Mounted => {
  const usable = vols.filter(({ value, range }) => {
    const problem = value.kind === 'stage' ? wrongStage(name, value.stage, stages, range) : undefined;
    if (problem !== undefined) report(problem);
    return problem === undefined;
  });
  for (const [i, { value, range }] of usable.entries()) {
    if (nameBelow(value.path) === name) report(ownDirectory(name, range));
    const other = usable.slice(0, i).find((earlier) => overlap(earlier.value.path, value.path));
    if (other !== undefined) report(nested(other.value.path, value.path, range));
  }
  return {
    mounts: usable.map(({ value }) => mountOf(value)),
    stages: usable.flatMap(({ value }) => (value.kind === 'stage' && value.stage !== sourceVolume ? [value.stage] : [])),
    names: [...new Set(usable.map(({ value }) => nameBelow(value.path)).filter((below) => below !== undefined))],
  };
};

const mountOf = (vol: Vol): Mount => {
  if (vol.kind === 'host') return vol;
  if (vol.kind === 'cache') return { ...vol, access: 'read-write' };
  if (vol.stage === sourceVolume) return { kind: 'volume', volume: sourceVolume, path: vol.path, access: 'copy' };
  return { kind: 'artifacts', stage: vol.stage, path: vol.path };
};

const wrongStage = (stage: string, name: string, stages: Stages, range: Range): Problem | undefined => {
  if (name === sourceVolume) return undefined;
  if (isJoinAmong(stages, name)) return nothingOf(name, range);
  if (stages.has(name)) return undefined;
  const hint = didYouMean(name, stages.keys());
  return {
    code: 'PLAN_UNKNOWN_VOLUME',
    message: `"${stage}" asks for the files of ${quoted(name)}, which is no stage.`,
    ...(hint === undefined ? {} : { hint }),
    range,
  };
};

const ownDirectory = (name: string, range: Range): Problem => ({
  code: 'BAD_VOLUME',
  message: `Nothing can be mounted at ${workingDir}/${name}: there stands what the stage itself leaves.`,
  hint: 'Give it another place: "stage:path".',
  range,
});

const nested = (one: string, other: string, range: Range): Problem => ({
  code: 'BAD_VOLUME',
  message: one === other ? `Two volumes are mounted at ${one}.` : `The volumes at ${one} and at ${other} stand in each other.`,
  hint: 'Give one of them another place: "stage:path".',
  range,
});
