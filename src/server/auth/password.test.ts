import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPassword, passwordsOf } from './password.ts';

const passwords = passwordsOf();

test('a password is known again by its hash, another is not, and the same one is never hashed the same way twice', async () => {
  const hash = await passwords.hash('correct horse battery');
  assert.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.notEqual(hash, await passwords.hash('correct horse battery'));
  assert.equal(await passwords.verify('correct horse battery', hash), true);
  assert.equal(await passwords.verify('correct horse batterz', hash), false);
});

test('a hash that was made with other costs stays readable, and what is no hash is nobody’s', async () => {
  const older = await passwordsOf({ memory: 64, passes: 1, parallelism: 1 }).hash('correct horse battery');
  assert.equal(await passwords.verify('correct horse battery', older), true);
  for (const text of ['', 'correct horse battery', '$argon2id$v=19$m=64,t=1,p=1$AAAA$AAAA']) {
    assert.equal(await passwords.verify('correct horse battery', text), false);
  }
});

test('atk-65: where nobody has the name, the answer costs as much as for a wrong password', async () => {
  const known = await passwords.hash('correct horse battery');
  const cost = async (hash: string | undefined): Promise<number> => {
    const took: number[] = [];
    for (let i = 0; i < 5; i++) {
      const from = performance.now();
      await passwords.verify('wrong horse battery', hash);
      took.push(performance.now() - from);
    }
    return Math.min(...took);
  };
  const [somebody, nobody] = [await cost(known), await cost(undefined)];
  assert.ok(nobody > somebody / 3 && somebody > nobody / 3, `somebody ${somebody} ms, nobody ${nobody} ms`);
});

test('a password that is short, made of the name or of few characters is refused, and the message does not repeat it', () => {
  for (const bad of ['short', 'ada-ada-ada-ada', 'aaaaaaaaaaaaaaaa', 'x'.repeat(1025)]) {
    assert.throws(
      () => checkPassword(bad, 'ada'),
      (error: Error) => 'code' in error && error.code === 'PASSWORD_REFUSED' && !error.message.includes(bad),
    );
  }
  checkPassword('correct horse battery', 'ada');
});
