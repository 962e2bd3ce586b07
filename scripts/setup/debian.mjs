import { existsSync } from 'node:fs';
import { SetupError } from './setup-error.mjs';
import { run, which } from './shell.mjs';

/** May this process install Debian packages? */
export const canInstall = () => process.getuid?.() === 0 && existsSync('/etc/debian_version') && which('apt-get') !== undefined;

let updated = false;

export const install = async (say, ...packages) => {
  say(`installing ${packages.join(', ')} (apt-get)`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const wait = ['-o', 'DPkg::Lock::Timeout=300'];
  if (!updated) {
    const { code, output } = await run('apt-get', [...wait, 'update', '-q'], { env });
    if (code !== 0) say(`apt-get update failed; going on with the lists that are there\n${output.trimEnd()}`);
    updated = true;
  }
  const { code, output } = await run('apt-get', [...wait, 'install', '-y', '-q', '--no-install-recommends', ...packages], { env });
  if (code !== 0) throw new SetupError(`apt-get could not install ${packages.join(', ')}:\n${output.trimEnd()}`);
};
