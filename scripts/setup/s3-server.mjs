import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { canInstall, install } from './debian.mjs';
import { SetupError } from './setup-error.mjs';
import { run, which } from './shell.mjs';

const packages = ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph-mgr', 'ceph-common', 'ceph-base'];
const programs = ['radosgw', 'radosgw-admin', 'ceph', 'ceph-mon', 'ceph-osd', 'ceph-mgr', 'ceph-authtool', 'monmaptool'];
const patienceMs = 60_000;
const betweenPingsMs = 200;

/** Why no S3 server can run here; `undefined` where one can, perhaps after an installation. */
export const whyNoS3 = () => {
  if (process.platform !== 'linux' || which('setpriv') === undefined) return 'the S3 server of the tests needs Linux';
  if (isInstalled() || canInstall()) return undefined;
  return 'radosgw is not installed, and only root can install it, on Debian';
};

const isInstalled = () => programs.every((name) => which(name) !== undefined);

/**
 * A real S3 server, Ceph's, with all it stores in memory: monitor, manager, one storage daemon and the gateway, below `directory` and on
 * ports of its own. The daemons die with this process.
 */
export const startS3 = async (directory, users, say) => {
  if (!isInstalled()) await install(say, ...packages);
  for (const name of ['mon', 'mgr', 'osd', 'rgw', 'log']) mkdirSync(join(directory, name), { recursive: true });
  const [monitor, gateway] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const config = join(directory, 'ceph.conf');
  const fsid = randomUUID();
  writeFileSync(config, configText({ directory, fsid, monitor, gateway }));

  const ended = [];
  const daemon = (name, log, ...args) => {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', which(name), '-c', config, '-f', ...args], { stdio: 'ignore' });
    child.on('exit', (code, signal) => ended.push(`${name} ended with ${signal ?? code}:\n${lastLines(directory, log)}`));
  };
  const tool = async (name, ...args) => {
    const { code, output } = await run(which(name), args, { env: { ...process.env, CEPH_CONF: config } });
    if (code !== 0) throw new SetupError(`${name} ${args.join(' ')} failed:\n${output.trimEnd()}`);
    return output;
  };

  const keyring = join(directory, 'keyring');
  const all = ['mon', 'osd', 'mgr', 'mds'].flatMap((what) => ['--cap', what, 'allow *']);
  await tool('ceph-authtool', '--create-keyring', keyring, '--gen-key', '-n', 'mon.', '--cap', 'mon', 'allow *');
  await tool('ceph-authtool', keyring, '--gen-key', '-n', 'client.admin', ...all);
  const map = join(directory, 'monmap');
  await tool('monmaptool', '--create', '--addv', 'a', `[v1:${monitor}]`, '--fsid', fsid, map);
  await tool('ceph-mon', '-c', config, '--mkfs', '-i', 'a', '--monmap', map, '--keyring', keyring);
  daemon('ceph-mon', 'mon.a', '-i', 'a');
  daemon('ceph-mgr', 'mgr.x', '-i', 'x');
  const osd = randomUUID();
  await tool('ceph', '-c', config, 'osd', 'new', osd, '0');
  await tool('ceph-osd', '-c', config, '-i', '0', '--mkfs', '--osd-uuid', osd, '--no-mon-config');
  daemon('ceph-osd', 'osd.0', '-i', '0');
  daemon('radosgw', 'client.rgw', '-n', 'client.rgw');

  const endpoint = `http://${gateway}`;
  const deadline = Date.now() + patienceMs;
  while (!(await answers(endpoint))) {
    if (ended[0] !== undefined) throw new SetupError(ended[0]);
    if (Date.now() > deadline) throw new SetupError(`radosgw did not answer:\n${lastLines(directory, 'client.rgw')}`);
    await sleep(betweenPingsMs);
  }
  for (const { name, accessKeyId, secretAccessKey } of users) {
    const keys = [`--access-key=${accessKeyId}`, `--secret-key=${secretAccessKey}`];
    await tool('radosgw-admin', '-c', config, 'user', 'create', `--uid=${name}`, `--display-name=${name}`, ...keys);
  }
  return { endpoint };
};

const answers = (endpoint) =>
  fetch(endpoint).then(
    ({ ok }) => ok,
    () => false,
  );

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const lastLines = (directory, log) => {
  try {
    return readFileSync(join(directory, 'log', `${log}.log`), 'utf8')
      .split('\n')
      .slice(-10)
      .join('\n');
  } catch {
    return '';
  }
};

const configText = ({ directory, fsid, monitor, gateway }) => `[global]
fsid = ${fsid}
mon_initial_members = a
mon_host = v1:${monitor}
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
run_dir = ${directory}
admin_socket = ${directory}/$name.asok
pid_file = ${directory}/$name.pid
log_file = ${directory}/log/$name.log
crash_dir = ${directory}
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false
osd_pool_default_pg_num = 8
osd_pool_default_pg_autoscale_mode = off
mon_max_pg_per_osd = 1000
mon_data_avail_crit = 1
mon_data_avail_warn = 2
ms_bind_msgr2 = false
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
keyring = ${directory}/keyring
setuser_match_path =
[mon.a]
mon_data = ${directory}/mon
[mgr.x]
mgr_data = ${directory}/mgr
[osd.0]
osd_data = ${directory}/osd
osd_objectstore = memstore
memstore_device_bytes = 2147483648
[client.rgw]
rgw_frontends = beast endpoint=${gateway}
rgw_data = ${directory}/rgw
`;
