import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cion, startCion } from './cli.ts';
import { repository } from './repository.ts';

test('a change runs the pipeline again, what git ignores does not, and Ctrl-C ends cleanly', async (t) => {
  const cwd = repository(t, { '.cion.yml': 'build: { image: busybox }', '.gitignore': '*.log\n', 'a file': '1' });
  const dev = startCion(['dev', '--runtime', 'fake'], { cwd });
  await dev.wrote('Ctrl-C ends');
  writeFileSync(join(cwd, 'ignored.log'), 'x');
  writeFileSync(join(cwd, 'a file'), '2');
  await dev.wrote('cion: a file changed');
  await dev.wrote('Run 2 passed');
  dev.process.kill('SIGINT');
  const { code, stdout, stderr } = await dev.ended;
  assert.equal(code, 130);
  assert.doesNotMatch(`${stdout.toString()}${stderr.toString()}`, /ignored\.log|Run 3/);
});

test('a change while the pipeline runs cancels that run and begins another', async (t) => {
  const text = (ms: number) => `build: { image: busybox, env: { FAKE_SLEEP_MS: "${ms}" } }\n`;
  const cwd = repository(t, { '.cion.yml': text(3_600_000) });
  const dev = startCion(['dev', '--runtime', 'fake'], { cwd });
  await dev.wrote('Started busybox');
  writeFileSync(join(cwd, '.cion.yml'), text(0));
  await dev.wrote('Run 1 was cancelled');
  await dev.wrote('Run 2 passed');
  dev.process.kill('SIGTERM');
  await dev.ended;
  const runs = (await cion(['runs', '--json'], { cwd })).out
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { outcome: string }).outcome);
  assert.deepEqual(runs, ['passed', 'cancelled']);
});

test('a mistake in the text is told, and mended by the next change', async (t) => {
  const cwd = repository(t, { '.cion.yml': 'build: { image: ' });
  const dev = startCion(['dev', '--runtime', 'fake'], { cwd });
  await dev.wrote('Ctrl-C ends');
  writeFileSync(join(cwd, '.cion.yml'), 'build: { image: busybox }\n');
  await dev.wrote('Run 2 passed');
  dev.process.kill('SIGINT');
  assert.equal((await dev.ended).code, 130);
});
