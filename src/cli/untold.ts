import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { writeAtomically } from '../lib/atomic-file.ts';
import type { Context } from './context.ts';
import type { MovedRef } from './hook-call.ts';

/**
 * What a server is to be told of, in the git directory of the repository, until it is. Hooks that run side by side need no lock: what two of them tell is one
 * thing to the server.
 */
export type Untold = {
  readonly directory: string;
  /** The oldest first, as they were pushed. What cannot be removed when it is told is told again. */
  list(): Promise<readonly { readonly moved: MovedRef; done(): Promise<void> }[]>;
  /** Of one push. Rejects where nothing can be written. */
  keep(moved: readonly MovedRef[]): Promise<void>;
};

const keptRef = z.object({
  url: z.string(),
  moved: z.object({ ref: z.string(), old: z.string(), new: z.string(), commit: z.string().exactOptional(), by: z.string() }),
});

/** Of a server that is gone for good, the oldest go. */
const most = 1000;

/** Of the server at this address; `undefined` where there is no repository. */
export const untoldOf = async ({ cwd, env }: Context, url: URL): Promise<Untold | undefined> => {
  const asked = { cwd, env: { ...env }, extendEnv: false, reject: false, stdin: 'ignore' } as const;
  const { exitCode, stdout } = await execa('git', ['rev-parse', '--absolute-git-dir'], asked);
  if (exitCode !== 0) return undefined;
  const directory = join(stdout, 'cion-untold');
  const names = async (): Promise<readonly string[]> =>
    (await readdir(directory).catch((): string[] => [])).filter((name) => name.endsWith('.json')).toSorted();
  return {
    directory,
    list: async () => {
      const all = await Promise.all(
        (await names()).map(async (name) => {
          const path = join(directory, name);
          const kept = keptRef.safeParse(
            await readFile(path, 'utf8')
              .then(JSON.parse)
              .catch(() => undefined),
          );
          return kept.data?.url === url.href
            ? [{ moved: kept.data.moved, done: () => rm(path, { force: true }).catch(() => undefined) }]
            : [];
        }),
      );
      return all.flat();
    },
    keep: async (moved) => {
      if (moved.length === 0) return;
      await sharedDirectory(directory, stdout);
      for (const name of (await names()).slice(0, -most)) await rm(join(directory, name), { force: true });
      const pushedAt = String(Date.now()).padStart(15, '0');
      const push = randomUUID();
      for (const [index, one] of moved.entries()) {
        const name = `${pushedAt}-${push}-${String(index).padStart(6, '0')}.json`;
        await writeAtomically(join(directory, name), JSON.stringify({ url: url.href, moved: one }));
      }
    },
  };
};

/** Whoever may push to a repository may tell of what others have pushed. */
const sharedDirectory = async (directory: string, repository: string): Promise<void> => {
  if ((await mkdir(directory, { recursive: true })) === undefined) return;
  await chmod(directory, (await stat(repository)).mode & 0o7777);
};
