import { deepEqual, equal, rejects } from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
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

const fromFile = async (t: TestContext, text: string, environment: Record<string, string> = {}) => {
  const directory = mkdtempSync(join(tmpdir(), 'cion-'));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'a.env'), text);
  return given(environment, [], ['a.env'], directory);
};

test('a file may have comments, quotes, values of many lines, "export" and names alone, which are taken from the environment', async (t) => {
  const text =
    '\uFEFFA=1\r\n# B=2\n\n  export C = "two\nlines # kept\nX=no" # comment\nD=\'it is = here\'\nE="open\nKEPT\nABSENT\nF.g-h=\nG=a=b # c\nI=`x`';
  const outside = await fromFile(t, text, { KEPT: 'environment' });
  deepEqual(['A', 'B', 'C', 'X', 'D', 'E', 'KEPT', 'ABSENT', 'F.g-h', 'G', 'I'].map(outside.variable), [
    '1',
    undefined,
    'two\nlines # kept\nX=no',
    undefined,
    'it is = here',
    '"open',
    'environment',
    undefined,
    '',
    'a=b',
    'x',
  ]);
});

for (const line of ['BAD LINE', '=foo', '1A=b', 'A B=c', 'A="x" y', 'a\0b=c']) {
  test(`the line ${JSON.stringify(line)} of a file is refused with its place`, async (t) => {
    await rejects(fromFile(t, `OK="1\n2"\n${line}\n`), { name: 'Refusal', code: 'ENV_FILE_INVALID', message: /a\.env:3:/ });
  });
}
