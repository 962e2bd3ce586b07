import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { SealError, sealerOf } from './sealer.ts';

const [one, two] = [randomBytes(32), randomBytes(32)];

test('what was sealed is opened again, whatever its bytes', () => {
  const sealer = sealerOf([one]);
  for (const plain of [Buffer.alloc(0), randomBytes(100_000), Buffer.from('grüße')]) {
    assert.deepEqual(sealer.open(sealer.seal(plain, 'a'), 'a'), plain);
  }
});

test('atk-40: neither the text nor its length alone is in what is kept, and the same value is never kept the same way twice', () => {
  const sealer = sealerOf([one]);
  const sealed = sealer.seal('correct horse', 'a');
  assert.equal(Buffer.from(sealed, 'base64url').includes('horse') || sealed.includes('horse'), false);
  assert.notEqual(sealed, sealer.seal('correct horse', 'a'));
});

test('atk-40: a wrong key, another place and a changed byte are refused, and no value comes out', () => {
  const sealer = sealerOf([one]);
  const sealed = sealer.seal('value', 'project/a');
  assert.throws(() => sealerOf([two]).open(sealed, 'project/a'), SealError);
  assert.throws(() => sealer.open(sealed, 'project/b'), SealError);
  assert.throws(() => sealer.open(`${sealed.slice(0, -3)}AAA`, 'project/a'), SealError);
  assert.throws(() => sealer.open('nonsense', 'project/a'), SealError);
});

test('after a rotation what was sealed before is read and known as old; without the old key it is not', () => {
  const before = sealerOf([one]).seal('value', 'a');
  const rotated = sealerOf([two, one]);
  assert.equal(rotated.open(before, 'a').toString(), 'value');
  assert.equal(rotated.isOld(before), true);
  assert.equal(rotated.isOld(rotated.seal('value', 'a')), false);
  assert.throws(() => sealerOf([two]).open(before, 'a'), SealError);
});
