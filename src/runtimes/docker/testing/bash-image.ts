import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import type { Engine } from '../engine/engine.ts';

/** The image with this machine's bash in it. */
export const bashImage = async (engine: Engine, name: string, from: string): Promise<void> => {
  const { stdout: program } = spawnSync('sh', ['-c', 'command -v bash'], { encoding: 'utf8' });
  assert.notEqual(program, '', 'there is no bash on this machine');
  const tar = pack();
  tar.entry({ name: 'Dockerfile' }, `FROM ${from}\nCOPY root/ /\n`);
  const add = (path: string, to: string): void => void tar.entry({ name: `root${to}`, mode: 0o755 }, readFileSync(realpathSync(path)));
  add(program.trim(), '/bin/bash');
  for (const [library] of execFileSync('ldd', [program.trim()], { encoding: 'utf8' }).matchAll(/\/\S+(?=\s\(0x)/g)) add(library, library);
  tar.finalize();
  const body = Readable.from(tar, { objectMode: false });
  const headers = { 'content-type': 'application/x-tar' };
  for await (const _ of engine.progress('POST', '/build', { query: { t: name, rm: true, forcerm: true }, headers, body }));
};
