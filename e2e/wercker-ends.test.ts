import assert from 'node:assert/strict';
import { after, before, describe, it, test } from 'node:test';
import { smallImage } from './machine-image.ts';
import { repository } from './repository.ts';
import { werckerFor } from './wercker-project.ts';

/** How steps end, and what the after-steps are told: in a box with bash, and in one without. */
const undone: (() => Promise<void>)[] = [];
const suite = { after: (undo: () => Promise<void>) => void undone.push(undo) };
const wercker = werckerFor('ends', suite);

let bash = '';
before(async () => {
  bash = await smallImage(suite, `cion-e2e/ends-${process.pid}`, ['bash']);
});
after(async () => {
  for (const undo of undone.reverse()) await undo();
});

type Case = {
  readonly code: string;
  readonly limits?: object;
  readonly ends: readonly [string, number | undefined];
  readonly result: 'passed' | 'failed';
  readonly message?: string;
};

const cases: Readonly<Record<string, Case>> = {
  passes: { code: 'true', ends: ['passed', 0], result: 'passed' },
  'exit-0': { code: 'export LEFT=behind; exit 0; echo not reached', ends: ['passed', 0], result: 'passed' },
  'exit-3': { code: 'exit 3; echo not reached', ends: ['failed', 3], result: 'failed' },
  'set-e': { code: 'set -e\nfalse\necho not reached', ends: ['failed', 1], result: 'failed' },
  fails: { code: 'fail "two of nine"', ends: ['failed', 1], result: 'failed', message: 'two of nine' },
  killed: { code: 'kill -9 $$; echo not reached', ends: ['failed', 137], result: 'failed' },
  hangs: {
    code: "trap '' TERM INT HUP\necho it hangs\nwhile :; do sleep 600; done",
    limits: { 'command-timeout': 0.05 },
    ends: ['failed', 137],
    result: 'failed',
  },
  silent: { code: 'sleep 600', limits: { 'no-response-timeout': 0.05 }, ends: ['failed', 137], result: 'failed' },
};

const tells =
  'echo "told: $WERCKER_RESULT|$WERCKER_FAILED_STEP_DISPLAY_NAME|$WERCKER_FAILED_STEP_MESSAGE|$GIVEN|$WERCKER_STEP_NAME|$BUILD"';

const textOf = (box: string, { code, limits = {} }: Case): string =>
  JSON.stringify({
    box,
    ...limits,
    build: {
      steps: [{ script: { name: 'the one', code } }, { script: { name: 'the next', code: 'echo "next sees ${LEFT-nothing}"' } }],
      'after-steps': [
        { script: { name: 'tell', code: tells } },
        { script: { name: 'breaks', code: 'exit 9' } },
        { script: { name: 'never', code: 'echo never' } },
      ],
    },
  });

const inSh = ['exit-0', 'exit-3', 'killed', 'hangs'];

for (const shell of ['bash', 'sh'] as const) {
  describe(`after-steps in ${shell}`, { concurrency: 4 }, () => {
    for (const [name, each] of Object.entries(cases)) {
      if (shell === 'sh' && !inSh.includes(name)) continue;
      it(`are told "${each.result}" after a step that ends by "${name}", and one of them that fails changes nothing (R-WRK-48, R-WRK-49, R-WRK-51, R-WRK-153, R-WRK-162, R-WRK-164, R-WRK-172)`, async (t) => {
        const cwd = repository(t, { 'wercker.yml': textOf(shell === 'bash' ? bash : 'busybox', each) });
        const { out } = await wercker[each.result === 'passed' ? 'passes' : 'fails'](cwd, ['build', '--no-commit'], { X_GIVEN: 'it' });
        const failed = each.result === 'failed' ? 'the one' : '';
        assert.match(out, new RegExp(`told: ${each.result}\\|${failed}\\|${each.message ?? '.*'}\\|it\\|script\\|true`));
        assert.doesNotMatch(out, /\| (?:not reached|never)/);
        assert.equal(/next sees/.test(out), each.result === 'passed');
        if (name === 'exit-0') assert.match(out, /next sees behind/);
        const steps = await wercker.steps(cwd);
        const one = steps.find(({ step }) => step === 'script');
        assert.deepEqual([one?.outcome, one?.exitCode], each.ends);
        if (each.limits !== undefined) assert.equal(one?.cause?.kind, 'timeout');
        const breaks = steps.at(-1);
        assert.deepEqual([breaks?.outcome, breaks?.exitCode], ['failed', 9]);
        assert.equal((await wercker.end(cwd)).outcome, each.result);
      });
    }
  });
}

test('a deploy has after-steps of its own, which know that it is one (R-WRK-52, R-WRK-131)', async (t) => {
  const cwd = repository(t, {
    'wercker.yml': `
box: busybox
build: { steps: [{ script: { code: 'true' } }] }
deploy:
  steps: [{ script: { name: ship, code: 'echo "in it: $DEPLOY \${BUILD-no build} \${CI-no ci}"; exit 4' } }]
  after-steps: [{ script: { code: 'echo "after it: $DEPLOY $WERCKER_RESULT at $WERCKER_FAILED_STEP_DISPLAY_NAME"' } }]
`,
  });
  await wercker.passes(cwd);
  const { out } = await wercker.fails(cwd, ['deploy']);
  assert.match(out, /in it: true no build no ci/);
  assert.match(out, /after it: true failed at ship/);
});

test('nothing of these runs is left with the engine, not even of the step that takes no signal (R-WRK-173, R-WRK-174)', () =>
  assert.equal(wercker.left(), ''));
