import assert from 'node:assert/strict';
import { reference } from '../../plan/stage.ts';
import type { PrepareNote } from '../runtime.ts';
import { type ContractTest, notesInto, script, throwsCode } from './case.contract.ts';

export const imageContract = (test: ContractTest): void => {
  test('prepare says which image it is, by digest', [], async ({ runtime, item, signal, subject }) => {
    const notes: PrepareNote[] = [];
    const prepared = await runtime.prepare(item(script('true')), notesInto(notes), signal);
    assert.equal(prepared.image.reference, subject.image);
    assert.match(prepared.image.digest, /^sha256:[0-9a-f]{64}$/);
    assert.ok(notes.some((note) => note.kind === 'resolved' && note.image.digest === prepared.image.digest));
    assert.ok(prepared.container.length > 0);
  });

  test('an image that nobody has is not found, by name', ['images'], async ({ prepare, item }) => {
    await throwsCode(
      prepare(item({ ...script('true'), image: reference('127.0.0.1:1/no/such-image:9') })),
      'IMAGE_PULL_FAILED',
      /127\.0\.0\.1:1\/no\/such-image:9/,
    );
  });

  test('a reference that is none says so', ['images'], async ({ prepare, item }) => {
    await throwsCode(prepare(item({ ...script('true'), image: reference('UPPER CASE') })), 'IMAGE_NOT_FOUND', /UPPER CASE/);
  });
};
