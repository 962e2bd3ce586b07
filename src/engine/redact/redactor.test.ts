import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formsOf } from './forms.ts';
import { redactorsFor } from './redactor.ts';

const redact = (secrets: readonly string[], chunks: readonly Uint8Array[]): Buffer => {
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

  it('leaks no form of any secret and changes no other byte, over random secrets, texts and chunks', () => {
    const secret = fc.string({ unit: 'binary', minLength: 4, maxLength: 24 });
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 3 }),
        fc.array(fc.tuple(fc.uint8Array({ maxLength: 12 }), fc.nat(), fc.nat()), { maxLength: 6 }),
        fc.array(fc.nat(9), { maxLength: 30 }),
        (secrets, parts, sizes) => {
          const forms = secrets.flatMap(formsOf);
          const text = Buffer.concat(
            parts.flatMap(([filler, pick]) => [filler, forms[pick % Math.max(1, forms.length)] ?? Buffer.alloc(0)]),
          );
          const shown = redact(secrets, cut(text, sizes));
          assert.equal(shown.length, text.length);
          const covered = new Set<number>();
          for (const form of forms) {
            for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + 1))
              for (let i = 0; i < form.length; i++) covered.add(at + i);
          }
          for (const [i, byte] of shown.entries()) assert.equal(byte, covered.has(i) ? 0x2a : text[i]);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
