import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { pack } from 'tar-stream';
import { allSettled } from '../../lib/all-settled.ts';
import { RuntimeError } from '../runtime-error.ts';
import type { Item, Values } from '../runtime.ts';
import { type Account, placed } from './accounts.ts';
import type { EngineMount } from './containers.ts';
import type { Parts } from './parts.ts';
import { volumeRoot } from './pause-image.ts';

/** The input files of an attempt: their directories are volumes of its own, which its command can only read. */
export type Inputs = {
  readonly mounts: readonly EngineMount[];
  /** Those of them that are known before the start; resolves when nothing is being made any more. */
  fillAhead(files: Values['files'], signal: AbortSignal): Promise<void>;
  /** What is there by now is not sent again. */
  fill(files: Values['files'], signal: AbortSignal): Promise<void>;
};

export const makeInputs = async (parts: Parts, item: Item, paths: readonly string[], account: Account | undefined): Promise<Inputs> => {
  const { names, trees } = parts;
  const labels = parts.labelsOf(item, 'files');
  const made = await Promise.all(
    outermost(paths.map((path) => posix.dirname(posix.normalize(placed(path, account))))).map(async (directory) => {
      if (directory === '/') throw new RuntimeError('UNSUPPORTED', 'an input file cannot stand in the root directory itself');
      const volume = await trees.ensure(names.inputs(item, directory), labels);
      const helper = trees.helper(volume, labels);
      helper.catch(() => {});
      return { directory, volume, helper };
    }),
  );
  const sent = new Map<string, Values['files']>();

  const send = async ({ directory, helper }: Input, files: Values['files'], signal: AbortSignal): Promise<void> => {
    const name = await helper;
    if (isDeepStrictEqual(sent.get(directory), files)) return;
    sent.delete(directory);
    await trees.fill(name, tarOf(directory, files, account), signal);
    sent.set(directory, files);
  };
  const within = ({ directory }: Input, files: Values['files']): Values['files'] => files.filter(({ path }) => isBelow(path, directory));
  const opened = (files: Values['files']): Values['files'] =>
    files.map((file) => ({ ...file, path: posix.normalize(placed(file.path, account)) }));

  return {
    mounts: made.map(({ directory, volume }) => ({
      Type: 'volume',
      Source: volume,
      Target: directory,
      ReadOnly: true,
      VolumeOptions: { NoCopy: true },
    })),
    fillAhead: async (files, signal) => {
      const open = opened(files);
      await allSettled(
        made.map(async (each) => {
          const some = within(each, open);
          if (some.length > 0) await send(each, some, signal);
          else await each.helper;
        }),
      );
    },
    fill: async (files, signal) => {
      const open = opened(files);
      const stray = open.find(({ path }) => !made.some(({ directory }) => isBelow(path, directory)));
      if (stray !== undefined) throw new RuntimeError('UNSUPPORTED', `the input file ${stray.path} is none of the plan's`);
      await Promise.all(made.map((each) => send(each, within(each, open), signal)));
    },
  };
};

type Input = { readonly directory: string; readonly helper: Promise<string> };

/** Those that are in no other of them: a volume that can only be read has no place to mount another in. */
const outermost = (directories: readonly string[]): readonly string[] => {
  const distinct = [...new Set(directories)];
  return distinct.filter((directory) => !distinct.some((other) => other !== directory && isBelow(directory, other)));
};

const isBelow = (path: string, directory: string): boolean => path.startsWith(directory === '/' ? '/' : `${directory}/`);

/** Of a volume as it is mounted in its helper, with its root: one call fills it. */
const tarOf = (directory: string, files: Values['files'], account: Account | undefined): Readable => {
  const tar = pack();
  const mtime = new Date();
  const root = volumeRoot.slice(1);
  const folders = new Set([root]);
  tar.entry({ name: `${root}/`, type: 'directory', mode: 0o755, mtime });
  for (const { path, content, private: isPrivate } of files) {
    const name = posix.join(root, posix.relative(directory, path));
    for (const folder of foldersOf(name)) {
      if (folders.has(folder)) continue;
      folders.add(folder);
      tar.entry({ name: `${folder}/`, type: 'directory', mode: 0o755, mtime });
    }
    const owned = isPrivate === true && account !== undefined ? { mode: 0o400, uid: account.uid, gid: account.gid } : { mode: 0o444 };
    tar.entry({ name, mtime, ...owned }, Buffer.from(content));
  }
  tar.finalize();
  return Readable.from(tar, { objectMode: false });
};

const foldersOf = (name: string): readonly string[] => {
  const steps = name.split('/').slice(0, -1);
  return steps.map((_, depth) => steps.slice(0, depth + 1).join('/'));
};
