import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'kysely';
import { virtualClock } from '../../lib/virtual-clock.ts';
import { newIdentity } from '../../secrets/age.ts';
import { SealError, sealerOf } from '../../secrets/sealer.ts';
import { sqlSecrets } from '../../store/sql/secrets.ts';
import { type TestDatabase, testDatabases } from '../../store/sql/testing/databases.ts';
import { projectSecrets, type WantedSecret } from './project-secrets.ts';

const everywhere = { pipelines: [], branches: [], environments: [], triggers: [] };
const wanted = (name: string, value: string, kind: WantedSecret['kind'] = 'secret'): WantedSecret => ({
  project: 'ada/app',
  name,
  kind,
  value,
  by: 'ada',
  scope: everywhere,
});
const [one, two, three] = [randomBytes(32), randomBytes(32), randomBytes(32)];

describe('the secrets of a project', () => {
  let made: TestDatabase;
  before(async () => {
    made = (await testDatabases[0]?.make()) as TestDatabase;
  });
  after(() => made.close());
  beforeEach(async () => {
    await made.clear();
    await sql`insert into project (name, project) values ('ada/app', '{}')`.execute(made.database.sql);
  });
  const withKeys = (...keys: [Uint8Array, ...Uint8Array[]]) =>
    projectSecrets({ store: sqlSecrets(made.database), sealer: sealerOf(keys), clock: virtualClock({ startAt: 1000 }) });
  const dump = async (): Promise<string> => {
    const { rows } = await sql<{ row: unknown }>`select to_jsonb(secret) as row from secret`.execute(made.database.sql);
    return JSON.stringify(rows);
  };

  it('are listed without their values, which stand nowhere in the database (atk-40)', async () => {
    const secrets = withKeys(one);
    await secrets.put(wanted('TOKEN', 'correct horse'));
    await secrets.put(wanted('TOKEN', 'battery staple'));
    assert.deepEqual(await secrets.list('ada/app'), [{ name: 'TOKEN', kind: 'secret', scope: everywhere, by: 'ada', at: 1000 }]);
    for (const value of ['correct horse', 'battery staple']) {
      for (const form of [value, Buffer.from(value).toString('base64').slice(0, 12), Buffer.from(value).toString('hex')]) {
        assert.equal((await dump()).includes(form), false);
      }
    }
  });

  it('are sealed again with a new key, after which the old one is not needed; a wrong one is told at once (atk-40)', async () => {
    for (let i = 0; i < 60; i++) await withKeys(one).put(wanted(`N${i}`, `value ${i}`));
    assert.equal(await withKeys(two, one).reseal(), 60);
    assert.equal(await withKeys(two, one).reseal(), 0);
    assert.equal(await withKeys(two).reseal(), 0);
    await assert.rejects(withKeys(three).reseal(), SealError);
  });

  it('are refused when they are too short to be masked, empty, too large or no text, and taken whatever signs they have (atk-37)', async () => {
    const secrets = withKeys(one);
    const odd = ['', 'xyz', '  xyz  ', '\t\n \t\n', 'x'.repeat(1024 * 1024), 'qqq\0qqq', 'qqqq\ud800'];
    for (const value of odd) {
      await assert.rejects(secrets.put(wanted('ODD', value)), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'SECRET_INVALID');
        assert.doesNotMatch(error.message, /xyz|qqq|xxxx/);
        return true;
      });
    }
    assert.deepEqual(await secrets.list('ada/app'), []);
    for (const value of ['.*.*', 'true', 'größ', 'line\r\nline', '\u202eevil', '${HOME}$(id)`id`', 'x'.repeat(64 * 1024)]) {
      await secrets.put(wanted('ODD', value));
    }
    assert.equal((await secrets.list('ada/app')).length, 1);
  });

  it('are refused where no stage could be given them, without a word of the value', async () => {
    const secrets = withKeys(one);
    const identity = await newIdentity();
    const wrong = [
      wanted('', 'a value'),
      wanted('1A', 'a value'),
      wanted('A B', 'a value'),
      wanted('A', 'xyz'),
      wanted('A', ''),
      wanted('A', 'qqq\0qqq'),
      wanted('A', 'q'.repeat(70_000)),
      wanted('AGE', 'qqq', 'identity'),
      wanted('AGE', identity.slice(0, -1), 'identity'),
    ];
    for (const each of wrong) {
      await assert.rejects(secrets.put(each), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'SECRET_INVALID');
        assert.doesNotMatch(error.message, /xyz|qqq|AGE-SECRET-KEY-1\w/);
        return true;
      });
    }
    await secrets.put(wanted('AGE', `# mine\n${identity}\n`, 'identity'));
    await secrets.put(wanted('EMPTY', '', 'variable'));
    assert.equal((await secrets.list('ada/app')).length, 2);
  });
});
