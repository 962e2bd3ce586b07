import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { busyboxFiles } from '../scripts/setup/busybox.mjs';
import { type After, archiveOf, importImage } from './engine.ts';
import { toolsFolder } from './tools.ts';

const certificates = '/etc/ssl/certs/ca-certificates.crt';

/**
 * An image as `node:24-slim` is one, made without a registry: busybox, this Node, npm, the certificates that this machine trusts, and
 * the programs that are asked for, with their libraries. Gone after the test.
 */
export const machineImage = (t: After, name: string, programs: readonly string[] = []): Promise<string> =>
  smallImage(t, name, programs, async (folder) => {
    addProgram(folder, process.execPath, '/usr/local/bin/node');
    cpSync(join(await toolsFolder(), 'npm'), join(folder, 'usr/local/lib/node_modules/npm'), { recursive: true });
    symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(folder, 'usr/local/bin/npm'));
  });

/** Busybox, these programs of this machine with their libraries, and what is added. Gone after the test. */
export const smallImage = async (
  t: After,
  name: string,
  programs: readonly string[],
  add: (folder: string) => void | Promise<void> = () => undefined,
  changes: readonly string[] = [],
): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), 'cion-image-'));
  try {
    const { status, stderr } = spawnSync('tar', ['-x', '-C', folder], { input: await busyboxFiles(() => undefined) });
    assert.equal(status, 0, stderr.toString());
    for (const program of programs) addProgram(folder, pathOf(program), `/usr/bin/${program}`);
    copy(folder, process.env.NODE_EXTRA_CA_CERTS ?? certificates, certificates);
    writeFileSync(join(folder, 'etc/nsswitch.conf'), 'hosts: files dns\n');
    await add(folder);
    return await importImage(t, name, archiveOf(folder), [
      'ENV PATH=/usr/local/bin:/usr/bin:/bin',
      `ENV NODE_EXTRA_CA_CERTS=${certificates}`,
      'CMD ["sh"]',
      ...changes,
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const pathOf = (program: string): string => {
  const found = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find(existsSync);
  assert.ok(found !== undefined, `there is no ${program} on this machine`);
  return found;
};

export const addProgram = (folder: string, from: string, to: string): void => {
  rmSync(join(folder, to), { force: true });
  copy(folder, from, to);
  const { stdout } = spawnSync('ldd', [from], { encoding: 'utf8' });
  for (const [library] of stdout.matchAll(/\/\S+(?=\s\(0x)/g)) if (!existsSync(join(folder, library))) copy(folder, library, library);
};

const copy = (folder: string, from: string, to: string): void => {
  if (!existsSync(from)) return;
  mkdirSync(dirname(join(folder, to)), { recursive: true });
  copyFileSync(from, join(folder, to));
};
