import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reference, stage } from '../../plan/stage.ts';
import { makeNames, plain } from './names.ts';

const item = (name: string, attempt: number) => ({ run: 'run_1', project: 'p', attempt, stage: stage({ name, image: reference('i') }) });
const names = makeNames('cion');

test('plain names stand as they are', () => {
  assert.equal(names.container(item('build', 2)), 'cion-run_1-build-2');
  assert.equal(names.volume('run_1', 'tree'), 'cion-run_1-tree');
});

test('whatever a stage is called, the engine takes its name', () => {
  for (const name of ['ü 漢字', 'a/b', '🎉', '-x', 'x'.repeat(300), 'a.b', '.', 'line\nfeed']) {
    assert.match(names.container(item(name, 1)), /^cion-run_1-[a-zA-Z0-9][a-zA-Z0-9_.-]{0,60}-1$/, name);
  }
});

test('an image of the run has a name that every engine takes', () => {
  for (const stage of ['build', 'ü 漢字', 'Upper', 'x'.repeat(300), '-x']) {
    assert.match(names.committed('run_1', stage), /^cion-image:run_1-[\w][\w.-]{0,121}$/, stage);
  }
});

test('different things have different names, and two projects share no cache (atk-48)', () => {
  const odd = ['a b', 'a-b', 'a_b', 'a/b', 'A b', 'a.b', 'ä b', ''];
  assert.equal(new Set(odd.map(plain)).size, odd.length);
  const derived = [
    names.service(item('a-1', 1), '2'),
    names.container(item('a-1', 2)),
    names.container(item('a', 1)),
    names.service(item('a', 1), '2'),
    names.copy(item('a', 1), 'tree'),
    names.container(item('a-1.tree', 1)),
    names.container({ ...item('a', 1), part: 'done' }),
    names.service(item('a', 1), 'done'),
    names.service(item('a', 1), 'files'),
    names.container(item('a-1-done', 1)),
    names.helper(names.volume('run_1', 'a-1')),
    names.helper(names.copy(item('a', 1), 'tree')),
    names.copy(item('a', 1), 'tree', 'in'),
    names.inputs(item('a', 1), '/in'),
    names.inputs({ ...item('a', 1), part: 'done' }, '/in'),
    names.directory(names.volume('run_1', 'a-1'), 'in'),
    names.cache('a', 'b-c'),
    names.cache('a-b', 'c'),
    names.cache('a', 'b.c'),
    names.helper(names.cache('a', 'b')),
  ];
  assert.equal(new Set(derived).size, derived.length);
});
