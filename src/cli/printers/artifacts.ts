import type { ArtifactFile, ArtifactRef } from '../../run/run-event.ts';
import { padStart, widest } from './fit.ts';
import type { Look } from './look.ts';
import { visible } from './visible.ts';
import { plural, size } from '../../lib/quantities.ts';

/** `part`: what its steps kept for themselves. */
export type StageArtifacts = { readonly stage: string; readonly part?: 'steps'; readonly artifacts: ArtifactRef };

/** The files that stages left behind, each stage's as a tree with sizes. */
export const artifacts = (stages: readonly StageArtifacts[], look: Look): string[] =>
  stages.length === 0
    ? ['No stage left files behind.']
    : stages.flatMap(({ stage, part, artifacts: left }, index) => [
        ...(index === 0 ? [] : ['']),
        ...tree(part === undefined ? stage : `${stage}, kept by its steps`, left, look),
      ]);

type Folder = { readonly folders: Map<string, Folder>; readonly files: ArtifactFile[] };

const tree = (stage: string, { files, bytes }: ArtifactRef, look: Look): string[] => {
  const root: Folder = { folders: new Map(), files: [] };
  for (const file of files) {
    const parts = file.path.split('/');
    const name = parts.pop();
    const folder = parts.reduce(folderIn, root);
    if (name !== '') folder.files.push(file);
  }
  const count = files.filter(({ path }) => !path.endsWith('/')).length;
  const sizeColumns = widest(files.map((file) => size(file.bytes)));
  const head = `${look.palette.strong(visible(stage))}  ${look.palette.quiet(`${plural(count, 'file')}, ${size(bytes)} zipped`)}`;
  return [head, ...branches(root, '', sizeColumns, look)];
};

const folderIn = (folder: Folder, name: string): Folder => {
  const known = folder.folders.get(name) ?? { folders: new Map(), files: [] };
  folder.folders.set(name, known);
  return known;
};

const branches = (folder: Folder, rails: string, sizeColumns: number, look: Look): string[] => {
  const { palette, glyphs } = look;
  const entries = [
    ...[...folder.folders].sort(byName).map(([name, inner]) => ({
      size: '',
      line: palette.strong(`${visible(name)}/`),
      inner,
    })),
    ...folder.files
      .map((file) => [nameOf(file), file] as const)
      .sort(byName)
      .map(([name, file]) => ({
        size: size(file.bytes),
        line: `${visible(name)}${fileRemark(file, look)}`,
        inner: undefined,
      })),
  ];
  return entries.flatMap(({ size: shown, line, inner }, index) => {
    const isLast = index === entries.length - 1;
    const below = inner === undefined ? [] : branches(inner, `${rails}${isLast ? '   ' : `${glyphs.tree.rail} `}`, sizeColumns, look);
    const left = `  ${padStart(shown, sizeColumns)}  ${rails}${isLast ? glyphs.tree.last : glyphs.tree.branch}`;
    return [`${palette.quiet(left)} ${line}`, ...below];
  });
};

const byName = (one: readonly [string, unknown], two: readonly [string, unknown]): number =>
  one[0] < two[0] ? -1 : Number(one[0] > two[0]);

const nameOf = ({ path }: ArtifactFile): string => path.slice(path.lastIndexOf('/') + 1);

const fileRemark = ({ target, mode }: ArtifactFile, { palette }: Look): string => {
  if (target !== undefined) return palette.quiet(` -> ${visible(target)}`);
  return (mode & 0o111) === 0 ? '' : palette.quiet(' (executable)');
};
