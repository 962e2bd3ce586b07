import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { awaitDecision, makeDecision, readDecision } from './decisions.ts';
import { makeProjectDir, runState } from './project-dir.ts';

const project = async (t: TestContext): Promise<string> => {
  const root = await mkdtemp(join(tmpdir(), 'cion decisions '));
  t.after(() => rm(root, { recursive: true, force: true }));
  return makeProjectDir(root);
};

const opening = (gate = 'ok', openedAt = 1) => ({ run: 'run_1', gate, openedAt });
const by = (name: string) => ({ kind: 'approved', by: name, at: 7 }) as const;

test('of many who decide at the same moment one is first, and all are told who', async (t) => {
  const dir = await project(t);
  const people = Array.from({ length: 20 }, (_, i) => `person ${i}`);
  const earlier = await Promise.all(people.map((name) => makeDecision(dir, opening(), by(name))));
  const first = await readDecision(dir, opening());
  assert.deepEqual(
    people.filter((_, i) => earlier[i] === undefined),
    [first?.by],
  );
  for (const told of earlier) assert.ok(told === undefined || told.by === first?.by);
  assert.equal((await readdir(join(runState(dir, 'run_1'), 'decisions'))).length, 1);
});

test('who waits is told at once what was decided before, and as soon as it is what is decided later', async (t) => {
  const dir = await project(t);
  const { signal } = new AbortController();
  const waiting = awaitDecision(dir, opening(), signal);
  await makeDecision(dir, opening('another'), by('bob'));
  await makeDecision(dir, opening('ok', 2), by('bob'));
  await makeDecision(dir, opening(), { kind: 'rejected', by: 'anna', at: 7, reason: 'not "now"\n' });
  assert.deepEqual(await waiting, { kind: 'rejected', by: 'anna', at: 7, reason: 'not "now"\n' });
  assert.deepEqual(await awaitDecision(dir, opening(), signal), await waiting);
});

test('who waits stops when nobody wants to know any more', async (t) => {
  const dir = await project(t);
  const abort = new AbortController();
  const waiting = awaitDecision(dir, opening(), abort.signal);
  abort.abort(new Error('enough'));
  await assert.rejects(waiting, /enough/);
});

test('names that are no file names are told apart', async (t) => {
  const dir = await project(t);
  const names = ['a b', 'A B', 'a%20b', 'ä', 'a\u0308', '日'.repeat(33), '*', 'con', '.'];
  for (const name of names) assert.equal(await makeDecision(dir, opening(name), by(name)), undefined);
  for (const name of names) assert.equal((await readDecision(dir, opening(name)))?.by, name);
});
