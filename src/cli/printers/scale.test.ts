import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '../../lib/virtual-clock.ts';
import { graph } from './graph.ts';
import { plainPrinter } from './plain.ts';
import type { Output, Printer } from './printer.ts';
import { noon, plainLook } from './testing/golden.ts';
import { somePlan, tellStory } from './testing/story.ts';
import { ttyPrinter } from './tty.ts';

const count = 20_000;
const many = somePlan(Object.fromEntries(Array.from({ length: count }, (_, index) => [`s${index}`, index === 0 ? [] : [`s${index - 1}`]])));
const nowhere: Output = {
  write: (_text, taken) => {
    taken?.();
    return true;
  },
  on: () => undefined,
  off: () => undefined,
  columns: 80,
  rows: 24,
};
const clock = virtualClock({ startAt: noon });
const printers: Readonly<Record<string, () => Printer>> = {
  plain: () => plainPrinter(nowhere, { look: plainLook() }),
  tty: () => ttyPrinter(nowhere, { look: plainLook(), clock }),
};

for (const [name, make] of Object.entries(printers)) {
  test(`${count} stages cost the ${name} printer the same each`, async () => {
    const printer = make();
    const run = tellStory(clock, printer);
    run.created();
    run.planned(many);
    const before = process.cpuUsage().user;
    for (const { name: stage } of many.nodes) {
      run.queued(stage);
      run.preparing(stage);
      run.started(stage);
      run.finished(stage);
    }
    run.ended('passed');
    await printer.close();
    assert.ok((process.cpuUsage().user - before) / 1000 < 5_000);
  });
}

test('a plan of very many stages comes as a list, soon', () => {
  const before = process.cpuUsage().user;
  assert.equal(graph(many, plainLook()).length, count + 1);
  assert.ok((process.cpuUsage().user - before) / 1000 < 5_000);
});
