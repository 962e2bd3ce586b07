import { posix } from 'node:path';
import { type Parsed, parsed, refused } from '../../plan/problem.ts';
import { quoted } from '../quoted.ts';
import { type TextShape, textAs } from '../shape.ts';
import { outDir, placeOf, workingDir } from './directories.ts';
import { said, type Said } from './names.ts';

export type Vol =
  /** `stage` may be `source`: the commit's files. `plain`: the text says no path. */
  | { readonly kind: 'stage'; readonly stage: string; readonly path: string; readonly plain: boolean }
  | { readonly kind: 'host'; readonly hostPath: string; readonly path: string; readonly access: 'read-only' | 'read-write' };

const wrong = (message: string, hint: string): Parsed<never> => refused({ code: 'BAD_VOLUME', message, hint });

const example = 'Write a stage, "stage:path" or "/host/path:/container/path".';

const parseVol = (text: string): Parsed<Vol> => {
  const [from = '', to, mode, ...more] = text.split(':');
  if (more.length > 0 || from === '' || to === '') return wrong(`${quoted(text)} is not a volume.`, example);
  if (!from.startsWith('/')) {
    if (mode !== undefined) return wrong(`${quoted(text)} is not a volume.`, 'What a stage left is always read-only: write "stage:path".');
    if (to === undefined && /^[.~]?\/|^\.\.?$|\/$/.test(from)) return wrong(`${quoted(text)} is not a volume.`, pathHint);
    if (from.includes('/') || from.startsWith('.') || from.startsWith('~')) {
      return wrong(
        `${quoted(from)} is no stage.`,
        to === undefined ? pathHint : 'A path of the host is absolute: "/host/path:/container/path".',
      );
    }
    return placed(text, to ?? from, (path) => ({ kind: 'stage', stage: from, path, plain: to === undefined }));
  }
  if (to === undefined) return wrong(`${quoted(text)} does not say where.`, 'Write "/host/path:/container/path".');
  if (mode !== undefined && mode !== 'ro' && mode !== 'rw') {
    return wrong(`${quoted(text)} ends in ${quoted(mode)}.`, 'It may end in ":ro" for read-only or in ":rw".');
  }
  if (from.split('/').includes('..')) return wrong(`${quoted(from)} has ".." in it.`, 'Write the whole path.');
  return placed(text, to, (path) => ({
    kind: 'host',
    hostPath: posix.normalize(from),
    path,
    access: mode === 'ro' ? 'read-only' : 'read-write',
  }));
};

const pathHint = 'Files of the commit are in the volume "source": "vol: source" gives a copy of them at source/.';

const placed = (text: string, to: string, vol: (path: string) => Vol): Parsed<Vol> => {
  const path = placeOf(to);
  if (path === undefined)
    return wrong(`${quoted(text)} leads out of the working directory.`, 'Write an absolute path, or one without "..".');
  if (path === '/' || path === workingDir || path === outDir || path.startsWith(`${outDir}/`)) {
    return wrong(`Nothing can be mounted at ${quoted(to)}.`, 'Choose a directory of its own for it.');
  }
  return parsed(vol(path));
};

export const vol: TextShape<Said<Vol>> = said(textAs('a volume', { type: 'string' }, parseVol));
