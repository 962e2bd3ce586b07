import { deepEqual, equal, rejects } from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { outsideVariables } from './outside-variables.ts';

const given = (
  environment: Record<string, string | undefined>,
  env: readonly string[] = [],
  envFile: readonly string[] = [],
  directory = '/',
) => outsideVariables(directory, environment, { env, envFile });

test('--env goes before --env-file, and that before the environment', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'cion-'));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'one.env'), 'A=file\nB=file\nC=file one\n');
  writeFileSync(join(directory, 'two.env'), 'C="file two" # the last file wins\n');
  const outside = await given({ A: 'environment', B: 'environment', D: 'environment' }, ['A=option'], ['one.env', 'two.env'], directory);
  deepEqual(['A', 'B', 'C', 'D', 'E'].map(outside.variable), ['option', 'file', 'file two', 'environment', undefined]);
});

test('an empty value is a value, a value may hold "=" and line breaks, and a name alone leaves what the environment says', async () => {
  const outside = await given({ KEPT: 'environment' }, ['EMPTY=', 'ODD=a=b\nc', 'KEPT', 'ABSENT']);
  deepEqual(['EMPTY', 'ODD', 'KEPT', 'ABSENT'].map(outside.variable), ['', 'a=b\nc', 'environment', undefined]);
});

test('a variable without a name and a file that is not there are refused', async () => {
  await rejects(given({}, ['=x']), { name: 'Refusal', code: 'USAGE' });
  await rejects(given({}, [], ['nowhere.env']), { name: 'Refusal', code: 'ENV_FILE_UNREADABLE', message: /nowhere\.env/ });
});

test('names of variables are taken as they are, also those of object methods', async () => {
  const outside = await given({}, []);
  equal(outside.variable('constructor'), undefined);
});
