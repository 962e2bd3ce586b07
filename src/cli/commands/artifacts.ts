import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { didYouMean } from '../../lib/did-you-mean.ts';
import type { RunState } from '../../run/run-state.ts';
import type { ArtifactsPlace } from '../artifacts-place.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { extractZip } from '../extract.ts';
import { looks } from '../looks.ts';
import { artifacts as artifactLines, type StageArtifacts } from '../printers/artifacts.ts';
import { plural } from '../../lib/quantities.ts';
import { zipEntries } from '../../lib/read-zip.ts';
import { Refusal } from '../refusal.ts';
import { artifactsOn } from '../remote/artifacts-on.ts';
import { isRemote, openRemoteProject, type RemoteOptions } from '../remote/open-remote.ts';
import { findRunAndStage } from '../run-and-stage.ts';
import { localRuns } from '../run-place.ts';
import { write, writeLines } from '../write.ts';
import { openProject } from './open-project.ts';

export type ArtifactsOptions = RemoteOptions & {
  readonly steps?: true;
  readonly get?: string;
  readonly extract?: string;
  readonly json?: true;
};

/** What stages left behind, which stays when their containers are gone (R-CIO-46, R-CIO-47). */
export const artifacts = async (
  context: Context,
  first: string | undefined,
  second: string | undefined,
  { steps, get, extract, json, ...options }: ArtifactsOptions,
): Promise<ExitCode> => {
  const place = isRemote(options) ? artifactsOn(await openRemoteProject(context, options)) : await artifactsHere(context);
  const { state, stage } = await findRunAndStage(place.runs, first, second);
  const all = leftBehind(state).filter((one) => stage === undefined || one.stage === stage);
  const left = steps || extract !== undefined ? all.filter(({ part }) => (part === 'steps') === (steps === true)) : all;
  if (get !== undefined) await printFile(context, place, state, left, get);
  else if (extract !== undefined) return extractAll(context, place, state, left, resolve(context.cwd, extract));
  else if (json) await writeLines(context.stdout, left.flatMap(asJson));
  else await writeLines(context.stdout, artifactLines(left, looks(context)));
  return exitCodes.passed;
};

const leftBehind = (state: RunState): readonly StageArtifacts[] =>
  [...state.nodes.values()].flatMap((node) => {
    if (node.kind !== 'stage') return [];
    const { artifacts, stepArtifacts } = node.attempts.at(-1) ?? {};
    return [
      ...(stepArtifacts === undefined ? [] : [{ stage: node.name, part: 'steps' as const, artifacts: stepArtifacts }]),
      ...(artifacts === undefined ? [] : [{ stage: node.name, artifacts }]),
    ];
  });

const asJson = ({ stage, part, artifacts: { files } }: StageArtifacts): readonly string[] =>
  files.map((file) => JSON.stringify({ stage, ...(part === undefined ? {} : { part }), ...file }));

const printFile = async (
  context: Context,
  place: ArtifactsPlace,
  state: RunState,
  left: readonly StageArtifacts[],
  path: string,
): Promise<void> => {
  const holder = left.findLast(({ artifacts: { files } }) => files.some((file) => file.path === path));
  if (holder === undefined) {
    const paths = left.flatMap(({ artifacts: { files } }) => files.map((file) => file.path));
    throw new Refusal('ARTIFACT_UNKNOWN', `No file ${JSON.stringify(path)} was left behind.`, didYouMean(path, paths));
  }
  for await (const entry of zipEntries(await openZip(place, state, holder))) {
    if (entry.path !== path) continue;
    for await (const chunk of await entry.content()) await write(context.stdout, chunk as Buffer);
    return;
  }
};

const extractAll = async (
  context: Context,
  place: ArtifactsPlace,
  state: RunState,
  left: readonly StageArtifacts[],
  directory: string,
): Promise<ExitCode> => {
  const [only, another] = left;
  if (only === undefined) throw new Refusal('NO_ARTIFACTS', `Run ${state.number} left no files behind.`);
  if (another !== undefined) {
    const names = left.map(({ stage }) => stage).join(', ');
    throw new Refusal('USAGE', `More than one stage left files behind: ${names}.`, 'Name the stage whose files are wanted.');
  }
  const { files, skipped } = await extractZip(await openZip(place, state, only), directory);
  for (const { path, reason } of skipped) context.stderr.write(`cion: ${JSON.stringify(path)} is left out: ${reason}.\n`);
  context.stderr.write(`${plural(files, 'file')} of ${only.stage} in ${directory}\n`);
  return skipped.length === 0 ? exitCodes.passed : exitCodes.errored;
};

const openZip = async ({ zip }: ArtifactsPlace, state: RunState, one: StageArtifacts): Promise<Readable> => {
  const found = await zip(state, one);
  if (found === undefined) throw new Refusal('NO_ARTIFACTS', `The files of "${one.stage}" are no longer kept.`);
  return found;
};

const artifactsHere = async (context: Context): Promise<ArtifactsPlace> => {
  const project = await openProject(context);
  return { runs: localRuns(project), zip: ({ run }, { artifacts: { key } }) => project.results.open(run, key) };
};
