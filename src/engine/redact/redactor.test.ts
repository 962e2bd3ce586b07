import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Secret } from './forms.ts';
import { redactorsFor } from './redactor.ts';

const redact = (secrets: readonly Secret[], chunks: readonly Uint8Array[]): Buffer => {
  const redactor = redactorsFor(secrets)();
  return Buffer.concat([...chunks.map((chunk) => redactor.push(chunk)), redactor.end()]);
};
const cut = (bytes: Uint8Array, sizes: readonly number[]): readonly Uint8Array[] => {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return [...chunks, bytes.subarray(at)];
};

describe('redactorsFor', () => {
  it('masks a secret byte for byte, wherever chunks are cut', () => {
    const text = Buffer.from('token=hunter22; again hunter22hunter22 end');
    for (let at = 0; at <= text.length; at++) {
      assert.equal(redact(['hunter22'], cut(text, [at])).toString(), 'token=********; again **************** end');
    }
  });

  it('masks overlapping secrets and one that contains another', () => {
    assert.equal(redact(['abcdef', 'defghi', 'cdef'], [Buffer.from('xabcdefghiy')]).toString(), 'x*********y');
  });

  it('masks base64 at any offset, hexadecimal, URL and JSON forms, and each line of a multi-line secret', () => {
    const secret = 'p@ss "word"\nsecond line/+';
    for (const prefix of ['', 'a', 'ab', 'abc']) {
      const shown = redact([secret], [Buffer.from(Buffer.from(`${prefix}${secret}zz`).toString('base64'))]).toString();
      assert.match(shown, /\*{28}/);
    }
    for (const form of [
      Buffer.from(secret).toString('hex'),
      encodeURIComponent(secret),
      JSON.stringify(secret).slice(1, -1),
      'second line/+',
    ]) {
      assert.equal(redact([secret], [Buffer.from(`<${form}>`)]).toString(), `<${'*'.repeat(Buffer.byteLength(form))}>`);
    }
  });

  it('masks what is broken into lines, and leaves the line breaks', () => {
    const secret = 'correct horse battery staple, and more of it to make two lines of it all';
    const text = Buffer.from(`user=ada ${secret}\n`).toString('base64').replace(/.{76}/g, '$&\n');
    assert.match(redact([secret], [Buffer.from(`${text}\n`)]).toString(), /^[A-Za-z0-9]{12}\*{64}\n\*{20,}[A-Za-z0-9=]{0,4}\n$/);
    const hex = Buffer.from('hunter22').toString('hex');
    assert.equal(redact(['hunter22'], [Buffer.from(`${hex.slice(0, 6)}\r\n${hex.slice(6)}`)]).toString(), '******\r\n**********');
  });

  it('does not hold a line back because of its last character alone', () => {
    const redactor = redactorsFor(['hunter22'])();
    const first = Buffer.from(Buffer.from('hunter22').toString('base64').slice(0, 1));
    assert.equal(Buffer.from(redactor.push(Buffer.concat([first, Buffer.from('\n')]))).toString(), `${first}\n`);
  });

  it('masks each line of a private key, also where its lines were joined before they were encoded', () => {
    const key = '-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\nAASCBKcwggSjAgEAAoIBAQC7VJTU\n-----END KEY-----\n';
    const joined = key.trim().replaceAll('\n', ' ');
    assert.match(redact([key], [Buffer.from(joined)]).toString(), /^\*{19} \*{28} \*{28} \*{17}$/);
    const encoded = Buffer.from(joined).toString('base64');
    const shown = redact([key], [Buffer.from(encoded)]).toString();
    assert.ok([...shown].filter((character, at) => character !== '*' && character === encoded[at]).length <= 12, shown);
  });

  it('leaves the white space around a secret, so that a log keeps its lines', () => {
    assert.equal(redact(['\n hunter22\r\n'], [Buffer.from('it is \n hunter22\r\nnext')]).toString(), 'it is \n ********\r\nnext');
  });

  it('masks bytes that are no text', () => {
    const secret = Uint8Array.from([0xff, 0x00, 0xfe, 0x80, 0x0a, 0xc3]);
    const text = Buffer.concat([Buffer.from('<'), secret, Buffer.from(`> ${Buffer.from(secret).toString('hex')}`)]);
    assert.equal(redact([secret], [text]).toString(), '<******> ************');
  });

  it('knows a large secret as it is and by its lines', () => {
    const lines = Array.from({ length: 4000 }, (_, i) => `${i} is one line of many`);
    assert.equal(redact([lines.join('\n')], [Buffer.from(`x ${lines[77]} y`)]).toString(), `x ${'*'.repeat(lines[77]?.length ?? 0)} y`);
  });
});
