import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../lib/clock.ts';
import { downloader } from './download.ts';
import { packStep } from './pack-step.ts';
import { publishStep } from './publish-step.ts';
import { stepRegistry } from './step-registry.ts';
import { stepRegistryServer } from './testing/step-registry-server.ts';
import { unpackStep } from './unpack-step.ts';

const folder = (t: TestContext, files: Readonly<Record<string, string>>): string => {
  const directory = mkdtempSync(join(tmpdir(), 'cion-step-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(join(directory, '.git'));
  writeFileSync(join(directory, '.git', 'config'), 'secret');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
};

const whole = {
  'run.sh': 'echo hi\n',
  'step.yml': 'name: greet\nversion: 1.10\nsummary: greets\nproperties:\n  - name: whom\n    type: string\n    required: true\n',
};

test('a step that is published is found again with its checksum, without its .git', async (t) => {
  const server = await stepRegistryServer({ token: 'secret' });
  t.after(() => server.close());
  const directory = folder(t, { ...whole, 'step.yml': whole['step.yml'].replace('1.10', '1.10.0') });
  const packed = await packStep(directory);
  assert.ok(packed.ok, JSON.stringify(packed));
  assert.deepEqual(await packStep(directory), packed);
  assert.deepEqual(Array.from((await unpackStep(packed.value.archive)).keys()), ['run.sh', 'step.yml']);
  const download = downloader(systemClock, { tries: 1, firstPauseMs: 1, timeoutMs: 5000 });
  const { signal } = new AbortController();
  const options = { registry: server.url, token: 'secret', owner: 'ada', isPrivate: false, download, signal };
  assert.deepEqual(await publishStep(packed.value, options), { ok: true, value: undefined });
  assert.deepEqual(
    server.seen.map(({ method, authorization }) => [method, authorization]),
    [
      ['POST', 'Bearer secret'],
      ['PUT', undefined],
      ['POST', 'Bearer secret'],
    ],
  );
  const found = await stepRegistry({ url: server.url, download }).find('ada', 'greet', '^1', signal);
  assert.ok(found.ok && found.value !== undefined);
  assert.deepEqual([found.value.version, found.value.sha256], ['1.10.0', packed.value.sha256]);
  for (const wrong of [options, { ...options, token: 'wrong' }]) {
    const again = await publishStep(packed.value, wrong);
    assert.deepEqual(again.ok ? [] : again.problems.map(({ code }) => code), ['STEP_UNPUBLISHED']);
  }
});

test('what is no whole step is not packed', async (t) => {
  const { 'run.sh': script, 'step.yml': manifest } = whole;
  const flawed: readonly (readonly [Readonly<Record<string, string>>, string, RegExp])[] = [
    [{ 'step.yml': manifest }, 'STEP_NO_SCRIPT', /neither run\.sh/],
    [{ 'run.sh': script }, 'STEP_MANIFEST', /needs a step\.yml/],
    [{ 'init.sh': script, 'step.yml': manifest }, 'STEP_MANIFEST', /and a run\.sh/],
    [whole, 'STEP_MANIFEST', /"1\.10" is no version/],
    [{ ...whole, 'step.yml': 'name: greet\nversion: 1.0.0\n' }, 'STEP_MANIFEST', /says no summary/],
    [{ ...whole, 'step.yml': 'name: [' }, 'STEP_MANIFEST', /cannot be published/],
  ];
  for (const [files, code, message] of flawed) {
    const packed = await packStep(folder(t, files));
    assert.ok(!packed.ok);
    assert.equal(packed.problems[0]?.code, code);
    assert.match(packed.problems[0].message, message);
  }
});
