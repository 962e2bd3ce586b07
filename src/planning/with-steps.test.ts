import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FetchedStep } from '../dialects/dialect.ts';
import { parsed, type Range, refused } from '../plan/problem.ts';
import type { CompiledTree } from './compile-tree.ts';
import { withSteps } from './with-steps.ts';

const rangeOf = (line: number): Range => ({ file: 'wercker.yml', start: { line, column: 3 }, end: { line, column: 9 } });
const step = (name: string): FetchedStep => ({ owner: 'ada', name, tree: '0'.repeat(64), files: ['run.sh'] });

/** A text that names steps, a line for each; the last is seen only when the others are there. */
const textOf =
  (...references: readonly string[]) =>
  async (steps: ReadonlyMap<string, FetchedStep>): Promise<CompiledTree> => {
    const missing = references
      .map((reference, i) => ({ reference, range: rangeOf(i + 1) }))
      .filter(({ reference }) => !steps.has(reference));
    const seen = missing.length > 1 ? missing.filter(({ reference }) => reference !== references.at(-1)) : missing;
    if (seen.length > 0) return { files: [], compiled: { ok: false, problems: [], wantsSteps: seen } };
    const plan = { version: 1, pipeline: Array.from(steps.keys()).sort().join(), nodes: [], volumes: [] } as const;
    return { files: [], compiled: { ok: true, plan, warnings: [] } };
  };

test('steps that a text names are fetched at once, each once, until nothing is missing (R-WRK-65)', async () => {
  const asked: string[] = [];
  const open = Promise.withResolvers<void>();
  const compiled = await withSteps(
    async (reference) => {
      asked.push(reference);
      if (asked.length === 2) open.resolve();
      await open.promise;
      return parsed(step(reference));
    },
    textOf('a', 'b', 'c'),
  );
  assert.ok(compiled?.compiled.ok);
  assert.equal(compiled.compiled.plan.pipeline, 'a,b,c');
  assert.deepEqual(asked, ['a', 'b', 'c']);
});

test('each step that cannot be had is a Problem where the text names it (R-WRK-110)', async () => {
  const compiled = await withSteps(
    async (reference) => (reference === 'b' ? parsed(step(reference)) : refused({ code: 'STEP_UNKNOWN', message: `no ${reference}` })),
    textOf('a', 'b', 'c', 'd'),
  );
  assert.ok(compiled !== undefined && !compiled.compiled.ok);
  assert.deepEqual(
    compiled.compiled.problems.map(({ code, message, range }) => [code, message, range?.start.line]),
    [
      ['STEP_UNKNOWN', 'no a', 1],
      ['STEP_UNKNOWN', 'no c', 3],
    ],
  );
});

test('a text that wants a step again that it has is left as it is', async () => {
  const stubborn: CompiledTree = { files: [], compiled: { ok: false, problems: [], wantsSteps: [{ reference: 'a', range: rangeOf(1) }] } };
  assert.equal(
    await withSteps(
      async (reference) => parsed(step(reference)),
      async () => stubborn,
    ),
    stubborn,
  );
  assert.equal(
    await withSteps(
      async (reference) => parsed(step(reference)),
      async () => undefined,
    ),
    undefined,
  );
});
