import { canInstall, install } from './debian.mjs';
import { SetupError } from './setup-error.mjs';
import { which } from './shell.mjs';

/** Programs that some tests run, and the packages of Debian that have them. */
const packageOf = {
  'docker-registry': 'docker-registry',
  sshd: 'openssh-server',
  ssh: 'openssh-client',
  zsh: 'zsh',
  fish: 'fish',
  age: 'age',
  shellcheck: 'shellcheck',
  'systemd-analyze': 'systemd',
  initdb: 'postgresql',
  radosgw: 'radosgw',
  'ceph-mon': 'ceph-mon',
  'ceph-osd': 'ceph-osd',
  'ceph-mgr': 'ceph-mgr',
  'ceph-authtool': 'ceph-common',
  monmaptool: 'ceph-base',
};

/**
 * All of them at once and before the tests, which run side by side and would wait for each other's installations. Tests that need one are
 * skipped where it cannot be had, and say so.
 */
export const ensureTestTools = async (say) => {
  const missing = Object.entries(packageOf).flatMap(([program, name]) => (which(program) === undefined ? [name] : []));
  if (missing.length === 0 || !canInstall()) return;
  try {
    await install(say, ...missing);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`${error.message}\ntests that need one of them are skipped`);
  }
};
