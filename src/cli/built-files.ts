import { rm, stat } from 'node:fs/promises';
import type { Dialect } from '../dialects/dialect.ts';
import type { ArtifactRef, Source } from '../run/run-event.ts';
import type { RunState } from '../run/run-state.ts';
import { copyDirectory } from '../source/copy-directory.ts';
import { snapshot } from '../source/snapshot.ts';
import { extractZip } from './extract.ts';
import { committedTree } from '../planning/committed-tree.ts';
import type { Tree } from '../planning/compile-tree.ts';
import type { Project } from './project.ts';
import { directoryTree } from '../planning/directory-tree.ts';
import { Refusal } from './refusal.ts';
import { sourceDirectory } from './snapshots.ts';

type Where = { readonly into: string; readonly signal: AbortSignal; readonly log: (line: string) => void };

/**
 * The files that a run left, those of later stages over those of earlier ones; of a run that left none, those that it was about. The
 * text is theirs, or where they have none, that of the run's own source.
 */
export const freezeBuilt = async (
  project: Project,
  built: RunState,
  dialects: readonly Dialect[],
  { into, signal, log }: Where,
): Promise<{ readonly source: Source; readonly tree: Tree; close?(): Promise<void> }> => {
  await rm(into, { recursive: true, force: true });
  const left = await writeBuilt(project, built, { into, signal, log });
  const source: Source = { ...about(built), ...left };
  const tree = directoryTree(into);
  if (await hasText(tree, dialects)) return { source, tree };
  const texts = `${into}-text`;
  log('the files have no configuration: that of the run which left them is used');
  await writeSource(project, built, { into: texts, signal, log: () => undefined });
  return { source, tree: directoryTree(texts), close: () => rm(texts, { recursive: true, force: true }) };
};

/** Where the text of `freezeBuilt` will be, for a look before; `undefined`: among files that would have to be unpacked, or not kept. */
export const textOfBuilt = async (project: Project, built: RunState, dialects: readonly Dialect[]): Promise<Tree | undefined> => {
  const left = leftBy(built).flatMap(({ files }) => files.map(({ path }) => path));
  if (dialects.some(({ wants }) => wants(left).length > 0)) return undefined;
  const kept = sourceDirectory(project, built.run);
  if ((await stat(kept).catch(() => undefined)) !== undefined) return directoryTree(kept);
  const { commit, changedFiles } = built.fetch.source ?? {};
  return commit === undefined || changedFiles !== 0 ? undefined : committedTree(project.root, commit);
};

const leftBy = ({ nodes }: RunState): readonly ArtifactRef[] =>
  [...nodes.values()].flatMap((node) => (node.kind === 'stage' ? (node.attempts.at(-1)?.artifacts ?? []) : []));

const writeBuilt = async (project: Project, built: RunState, where: Where): Promise<Pick<Source, 'files' | 'bytes'>> => {
  const left = leftBy(built);
  if (left.length === 0) {
    where.log(`run ${built.number} left no files: those that it was about are taken`);
    return writeSource(project, built, where);
  }
  let files = 0;
  for (const { key } of left) {
    where.signal.throwIfAborted();
    const zip = await project.results.open(built.run, key);
    if (zip === undefined) {
      throw new Refusal('NO_ARTIFACTS', `The files that run ${built.number} left are no longer kept.`, 'Build again: cion build');
    }
    const extracted = await extractZip(zip, where.into);
    files += extracted.files;
    for (const { path, reason } of extracted.skipped) where.log(`warning: ${JSON.stringify(path)} is left out: ${reason}`);
  }
  where.log(`${files} files that run ${built.number} left`);
  return { files, bytes: left.flatMap((one) => one.files).reduce((sum, { bytes }) => sum + bytes, 0) };
};

const writeSource = async (project: Project, { run, number, fetch }: RunState, where: Where): Promise<Pick<Source, 'files' | 'bytes'>> => {
  const kept = sourceDirectory(project, run);
  if ((await stat(kept).catch(() => undefined)) !== undefined) return copyDirectory(kept, where.into, where.signal);
  const { commit, changedFiles = 0 } = fetch.source ?? {};
  if (commit === undefined || changedFiles > 0) {
    throw new Refusal('SOURCE_GONE', `The changed files that run ${number} was about are no longer kept.`, 'Build again: cion build');
  }
  return snapshot({ dir: project.root, commit, ...where });
};

const about = ({ fetch: { source } }: RunState): Source => {
  const { tree: _tree, ...rest } = source ?? { changedFiles: 0, files: 0, bytes: 0 };
  return rest;
};

const hasText = async (tree: Tree, dialects: readonly Dialect[]): Promise<boolean> => {
  for (const { looks, wants } of dialects) if (wants(await tree.paths(looks)).length > 0) return true;
  return false;
};
