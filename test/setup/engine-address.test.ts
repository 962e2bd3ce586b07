import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { chosenEngine } from '../../scripts/setup/engine-address.mjs';

test('DOCKER_HOST wins, then the context of DOCKER_CONTEXT, then the current one; else nobody chose', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cion-context-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['away', 'other']) {
    const meta = join(folder, 'contexts', 'meta', createHash('sha256').update(name).digest('hex'));
    mkdirSync(meta, { recursive: true });
    writeFileSync(join(meta, 'meta.json'), JSON.stringify({ Name: name, Endpoints: { docker: { Host: `tcp://${name}:2375` } } }));
  }
  const env = { DOCKER_CONFIG: folder };
  assert.equal(chosenEngine(env), undefined);
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ currentContext: 'away' }));
  assert.deepEqual(chosenEngine(env), { host: 'tcp://away:2375', by: "Docker's context away" });
  assert.equal(chosenEngine({ ...env, DOCKER_CONTEXT: 'other' })?.host, 'tcp://other:2375');
  assert.equal(chosenEngine({ ...env, DOCKER_CONTEXT: 'default' }), undefined);
  assert.deepEqual(chosenEngine({ ...env, DOCKER_HOST: 'unix:///x.sock' }), { host: 'unix:///x.sock', by: 'DOCKER_HOST' });
});
