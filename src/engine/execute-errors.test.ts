import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { virtualClock } from '../lib/virtual-clock.ts';
import type { Cause } from '../run/outcome.ts';
import { RuntimeError, type RuntimeErrorCode } from '../runtimes/runtime-error.ts';
import { fakeRuntime } from '../runtimes/fake/fake-runtime.ts';
import type { Execution } from '../runtimes/runtime.ts';
import { after, doing, runPlan, stageOf } from './testing/fake-run.ts';
import { planOf } from './testing/random-plan.ts';

const causeOf = async (env: Readonly<Record<string, string>>) => {
  const { state } = await runPlan(planOf([doing('a', env), doing('b', {}, after('a'))]));
  assert.equal(stageOf(state, 'b').outcome, 'skipped');
  return { outcome: state.outcome, cause: stageOf(state, 'a').attempts[0]?.cause };
};
const code = (cause: Cause | undefined): string | undefined => (cause?.kind === 'error' ? cause.code : undefined);

/** Everything of an engine that goes away while a command runs rejects with what it went away with. */
const losing = (error: Error) => {
  const clock = virtualClock({ whenIdle: 'run' });
  const runtime = fakeRuntime({ clock });
  const lost = (execution: Execution): Execution => ({
    ...execution,
    exit: Promise.reject(error),
    stop: () => Promise.reject(error),
    async *logs() {
      yield* [];
      throw error;
    },
  });
  return {
    clock,
    runtime: { ...runtime, start: async (...given: Parameters<typeof runtime.start>) => lost(await runtime.start(...given)) },
  };
};

describe('execute, when a container does not do what it should', () => {
  it('gives each way a typed cause, and leaves no rejection unhandled (R-DCK-49)', async (t) => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    t.after(() => process.off('unhandledRejection', note));

    for (let exit = 1; exit < 256; exit++) {
      const { outcome, cause } = await causeOf({ FAKE_EXIT: `${exit}` });
      assert.equal(outcome, 'failed', `${exit}`);
      assert.ok(cause?.kind === 'signal' ? exit > 128 : cause?.kind === 'exit' && cause.code === exit, `${exit}`);
    }
    assert.deepEqual(await causeOf({ FAKE_OOM: '1' }), { outcome: 'failed', cause: { kind: 'oom' } });
    for (const error of ['IMAGE_NOT_FOUND', 'IMAGE_DENIED', 'ENGINE_UNREACHABLE', 'NO_SPACE'] as const satisfies RuntimeErrorCode[]) {
      const { outcome, cause } = await causeOf({ FAKE_PREPARE_ERROR: error });
      assert.deepEqual([outcome, code(cause)], ['errored', error]);
    }
    for (const error of ['CONTAINER_START_FAILED', 'ENGINE_REFUSED'] as const satisfies RuntimeErrorCode[]) {
      const { outcome, cause } = await causeOf({ FAKE_START_ERROR: error });
      assert.deepEqual([outcome, code(cause)], ['errored', error]);
    }
    const { state } = await runPlan(
      planOf([doing('a', { FAKE_SLEEP_MS: '5' })]),
      {},
      losing(new RuntimeError('ENGINE_LOST', 'the engine went away')),
    );
    assert.deepEqual([state.outcome, code(stageOf(state, 'a').attempts[0]?.cause)], ['errored', 'ENGINE_LOST']);

    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(unhandled, []);
  });
});
