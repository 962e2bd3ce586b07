import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { isNewEnough, packagedNode } from './node.mjs';
import { root } from './root.mjs';
import { SetupError } from './setup-error.mjs';
import { run, which } from './shell.mjs';

/** Are the installed packages those of package-lock.json? npm writes down what it installed when it is done. */
export const dependenciesInstalled = () => {
  const wanted = packagesIn('package-lock.json');
  const installed = packagesIn(join('node_modules', '.package-lock.json'));
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    const found = installed[path]?.version;
    return path === '' || found === version || (found === undefined && optional === true);
  });
};

export const installDependencies = async (say) => {
  say('installing the packages of package-lock.json (npm ci)');
  const npm = which('npm');
  if (npm === undefined) throw new SetupError('npm is needed and is not installed.');
  await install(npm, []);
  if (isNewEnough(process.versions.node) || packagedNode() === undefined || !someLeftOut()) return;
  say(`npm left packages out that Node ${process.versions.node} is too old for; once more with the Node that came along`);
  await install(packagedNode(), [realpathSync(npm)]);
};

const install = async (program, args) => {
  const { code, output } = await run(program, [...args, 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: root });
  if (code !== 0) throw new SetupError(`npm ci failed:\n${output.trimEnd()}`);
};

/** An optional package for machines like this one is not there. */
const someLeftOut = () => {
  const installed = packagesIn(join('node_modules', '.package-lock.json'));
  const here = { os: process.platform, cpu: process.arch, libc: process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl' };
  return Object.entries(packagesIn('package-lock.json')).some(
    ([path, wanted]) =>
      wanted.optional === true &&
      installed[path] === undefined &&
      Object.entries(here).every(([key, value]) => wanted[key] === undefined || [wanted[key]].flat().includes(value)),
  );
};

const packagesIn = (file) => {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
  } catch {
    return {};
  }
};
