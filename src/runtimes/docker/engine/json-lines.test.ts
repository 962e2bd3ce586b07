import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EngineError } from './engine-error.ts';
import { jsonLines, progressMessages } from './json-lines.ts';

async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const all = async (messages: AsyncIterable<object>): Promise<object[]> => {
  const list: object[] = [];
  for await (const message of messages) list.push(message);
  return list;
};

const refused = (message: string) => (error: unknown) =>
  error instanceof EngineError && error.code === 'refused' && error.message === message;

describe('JSON lines', () => {
  it('are the same wherever the chunks begin and end, also in the middle of a character', async () => {
    const text = '{"status":"grün ✓"}\r\n\n{"id":"b"}\n{"last":true}';
    for (let size = 1; size < 60; size++) {
      const messages = await all(jsonLines(inPieces(text, size)));
      assert.deepEqual(messages, [{ status: 'grün ✓' }, { id: 'b' }, { last: true }]);
    }
  });

  it('that break off are lost', async () => {
    await assert.rejects(all(jsonLines(inPieces('{"a":1}\n{"b":', 5))), { name: 'EngineError', code: 'lost' });
  });

  it('of progress end with the error that the engine reports in a 200', async () => {
    const text = '{"status":"Pulling"}\n{"errorDetail":{"message":"no such image"},"error":"no such image"}\n{"status":"never"}\n';
    const messages = progressMessages(inPieces(text, 7));
    assert.deepEqual((await messages.next()).value, { status: 'Pulling' });
    await assert.rejects(messages.next(), refused('no such image'));
    assert.equal((await messages.next()).done, true);
  });

  it('of progress know the newer form of an error too', async () => {
    await assert.rejects(all(progressMessages(inPieces('{"errorDetail":{"code":1,"message":"exit 1"}}\n', 9))), refused('exit 1'));
  });
});
