import { readFileSync } from 'node:fs';
import { canInstall, install } from './debian.mjs';
import { SetupError } from './setup-error.mjs';
import { run, which } from './shell.mjs';
import { tar } from './tar.mjs';

/** The files of an image with a shell and the usual small programs, made of this machine's own static busybox. */
export const busyboxFiles = async (say) => {
  const program = await staticBusybox(say);
  const { output } = await run(program, ['--list']);
  const applets = output.split('\n').filter((applet) => applet !== '' && applet !== 'busybox');
  const directory = (path, mode = 0o755) => ({ path: `${path}/`, mode });
  const text = (path, content) => ({ path, mode: 0o644, bytes: Buffer.from(content) });
  return tar([
    ...['etc', 'root', 'home', 'usr', 'usr/bin', 'var', 'dev', 'proc', 'sys', 'run'].map((path) => directory(path)),
    directory('tmp', 0o1777),
    directory('var/tmp', 0o1777),
    { path: 'bin', target: 'usr/bin' },
    { path: 'sbin', target: 'usr/bin' },
    { path: 'usr/sbin', target: 'bin' },
    text('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n'),
    text('etc/group', 'root:x:0:\nnogroup:x:65534:\n'),
    { path: 'usr/bin/busybox', mode: 0o755, bytes: readFileSync(program) },
    ...applets.map((applet) => ({ path: `usr/bin/${applet}`, target: 'busybox' })),
  ]);
};

const staticBusybox = async (say) => {
  const found = which('busybox');
  if (found !== undefined && isStatic(readFileSync(found))) return found;
  if (!canInstall()) throw new SetupError('No registry gives busybox:latest, and this machine has no static busybox to make it from.');
  await install(say, 'busybox-static');
  return which('busybox');
};

/** A 64-bit ELF program without an interpreter brings all it needs. */
const isStatic = (elf) => {
  const interpreter = 3;
  const [table, size, count] = [Number(elf.readBigUInt64LE(0x20)), elf.readUInt16LE(0x36), elf.readUInt16LE(0x38)];
  return !Array.from({ length: count }, (_, i) => elf.readUInt32LE(table + i * size)).includes(interpreter);
};
