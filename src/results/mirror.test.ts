import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { virtualClock } from '../lib/virtual-clock.ts';
import type { Copies } from './copies.ts';
import { makeMirror } from './mirror.ts';
import { ResultsError, type ResultsErrorCode } from './results-error.ts';

/** Copies in memory that do what they are told to: `held` waits until it is let go, `trouble` fails. */
const memoryCopies = () => {
  const objects = new Map<string, string>();
  const log: string[] = [];
  const told = { trouble: undefined as ResultsErrorCode | undefined, hold: undefined as Promise<void> | undefined };
  const copies: Copies = {
    name: 'memory',
    put: async (path, content, { signal }) => {
      log.push(path);
      await Promise.race([told.hold, new Promise((_resolve, reject) => signal.addEventListener('abort', reject))]);
      if (told.trouble !== undefined) throw new ResultsError(told.trouble, 'A sentence.');
      objects.set(path, await text(content));
    },
    remove: async (path) => {
      log.push(`-${path}`);
      objects.delete(path);
    },
    close: async () => {},
  };
  return { copies, objects, log, told };
};

const mirrorOf = (there: readonly string[] = []) => {
  const { copies, objects, log, told } = memoryCopies();
  const clock = virtualClock({ whenIdle: 'run' });
  const source = new Map<string, string>();
  const warnings: string[] = [];
  const remembered = new Set<string>();
  const mirror = makeMirror({
    copies,
    content: async (path) => (source.has(path) ? Readable.from([source.get(path)]) : undefined),
    memory: { due: (paths) => paths.forEach((path) => remembered.add(path)), done: (path) => remembered.delete(path) },
    there,
    clock,
    warn: ({ code }) => warnings.push(code),
  });
  return { mirror, objects, log, told, clock, source, warnings, remembered };
};
const never = new AbortController().signal;

describe('a mirror', () => {
  it('copies what belongs together in the order given', async () => {
    const { mirror, log, source } = mirrorOf();
    for (const path of ['a.log', 'a.zip', 'a.json', 'b.json']) source.set(path, path);
    mirror.due(['a.log', 'a.zip', 'a.json', 'b.json']);
    assert.deepEqual(await mirror.settle(never), []);
    assert.deepEqual(
      log.filter((path) => path.startsWith('a')),
      ['a.log', 'a.zip', 'a.json'],
    );
    await mirror.close();
  });

  it('copies once more what changes while it is copied', async () => {
    const { mirror, objects, told, source, remembered } = mirrorOf();
    const hold = Promise.withResolvers<void>();
    told.hold = hold.promise;
    source.set('a.json', 'prior');
    mirror.due(['a.json']);
    await new Promise(setImmediate);
    source.set('a.json', 'final');
    mirror.due(['a.log', 'a.json']);
    hold.resolve();
    assert.deepEqual(await mirror.settle(never), []);
    assert.deepEqual([...objects], [['a.json', 'final']]);
    assert.deepEqual([...remembered], []);
    await mirror.close();
  });

  it('removes what is no longer, and asks nothing of what never was there', async () => {
    const { mirror, log } = mirrorOf(['a.zip']);
    mirror.due(['a.zip', 'b.zip']);
    await mirror.settle(never);
    assert.deepEqual(log, ['-a.zip']);
    await mirror.close();
  });

  it('tries again until the store answers, warning once', async () => {
    const { mirror, objects, log, told, source, warnings, remembered } = mirrorOf();
    for (const path of ['a.json', 'b.json', 'c.json']) source.set(path, path);
    told.trouble = 'RESULTS_UNREACHABLE';
    mirror.due(['a.json', 'b.json', 'c.json']);
    while (log.length < 8) await new Promise(setImmediate);
    assert.equal(objects.size, 0);
    assert.equal(remembered.size, 3);
    told.trouble = undefined;
    assert.deepEqual(await mirror.settle(never), []);
    assert.deepEqual([...objects.keys()].sort(), ['a.json', 'b.json', 'c.json']);
    assert.deepEqual([warnings, remembered.size], [['RESULTS_UNREACHABLE'], 0]);
    await mirror.close();
  });

  it('gives up at the end when it is refused, or nothing moves, and remembers what is left', async () => {
    for (const trouble of ['RESULTS_DENIED', 'RESULTS_UNREACHABLE', 'hang'] as const) {
      const { mirror, told, source, remembered } = mirrorOf();
      for (const path of ['a.log', 'a.json']) source.set(path, path);
      if (trouble === 'hang') told.hold = new Promise(() => {});
      else told.trouble = trouble;
      mirror.due(['a.log', 'a.json']);
      assert.deepEqual(await mirror.settle(never), ['a.log', 'a.json'], trouble);
      assert.deepEqual([...remembered], ['a.log', 'a.json']);
      await mirror.close();
    }
  });

  it('stops waiting when it is told to', async () => {
    const { mirror, told, source } = mirrorOf();
    source.set('a.json', 'a');
    told.hold = new Promise(() => {});
    mirror.due(['a.json']);
    assert.deepEqual(await mirror.settle(AbortSignal.abort()), ['a.json']);
    await mirror.close();
  });

  it('goes on with the others when one object cannot be copied', async () => {
    const { mirror, objects, told, source, warnings } = mirrorOf();
    for (const path of ['a.json', 'b.json']) source.set(path, path);
    told.trouble = 'RESULTS_UNWRITABLE';
    mirror.due(['a.json']);
    while (warnings.length === 0) await new Promise(setImmediate);
    told.trouble = undefined;
    mirror.due(['b.json']);
    assert.deepEqual(await mirror.settle(never), ['a.json']);
    assert.deepEqual([...objects.keys()], ['b.json']);
    await mirror.close();
  });
});
