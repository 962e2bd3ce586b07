import { execa } from 'execa';
import { plural, size } from '../lib/quantities.ts';
import { ownEnvironment } from './git.ts';
import { SourceError } from './source-error.ts';

export type TreeLimits = { readonly files: number; readonly bytes: number };

export type TreeContents = { readonly files: number; readonly bytes: number; readonly submodules: readonly string[] };

/**
 * What a tree has, its submodules apart. Reads of it only as much as its limits allow, for a few kilobytes of objects can stand for any number of files. Rejects
 * with SOURCE_TOO_LARGE.
 */
export const measureTree = async (
  gitDir: string,
  tree: string,
  limits: TreeLimits | undefined,
  signal: AbortSignal,
): Promise<TreeContents> => {
  const git = execa('git', ['ls-tree', '-r', '-l', '-z', '--full-tree', tree], {
    env: ownEnvironment({ GIT_DIR: gitDir }),
    extendEnv: false,
    encoding: 'buffer',
    buffer: false,
    reject: false,
    stdin: 'ignore',
    cancelSignal: signal,
  });
  let files = 0;
  let bytes = 0;
  let rest = '';
  const submodules: string[] = [];
  for await (const chunk of git.iterable({ from: 'stdout', binary: true }) as AsyncIterable<Uint8Array>) {
    const entries = `${rest}${Buffer.from(chunk).toString('latin1')}`.split('\0');
    rest = entries.pop() ?? '';
    for (const entry of entries) {
      if (entry.startsWith('160000 ')) {
        submodules.push(Buffer.from(entry.slice(entry.indexOf('\t') + 1), 'latin1').toString());
        continue;
      }
      files++;
      bytes += Number(/^\d+ blob [0-9a-f]+ +(\d+)\t/.exec(entry)?.[1] ?? 0);
    }
    if (limits === undefined) continue;
    const hasMany = files + submodules.length > limits.files;
    if (hasMany || bytes > limits.bytes) {
      git.kill('SIGKILL');
      const most = hasMany ? plural(limits.files, 'file') : size(limits.bytes);
      throw new SourceError('SOURCE_TOO_LARGE', `The commit has more than ${most}, which is the limit of this server.`);
    }
  }
  const { exitCode } = await git;
  signal.throwIfAborted();
  if (exitCode !== 0) throw new SourceError('SOURCE_GIT_FAILED', `The files of ${tree} cannot be listed.`);
  return { files, bytes, submodules };
};
