import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '../../lib/virtual-clock.ts';
import type { Gate, Plan } from '../../plan/plan.ts';
import type { Asked } from './gate-questions.ts';
import { noon, plainLook } from './testing/golden.ts';
import { makeScreen } from './testing/screen.ts';
import { somePlan, tellStory } from './testing/story.ts';
import { ttyPrinter } from './tty.ts';

const gate = (name: string, who: readonly string[] = []): Gate => ({ kind: 'gate', name, needs: [], waitsFor: { kind: 'person', who } });

const begin = (gates: readonly Gate[], decide?: Asked['decide'], columns = 80) => {
  const clock = virtualClock({ startAt: noon });
  const screen = makeScreen(columns, 24);
  const answers: string[] = [];
  let press: ((key: string) => void) | undefined;
  const asked: Asked = {
    name: 'anna',
    keys: {
      listen: (given) => {
        press = given;
        return () => (press = undefined);
      },
    },
    decide: decide ?? (async (name, openedAt, kind) => void answers.push(`${name} ${openedAt - noon} ${kind}`)),
  };
  const printer = ttyPrinter(screen, { look: plainLook(columns), clock, asked });
  const run = tellStory(clock, printer);
  const plan: Plan = { ...somePlan({}), nodes: gates };
  run.created();
  run.planned(plan);
  const open = (name: string) => run.tell({ kind: 'gate.opened', gate: name });
  const decided = (name: string, by = 'bob') =>
    run.tell({ kind: 'gate.decided', gate: name, decision: { kind: 'approved', by, at: clock.now() } });
  const key = async (text: string): Promise<void> => {
    press?.(text);
    await clock.advance(100);
  };
  const question = (): string | undefined => /^◇ .*\[a\].*$/m.exec(screen.text())?.[0];
  return { clock, screen, printer, run, answers, open, decided, key, question, isListening: () => press !== undefined };
};

test('a gate for the person at the terminal is asked about, and one key decides it', async () => {
  for (const [letter, kind] of [
    ['a', 'approved'],
    ['r', 'rejected'],
  ] as const) {
    const { clock, open, key, question, answers, decided, isListening, screen, printer } = begin([gate('deploy.human-click')]);
    assert.equal(isListening(), false);
    open('deploy.human-click');
    await clock.advance(1_000);
    assert.equal(question(), '◇ deploy.human-click waits for a person: [a]pprove, [r]eject');
    for (const other of ['x', ' ', '\r', 'n']) await key(other);
    assert.deepEqual(answers, []);
    await key(letter);
    assert.deepEqual(answers, [`deploy.human-click 0 ${kind}`]);
    assert.deepEqual([question(), isListening()], [undefined, false]);
    decided('deploy.human-click', 'anna');
    await clock.advance(100);
    assert.match(screen.text(), /✓ deploy\.human-click +Approved by anna/);
    await printer.close();
  }
});

test('what is answered elsewhere is not asked any more', async () => {
  const { clock, open, decided, key, question, answers, isListening, printer } = begin([gate('ok')]);
  open('ok');
  await clock.advance(1_000);
  assert.ok(question());
  decided('ok');
  await clock.advance(100);
  await key('a');
  assert.deepEqual([question(), isListening(), answers], [undefined, false, []]);
  await printer.close();
});

test('several gates are asked about one after the other, and a key pressed twice decides one of them', async () => {
  const { clock, open, key, question, answers, printer } = begin([gate('one'), gate('two'), gate('three')]);
  for (const name of ['one', 'two', 'three']) open(name);
  await clock.advance(1_000);
  assert.equal(question(), '◇ one waits for a person: [a]pprove, [r]eject, [n]ext of 3');
  await key('n');
  assert.match(question() ?? '', /^◇ two /);
  await key('a');
  assert.deepEqual(answers, []);
  await clock.advance(1_000);
  await key('a');
  await key('a');
  assert.deepEqual(answers, ['two 0 approved']);
  assert.match(question() ?? '', /^◇ three .*\[n\]ext of 2$/);
  await clock.advance(1_000);
  await key('r');
  await clock.advance(1_000);
  await key('a');
  assert.deepEqual(answers, ['two 0 approved', 'three 0 rejected', 'one 0 approved']);
  await printer.close();
});

test('a gate for other people, or for a pipeline, is no question', async () => {
  const { clock, open, question, isListening, screen, printer } = begin([
    gate('theirs', ['bob']),
    { ...gate('api'), waitsFor: { kind: 'pipeline', pipeline: '../api' } },
  ]);
  open('theirs');
  open('api');
  await clock.advance(1_000);
  assert.deepEqual([question(), isListening()], [undefined, false]);
  assert.match(screen.text(), /theirs .*Waits for bob to approve it \(cion approve 12 theirs\)/);
  assert.match(screen.text(), /api .*Waits for pipeline \.\.\/api to pass/);
  await printer.close();
});

test('a decision that cannot be kept is told, and asked for again', async () => {
  const { clock, open, key, question, isListening, printer } = begin([gate('ok')], () => Promise.reject(new Error('disk full')), 100);
  open('ok');
  await clock.advance(1_000);
  await key('a');
  assert.equal(question(), '◇ ok waits for a person: [a]pprove, [r]eject (not kept: disk full)');
  assert.equal(isListening(), true);
  await printer.close();
  assert.equal(isListening(), false);
});

test('a run that is taken up again asks about the gates that were open', async () => {
  const { clock, run, question, printer } = begin([gate('ok')]);
  run.tell({ kind: 'gate.opened', gate: 'ok' });
  await clock.advance(1_000);
  const screen = makeScreen(80, 24);
  const asked: Asked = { name: 'anna', keys: { listen: () => () => undefined }, decide: async () => undefined };
  const other = ttyPrinter(screen, { look: plainLook(80), clock, asked });
  other.event({ seq: 9, at: clock.now(), kind: 'run.resumed' }, run.state());
  await clock.advance(100);
  assert.match(screen.text(), /^◇ ok waits for a person: \[a\]pprove, \[r\]eject$/m);
  assert.ok(question());
  await Promise.all([printer.close(), other.close()]);
});
