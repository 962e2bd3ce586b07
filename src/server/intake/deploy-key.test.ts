import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { newDeployKey } from './deploy-key.ts';

test('ssh reads both halves of a deploy key as one pair, and signs with it (R-DCO-06)', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'cion-key-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const keys = ['cion', 'cion-ada/app', 'x'.repeat(70)].map((comment) => newDeployKey(comment));
  for (const [i, key] of keys.entries()) {
    const path = join(directory, String(i));
    writeFileSync(path, key.private, { mode: 0o600 });
    assert.equal(execFileSync('ssh-keygen', ['-y', '-P', '', '-f', path], { encoding: 'utf8' }).trim(), key.public);
    writeFileSync(join(directory, 'signers'), `me ${key.public}\n`);
    const signature = execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-f', path, '-n', 'git'], { input: 'text' });
    writeFileSync(join(directory, 'signature'), signature);
    const verify = ['-Y', 'verify', '-f', join(directory, 'signers'), '-I', 'me', '-n', 'git', '-s', join(directory, 'signature')];
    assert.equal(spawnSync('ssh-keygen', verify, { input: 'text' }).status, 0);
  }
  assert.equal(new Set(keys.map((key) => key.public)).size, keys.length);
});
