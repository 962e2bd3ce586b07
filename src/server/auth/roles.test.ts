import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Right } from '../actor.ts';
import { type AuthServer, authServer } from './testing/auth-server.ts';

let server: AuthServer;
before(async () => {
  server = await authServer();
});
after(() => server.close());

const all: readonly Right[] = ['read', 'run', 'decide', 'secrets', 'settings', 'admin'];

const rightsOf = async (browser: Pick<ReturnType<AuthServer['browser']>, 'get'>, project?: string): Promise<readonly Right[]> => {
  const rights: Right[] = [];
  for (const right of all) {
    const { body } = await browser.get(`/may/${right}${project === undefined ? '' : `?project=${project}`}`);
    if (body === true) rights.push(right);
  }
  return rights;
};

test('each role has its rights in its project, and none in another', async () => {
  const [project, other] = [server.addProject('acme/shop'), server.addProject('acme/other')];
  const people = { owner: await server.login('ann'), writer: await server.login('wim'), reader: await server.login('rae') } as const;
  const wanted = { owner: ['read', 'run', 'decide', 'secrets', 'settings'], writer: ['read', 'run', 'decide'], reader: ['read'] };
  for (const role of ['owner', 'writer', 'reader'] as const) {
    await server.members.set(project, people[role].id, role);
    assert.deepEqual(await rightsOf(people[role], project), wanted[role], role);
    assert.deepEqual(await rightsOf(people[role], other), [], role);
  }
  assert.deepEqual(await rightsOf(await server.login('max', true), project), wanted.owner);
});

test('a public project is read by everybody, and nothing else is done with it without a login', async () => {
  const project = server.addProject('acme/open', { visibility: 'public' });
  assert.deepEqual(await rightsOf(server.browser(), project), ['read']);
  assert.deepEqual(await rightsOf(await server.login('passer'), project), ['read']);
  assert.deepEqual(await rightsOf(server.browser(), 'acme/none'), []);
  assert.deepEqual(await rightsOf(server.browser()), []);
  assert.deepEqual(await rightsOf(await server.login('adder')), ['read', 'settings']);
  assert.deepEqual(await rightsOf(await server.login('all', true)), all);
});

test('atk-64: a project that one may not see is answered as one that is not there, letter by letter', async () => {
  server.addProject('acme/hidden');
  for (const browser of [server.browser(), await server.login('stranger')]) {
    const path = (name: string) => `/api/projects/acme/${name}/members`;
    const named = (name: string, body: unknown): unknown => JSON.parse(JSON.stringify(body).replaceAll(`acme/${name}`, 'NAME'));
    const [hidden, none] = [await browser.get(path('hidden')), await browser.get(path('nothing'))];
    assert.deepEqual([hidden.status, named('hidden', hidden.body)], [404, named('nothing', none.body)]);
    const put = await browser.send('PUT', `${path('hidden')}/stranger`, { role: 'owner' });
    const putNone = await browser.send('PUT', `${path('nothing')}/stranger`, { role: 'owner' });
    assert.deepEqual([put.status, named('hidden', put.body)], [404, named('nothing', putNone.body)]);
    assert.equal((await browser.send('DELETE', `${path('hidden')}/stranger`)).status, 404);
  }
  assert.deepEqual(await server.members.list('acme/hidden'), []);
});

test('owners say who has a part in their project; a reader may not, and both tries are in the audit', async () => {
  const project = server.addProject('acme/team');
  const [owner, reader] = [await server.login('olga'), await server.login('rob')];
  await server.members.set(project, owner.id, 'owner');
  const path = `/api/projects/${project}/members`;
  assert.equal((await owner.send('PUT', `${path}/rob`, { role: 'reader' })).status, 204);
  for (const nobody of [await owner.send('PUT', `${path}/nobody`, { role: 'reader' }), await owner.send('DELETE', `${path}/nobody`)])
    assert.deepEqual([nobody.status, nobody.body.code], [404, 'ACCOUNT_UNKNOWN']);
  assert.equal((await owner.send('PUT', `${path}/rob`, { role: 'admin' })).status, 400);
  assert.deepEqual((await owner.get(path)).body, [
    { account: owner.id, name: 'olga', role: 'owner' },
    { account: reader.id, name: 'rob', role: 'reader' },
  ]);
  const greedy = await reader.send('PUT', `${path}/rob`, { role: 'owner' });
  assert.deepEqual([greedy.status, greedy.body.code], [403, 'FORBIDDEN']);
  assert.equal(await server.members.roleOf(project, reader.id), 'reader');
  const noted = await server.audit.list({ action: 'member.set', project, limit: 10 });
  assert.deepEqual(
    noted.map(({ outcome, actor }) => [outcome, actor.kind === 'account' && actor.name]),
    [
      ['refused', 'rob'],
      ['done', 'olga'],
    ],
  );
  assert.equal((await owner.send('DELETE', `${path}/rob`)).status, 204);
  assert.deepEqual(await rightsOf(reader, project), []);
});

test('no owner takes the own role away, so that one remains; another owner or an admin takes it', async () => {
  const project = server.addProject('acme/kept');
  const [first, second, admin] = [await server.login('fay'), await server.login('sid'), await server.login('root', true)];
  const path = (name: string) => `/api/projects/${project}/members/${name}`;
  assert.equal((await admin.send('PUT', path('fay'), { role: 'owner' })).status, 204);
  for (const refused of [await first.send('PUT', path('fay'), { role: 'writer' }), await first.send('DELETE', path('fay'))])
    assert.deepEqual([refused.status, refused.body.code], [403, 'OWN_ROLE']);
  assert.equal((await first.send('PUT', path('fay'), { role: 'owner' })).status, 204);
  assert.equal((await first.send('PUT', path('sid'), { role: 'owner' })).status, 204);
  assert.equal((await second.send('PUT', path('fay'), { role: 'reader' })).status, 204);
  assert.equal((await admin.send('DELETE', path('sid'))).status, 204);
  assert.equal((await admin.send('PUT', path('root'), { role: 'owner' })).status, 204);
  assert.equal((await admin.send('DELETE', path('root'))).status, 204);
  assert.deepEqual(await server.members.list(project), [{ account: first.id, role: 'reader' }]);
});

test('admins read the audit, by who, where and what, and nobody else does', async () => {
  const [admin, plain] = [await server.login('auditor', true), await server.login('curious')];
  assert.equal((await plain.get('/api/audit')).status, 403);
  const { body } = await admin.get('/api/audit?action=login&limit=2');
  assert.deepEqual(
    body.map(({ action, outcome, actor }: { action: string; outcome: string; actor: { name: string } }) => [action, outcome, actor.name]),
    [
      ['login', 'done', 'curious'],
      ['login', 'done', 'auditor'],
    ],
  );
  assert.equal((await admin.get('/api/audit?limit=0')).status, 400);
  assert.deepEqual((await admin.get(`/api/audit?account=${plain.id}&before=1`)).body, []);
});
