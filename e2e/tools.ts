import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { withLock } from '../scripts/setup/lock.mjs';
import { root } from '../scripts/setup/root.mjs';

const recipe = join(root, 'e2e', 'tools');

/** The `node_modules` with the programs of e2e/tools, exactly as its lockfile says; installed when it is not there yet. */
export const toolsFolder = async (): Promise<string> => {
  const digest = createHash('sha256')
    .update(readFileSync(join(recipe, 'package-lock.json')))
    .digest('hex')
    .slice(0, 16);
  const folder = join(root, 'node_modules', '.cache', `cion-tools-${digest}`);
  const modules = join(folder, 'node_modules');
  await withLock(
    `cion-tools-${folder}`,
    () => undefined,
    async () => {
      if (existsSync(folder)) return;
      const partial = `${folder}.partial`;
      rmSync(partial, { recursive: true, force: true });
      cpSync(recipe, partial, { recursive: true });
      await promisify(execFile)('npm', ['ci', '--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund'], { cwd: partial });
      renameSync(partial, folder);
    },
  );
  return modules;
};
