import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '../../lib/virtual-clock.ts';
import { palette } from './colour.ts';
import { plainPrinter } from './plain.ts';
import { golden, noon, plainLook } from './testing/golden.ts';
import { recorder } from './testing/recorder.ts';
import { shopRun } from './testing/shop-run.ts';
import { somePlan, tellStory } from './testing/story.ts';

const look = plainLook();
const begin = (options = { look }) => {
  const output = recorder();
  const printer = plainPrinter(output, options);
  const run = tellStory(virtualClock({ startAt: noon }), printer);
  run.created();
  run.planned(somePlan({ build: [], 'unit-test': ['build'] }));
  const before = output.text().length;
  return { output, printer, run, text: () => output.text().slice(before) };
};

for (const ends of ['well', 'badly'] as const) {
  test(`a run that ends ${ends}, as lines for a pipe`, async (t) => {
    const output = recorder();
    const printer = plainPrinter(output, { look });
    await shopRun(virtualClock({ startAt: noon }), printer, ends);
    await printer.close();
    golden(t, `plain-${ends}`, output.text());
  });
}

test('both streams come with their marks, in order (R-CIO-52)', async () => {
  const { run, text, printer } = begin();
  run.log('build', 'to stdout\n');
  run.log('build', 'to stderr\n', 'stderr');
  run.log('unit-test', 'again\n');
  await printer.close();
  assert.equal(text(), 'build      | to stdout\nbuild     !| to stderr\nunit-test  | again\n');
});

test('lines are cut at newlines alone, and the last one is printed also without', async () => {
  const { run, text, printer } = begin();
  run.log('build', 'a very ');
  run.log('unit-test', 'other\n');
  run.log('build', 'long line\r\nlast');
  await printer.close();
  assert.equal(text(), 'unit-test  | other\nbuild      | a very long line\nbuild      | last\n');
});

test('the end of a stage comes after the rest of its log', async () => {
  const { run, text } = begin();
  run.queued('build');
  run.log('build', 'rest');
  run.finished('build');
  assert.equal(text(), 'build      | rest\nbuild      : Passed after 0.0 s.\n');
});

test('a line of a hundred megabytes is one line with one prefix, and memory stays bounded', async () => {
  const output = { ...recorder(), write: (text: string) => parts.push(text) > 0 };
  const parts: string[] = [];
  const printer = plainPrinter(output, { look });
  const chunk = Buffer.alloc(1 << 20, 'x');
  for (let index = 0; index < 100; index++) void printer.log('build', 1, { stream: 'stdout', bytes: chunk });
  const longest = Math.max(...parts.map((part) => part.length));
  assert.ok(longest < 3 << 20, `${longest}`);
  void printer.log('build', 1, { stream: 'stdout', bytes: Buffer.from('\n') });
  const text = parts.join('');
  assert.equal(text.length, 'build  | '.length + (100 << 20) + 1);
  assert.equal(text.indexOf('build', 1), -1);
});

test('a very long line gives way to other stages and goes on behind its prefix', async () => {
  const { run, text, printer } = begin();
  run.log('build', 'x'.repeat(1_100_000));
  run.log('unit-test', 'short\n');
  run.log('build', 'rest\n');
  await printer.close();
  assert.equal(text().replace(/x+/, 'x…'), 'build      | x…\nunit-test  | short\nbuild      | rest\n');
});

test('bytes that are no text never crash it and never reach a terminal as escapes', async () => {
  const { run, text, printer } = begin();
  run.log('build', Uint8Array.of(0xff, 0xfe, 0x61, 0x0a));
  run.log('build', '\x1b]0;title\x07\x1b[2Jbad\x1b[31mred\x1b[0m\ttab\n');
  await printer.close();
  assert.equal(text(), 'build      | \ufffd\ufffda\nbuild      | badred\ttab\n');
});

test('colours of a log stay where colours are shown', async () => {
  const { run, text, printer } = begin({ look: { ...look, palette: palette(true) } });
  run.log('build', '\x1b[31mred\x1b]52;c;AAAA\x07\n');
  await printer.close();
  assert.equal(text(), '\x1b[36mbuild      |\x1b[39m \x1b[31mred\x1b[0m\n');
});

test('a name of a stage cannot do anything either', async () => {
  const { run, text, printer } = begin();
  run.log('evil\x1b[2J\nname', 'x\n');
  await printer.close();
  assert.equal(text(), 'evil name  | x\n');
});

test('the log of a build stands before that of its stage', async () => {
  const { text, printer } = begin();
  printer.note('build', { kind: 'building', dockerfile: 'tool/Dockerfile', line: 'Step 1/2 : FROM \x1b[2Jbusybox' });
  await printer.close();
  assert.equal(text(), 'build      : Step 1/2 : FROM busybox\n');
});

test('a reader that is behind slows the stage down', async () => {
  const { output, printer } = begin();
  const log = (text: string) => printer.log('build', 1, { stream: 'stdout', bytes: Buffer.from(text) });
  assert.equal(log('one\n'), undefined);
  output.block();
  let isWelcome = false;
  const welcome = Promise.resolve(log('two\n')).then(() => {
    isWelcome = true;
  });
  await Promise.resolve();
  assert.equal(isWelcome, false);
  output.drain();
  await welcome;
  await printer.close();
});

test('a reader that left is told to the command once, and the rest is dropped', async () => {
  const output = recorder();
  const gone: string[] = [];
  const printer = plainPrinter(output, { look, gone: (error) => gone.push(error.message) });
  output.fail(new Error('EPIPE'));
  output.fail(new Error('EPIPE'));
  await printer.log('build', 1, { stream: 'stdout', bytes: Buffer.from('late\n') });
  await printer.close();
  assert.deepEqual([gone, output.text()], [['EPIPE'], '']);
});
