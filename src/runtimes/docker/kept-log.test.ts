import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import type { LogPosition } from '../runtime.ts';
import { keptLog } from './kept-log.ts';

const part = 16_384;
const frame = (stream: 1 | 2, text: string): Buffer => {
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
};

const read = async (frames: readonly Buffer[], from: LogPosition = { stdout: 0, stderr: 0 }, pieceBytes = 1000) => {
  const whole = Buffer.concat(frames);
  const pieces = Array.from({ length: Math.ceil(whole.length / pieceBytes) }, (_, i) =>
    whole.subarray(i * pieceBytes, (i + 1) * pieceBytes),
  );
  const seen = { stdout: '', stderr: '' };
  for await (const { stream, bytes } of keptLog(Readable.from(pieces), from, true)) seen[stream] += Buffer.from(bytes).toString();
  return seen;
};

test('frames are put together by stream, however they are cut', async () => {
  const frames = [frame(1, 'one\n'), frame(2, 'error\n'), frame(1, ''), frame(1, 'two')];
  for (const bytes of [1, 7, 1000]) assert.deepEqual(await read(frames, undefined, bytes), { stdout: 'one\ntwo', stderr: 'error\n' });
});

test('each stream begins after what was read of it before', async () => {
  const frames = [frame(1, 'one\n'), frame(2, 'error\n'), frame(1, 'two\n')];
  assert.deepEqual(await read(frames, { stdout: 5, stderr: 6 }), { stdout: 'wo\n', stderr: '' });
});

test('a line feed that the engine lost after a long line is put back when the stream goes on', async () => {
  const long = 'x'.repeat(part);
  const frames = [frame(1, long), frame(1, long), frame(1, 'end'), frame(2, 'between\n'), frame(1, 'next\n')];
  assert.deepEqual(await read(frames), { stdout: `${long}${long}end\nnext\n`, stderr: 'between\n' });
});

test('a long line of exactly so many parts ends with an empty one', async () => {
  const long = 'x'.repeat(part);
  assert.equal((await read([frame(1, long), frame(1, ''), frame(1, 'next\n')])).stdout, `${long}\nnext\n`);
});

test('engines that keep the line feed get no second one', async () => {
  const long = 'x'.repeat(part);
  assert.equal((await read([frame(1, long), frame(1, 'end\n'), frame(1, 'next\n')])).stdout, `${long}end\nnext\n`);
  const full = `${'x'.repeat(part - 1)}\n`;
  assert.equal((await read([frame(1, full), frame(1, 'next')])).stdout, `${full}next`);
});

test('a log that is shorter than what was read before is a gap, but for the line feed that nobody can tell', async () => {
  await assert.rejects(read([frame(1, 'one\n')], { stdout: 5, stderr: 0 }), { code: 'LOG_GAP', message: /1 bytes of stdout/ });
  await assert.rejects(read([], { stdout: 0, stderr: 1 }), { code: 'LOG_GAP' });
  const long = 'x'.repeat(part);
  assert.equal((await read([frame(1, long), frame(1, 'end')], { stdout: part + 4, stderr: 0 })).stdout, '');
});
