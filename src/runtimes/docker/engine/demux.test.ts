import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { demux, demuxer } from './demux.ts';
import { EngineError } from './engine-error.ts';
import type { OutputChunk } from './engine.ts';

const frame = (stream: number, payload: Uint8Array | string): Buffer => {
  const bytes = Buffer.from(payload);
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
};

const joined = (chunks: readonly OutputChunk[], stream: OutputChunk['stream']): Buffer =>
  Buffer.concat(chunks.filter((chunk) => chunk.stream === stream).map((chunk) => chunk.bytes));

const random = randomBytes(300);
const wire = Buffer.concat([frame(1, 'one\n'), frame(2, random), frame(1, ''), frame(0, 'two'), frame(2, Buffer.from([0, 255, 10]))]);

describe('the multiplexed stream', () => {
  it('comes apart the same wherever the chunks begin and end', () => {
    for (let size = 1; size <= wire.length; size++) {
      const frames = demuxer();
      const chunks: OutputChunk[] = [];
      for (let at = 0; at < wire.length; at += size) chunks.push(...frames.push(wire.subarray(at, at + size)));
      frames.end();
      assert.equal(joined(chunks, 'stdout').toString(), 'one\ntwo');
      assert.deepEqual(joined(chunks, 'stderr'), Buffer.concat([random, Buffer.from([0, 255, 10])]));
    }
  });

  it('comes apart the same when cut in two at every byte', () => {
    for (let cut = 0; cut <= wire.length; cut++) {
      const frames = demuxer();
      const chunks = [...frames.push(wire.subarray(0, cut)), ...frames.push(wire.subarray(cut))];
      frames.end();
      assert.equal(joined(chunks, 'stdout').toString(), 'one\ntwo');
    }
  });

  it('hands out the part of a frame that is there, without waiting for the rest', () => {
    const chunks = demuxer().push(frame(1, 'a progress bar without an end').subarray(0, 18));
    assert.equal(joined(chunks, 'stdout').toString(), 'a progress');
  });

  it('that breaks off in a header or in a payload is lost', () => {
    for (const part of [wire.subarray(0, 3), wire.subarray(0, 10)]) {
      const frames = demuxer();
      frames.push(part);
      assert.throws(() => frames.end(), isError('lost', /broke off/));
    }
  });

  it('of which the first bytes are none of it is lost, not output', () => {
    assert.throws(() => demuxer().push(Buffer.from('plain text of a terminal')), isError('lost', /no multiplexed stream/));
  });

  it('in which the engine reports an error ends with that error, whole', () => {
    const frames = demuxer();
    const report = frame(3, 'Error grabbing logs: bad file\n');
    assert.deepEqual(frames.push(report.subarray(0, 12)), []);
    assert.throws(() => frames.push(report.subarray(12)), isError('refused', /^Error grabbing logs: bad file$/));
  });

  it('is read lazily: a reader that stops stops the source', async () => {
    let pulled = 0;
    let stopped = false;
    async function* source() {
      try {
        for (; ; pulled++) yield frame(1, 'x');
      } finally {
        stopped = true;
      }
    }
    for await (const chunk of demux(source())) {
      assert.equal(chunk.stream, 'stdout');
      break;
    }
    assert.equal(pulled, 0);
    assert.equal(stopped, true);
  });
});

const isError = (code: EngineError['code'], message: RegExp) => (error: unknown) =>
  error instanceof EngineError && error.code === code && message.test(error.message);
