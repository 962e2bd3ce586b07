import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Plan } from '../../plan/plan.ts';
import { doing, logOf, runPlan, stageOf } from '../testing/fake-run.ts';
import { optionsFor } from '../testing/memory-run.ts';
import type { Outside } from '../given.ts';
import { missingValues } from '../values.ts';
import { redactorsFor } from './redactor.ts';

const redacted = (secrets: readonly (string | Uint8Array)[], text: string | Uint8Array): string => {
  const redactor = redactorsFor(secrets)();
  return Buffer.concat([redactor.push(Buffer.from(text)), redactor.end()]).toString('latin1');
};
const planOf = (stages: Plan['nodes']): Plan => ({ version: 1, pipeline: 'p', nodes: stages, volumes: [] });
const having = (value: string): Outside => ({ variable: () => undefined, secret: () => value });
const using = (text = 'said') => ({
  ...doing('use', { FAKE_STDOUT: text }),
  env: { ...doing('use', { FAKE_STDOUT: text }).env, KEY: { kind: 'secret', name: 'KEY' } as const },
});

describe('a secret', () => {
  it('that is too short to be masked is given to no stage, also when white space makes it longer, and is not repeated (atk-37)', async () => {
    for (const value of ['x', 'xyz', ' xyz ', '\n\nx\n\n', '    ', '\t\t\t\t\t']) {
      const [problem, ...more] = missingValues(planOf([using()]), having(value));
      assert.deepEqual([problem?.code, more], ['SECRET_TOO_SHORT', []], JSON.stringify(value));
      assert.doesNotMatch(JSON.stringify(problem), /xyz/);
    }
    for (const value of ['wxyz', 'größ', '€€', ' wxyz\n']) assert.deepEqual(missingValues(planOf([using()]), having(value)), []);
  });

  it('that is empty masks nothing (atk-37)', () => {
    assert.deepEqual(missingValues(planOf([using()]), having('')), []);
    assert.equal(redacted(['', ' ', '\n'], 'a b\nc'), 'a b\nc');
  });

  it('of signs that mean something in patterns is masked as it is, and nothing else is (atk-37)', () => {
    for (const value of ['.*.*', '[^a]+', '(a|b)*c', '^.+$', '\\d+\\', '$1$&$`', '%s%n%%', '*?[!]', '${HOME}', '(?:)', ']]>]]>']) {
      assert.equal(redacted([value], `<${value}> aaaa 1234 c HOME\n`), `<${'*'.repeat(value.length)}> aaaa 1234 c HOME\n`, value);
    }
  });

  it('that is a common word is masked in what stages print; what the server itself says keeps its words (atk-37)', async () => {
    const plan = planOf([using('all tests passed, pass it on\n')]);
    const { state, events, results } = await runPlan(plan, optionsFor({}), { outside: having('passed') });
    assert.equal(await logOf(results, 'use'), 'all tests ******, pass it on\n');
    assert.deepEqual([state.outcome, stageOf(state, 'use').outcome], ['passed', 'passed']);
    assert.equal(events.at(-1)?.kind, 'run.finished');
  });

  it('of a megabyte is masked as it is and line by line, and no process is given it: the stage errors and says why without it (atk-37)', async () => {
    const lines = Array.from({ length: 16_384 }, (_, line) => `line ${line} ${'x'.repeat(60 - String(line).length)}`);
    const large = lines.join('\n');
    assert.ok(large.length > 1024 * 1024);
    const told = redacted([large], `before ${large} after ${lines[77]}!`);
    assert.doesNotMatch(told, /line \d/);
    assert.match(told, /^before \*[*\n]+\* after \*+!$/);
    const { state } = await runPlan(planOf([using()]), optionsFor({}), { outside: having(large) });
    const { outcome, attempts } = stageOf(state, 'use');
    assert.equal(outcome, 'errored');
    const cause = attempts[0]?.cause;
    assert.match(JSON.stringify(cause), /VARIABLE_TOO_LARGE.*give it as a file/);
    assert.doesNotMatch(JSON.stringify(cause), /line 77/);
  });

  it('of bytes that are no text is masked as it is, in base64 and in hexadecimal (atk-37)', () => {
    const bytes = Buffer.from([0, 255, 1, 254, 2, 253, 0, 10, 128]);
    for (const form of [bytes, bytes.toString('base64'), bytes.toString('hex')]) {
      const told = redacted([bytes], Buffer.concat([Buffer.from('<'), Buffer.from(form), Buffer.from('>')]));
      assert.match(told, /^<[^A-Za-z0-9]+[A-Za-z0-9+/=]{0,3}>$/, form.toString('latin1'));
    }
  });
});
