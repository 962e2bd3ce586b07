import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { replaceFile } from '../lib/atomic-file.ts';
import type { Context } from './context.ts';
import type { MovedRef } from './hook-call.ts';

/** What a server could not be told of, in the git directory of the repository, until it is. */
export type Untold = {
  readonly directory: string;
  /** The oldest first. */
  list(): Promise<readonly { readonly moved: MovedRef; done(): Promise<void> }[]>;
  keep(moved: MovedRef): Promise<void>;
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
          return kept.data?.url === url.href ? [{ moved: kept.data.moved, done: () => rm(path, { force: true }) }] : [];
        }),
      );
      return all.flat();
    },
    keep: async (moved) => {
      await mkdir(directory, { recursive: true });
      for (const name of (await names()).slice(0, -most + 1)) await rm(join(directory, name), { force: true });
      const name = `${String(Date.now()).padStart(15, '0')}-${randomUUID()}.json`;
      await replaceFile(join(directory, name), async (file) => {
        await file.writeFile(JSON.stringify({ url: url.href, moved }));
        return moved;
      });
    },
  };
};
