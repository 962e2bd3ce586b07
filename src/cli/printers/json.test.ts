import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { virtualClock } from '../../lib/virtual-clock.ts';
import { jsonPrinter } from './json.ts';
import { noon } from './testing/golden.ts';
import { recorder } from './testing/recorder.ts';
import { shopRun } from './testing/shop-run.ts';

type Line = { kind: string; seq?: number; stage?: string; attempt?: number; stream?: string; text?: string; base64?: string; at: number };

const clock = virtualClock({ startAt: noon });
const linesOf = (text: string): Line[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
const bytesOf = (lines: readonly Line[]): Buffer =>
  Buffer.concat(lines.map(({ text, base64 }) => (base64 === undefined ? Buffer.from(text ?? '') : Buffer.from(base64, 'base64'))));

test('every event comes as it is, in order, with the logs between', async () => {
  const output = recorder();
  const printer = jsonPrinter(output, { clock });
  await shopRun(virtualClock({ startAt: noon }), printer, 'well');
  await printer.close();
  const lines = linesOf(output.text());
  const events = lines.filter(({ kind }) => kind !== 'log');
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, index) => index + 1),
  );
  assert.deepEqual(
    lines.find(({ kind }) => kind === 'log'),
    { kind: 'log', stage: 'build', attempt: 1, stream: 'stdout', text: 'compiling 日本語\n', at: noon },
  );
  assert.equal(events.at(-1)?.kind, 'run.finished');
});

test('the pieces of a log are its exact bytes, whatever they are and however they come', async () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => Buffer.from(text)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(bytes), fc.integer({ min: 1, max: 7 }), async (parts, length) => {
      const output = recorder();
      const printer = jsonPrinter(output, { clock });
      const all = Buffer.concat(parts);
      for (let from = 0; from < all.length; from += length)
        await printer.log('s', 1, { stream: 'stderr', bytes: all.subarray(from, from + length) });
      await printer.close();
      assert.deepEqual(bytesOf(linesOf(output.text())), all);
    }),
  );
});

test('a character that is split between chunks is still text', async () => {
  const output = recorder();
  const printer = jsonPrinter(output, { clock });
  const bytes = Buffer.from('日本');
  for (const byte of bytes) await printer.log('s', 1, { stream: 'stdout', bytes: Uint8Array.of(byte) });
  await printer.log('s', 1, { stream: 'stdout', bytes: Uint8Array.of(0xff) });
  await printer.close();
  assert.deepEqual(
    linesOf(output.text()).map(({ text, base64 }) => text ?? { base64 }),
    ['日', '本', { base64: '/w==' }],
  );
});

test('streams, attempts and stages do not mix', async () => {
  const output = recorder();
  const printer = jsonPrinter(output, { clock });
  const [first, second] = [Uint8Array.of(0xc3), Uint8Array.of(0xbc)];
  await printer.log('s', 1, { stream: 'stdout', bytes: first });
  await printer.log('s', 1, { stream: 'stderr', bytes: second });
  await printer.log('s', 2, { stream: 'stdout', bytes: Buffer.from('b') });
  await printer.log('s', 1, { stream: 'stdout', bytes: second });
  await printer.close();
  assert.deepEqual(
    linesOf(output.text()).map(({ stream, attempt, text, base64 }) => [stream, attempt, text ?? base64]),
    [
      ['stderr', 1, 'vA=='],
      ['stdout', 2, 'b'],
      ['stdout', 1, 'ü'],
    ],
  );
});

test('a reader that is behind slows the stage down, and close waits for it', async () => {
  const output = recorder();
  const printer = jsonPrinter(output, { clock });
  output.block();
  const steps: string[] = [];
  const logged = Promise.resolve(printer.log('s', 1, { stream: 'stdout', bytes: Buffer.from('x') })).then(() => steps.push('logged'));
  const closed = printer.close().then(() => steps.push('closed'));
  await Promise.resolve();
  assert.deepEqual(steps, []);
  output.drain();
  await Promise.all([logged, closed]);
  assert.deepEqual(new Set(steps), new Set(['closed', 'logged']));
});

test('a reader that leaves, as head does, ends it quietly', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'json-printer-'));
  const script = join(dir, 'flood.ts');
  const source = pathToFileURL(join(import.meta.dirname, 'json.ts')).href;
  const clockSource = pathToFileURL(join(import.meta.dirname, '../../lib/clock.ts')).href;
  writeFileSync(
    script,
    `import { jsonPrinter } from ${JSON.stringify(source)};
import { systemClock } from ${JSON.stringify(clockSource)};
let left = false;
const printer = jsonPrinter(process.stdout, { clock: systemClock, gone: () => { left = true; } });
const bytes = Buffer.alloc(10_000, 'x');
for (let count = 0; !left; count++) { await printer.log('s', 1, { stream: 'stdout', bytes }); await new Promise(setImmediate); }
await printer.close();
console.error('left quietly');
`,
  );
  const child = spawn('sh', ['-c', `"$0" "$1" | head -n 1`, process.execPath, script]);
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk));
  await once(child, 'close');
  assert.equal(linesOf(out).length, 1);
  assert.equal(err, 'left quietly\n');
});
