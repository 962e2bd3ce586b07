import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.mjs';
import { SetupError } from './setup-error.mjs';
import { run } from './shell.mjs';

/** Are the installed packages those of package-lock.json? npm writes down what it installed when it is done. */
export const dependenciesInstalled = () => {
  const wanted = packagesIn(join(root, 'package-lock.json'));
  const installed = packagesIn(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === undefined || installed === undefined) return false;
  return Object.entries(wanted).every(([path, { version, optional, link }]) => {
    if (path === '' || link === true) return true;
    const found = installed[path]?.version;
    return found === version || (found === undefined && optional === true);
  });
};

export const installDependencies = async (say) => {
  say('installing the packages of package-lock.json (npm ci)');
  const { code, output } = await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: root });
  if (code !== 0) throw new SetupError(`npm ci failed:\n${output.trimEnd()}`);
};

const packagesIn = (file) => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
};
