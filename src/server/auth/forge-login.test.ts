import assert from 'node:assert/strict';
import { test } from 'node:test';
import { giteaForge } from '../forges/testing/gitea-stand-in.ts';
import { gitHubForge } from '../forges/testing/github-forge.ts';
import { gitLabForge } from '../forges/testing/gitlab-stand-in.ts';
import { forgeLoginContract } from './forge-login.contract.ts';
import { authServer, publicUrl } from './testing/auth-server.ts';

forgeLoginContract('github', gitHubForge);
forgeLoginContract('gitlab', gitLabForge);
forgeLoginContract('gitea', giteaForge);

test('an account is linked with one account of each forge, and is let in by each of them', async (t) => {
  const forges = await Promise.all([gitHubForge(), gitLabForge(), giteaForge()]);
  const server = await authServer({ forges, join: 'known' });
  t.after(() => Promise.all([server.close(), ...forges.map((forge) => forge.server.close())]));
  const ada = await server.login('ada');
  for (const { kind, oauth, addUser } of forges) {
    oauth.person.user = addUser(`ada-at-${kind}`).id;
    assert.equal((await ada.follow((await ada.post(`/api/auth/${kind}`)).body.url)).at(-1), `${publicUrl}/`);
  }
  const { forges: linked } = (await ada.get('/api/auth/me')).body;
  const byKind = (one: { kind: string }, other: { kind: string }) => (one.kind < other.kind ? -1 : 1);
  assert.deepEqual(
    linked.sort(byKind),
    ['gitea', 'github', 'gitlab'].map((kind) => ({ kind, login: `ada-at-${kind}` })),
  );
  assert.deepEqual((await ada.get('/api/auth')).body.ways, ['password', 'github', 'gitlab', 'gitea']);
  for (const { kind } of forges) {
    const browser = server.browser();
    await browser.follow((await browser.get(`/api/auth/${kind}`)).headers.get('location') ?? '');
    assert.equal((await browser.get('/api/auth/me')).body.name, 'ada');
  }
});

test('what was begun with one forge is ended at no other, and the same number there is somebody else (atk-63)', async (t) => {
  const forges = await Promise.all([gitLabForge(), giteaForge()]);
  const [gitlab, gitea] = forges;
  const server = await authServer({ forges });
  t.after(() => Promise.all([server.close(), ...forges.map((forge) => forge.server.close())]));
  const [one, other] = [gitlab.addUser('ada'), gitea.addUser('eve')];
  assert.equal(one.id, other.id);
  [gitlab.oauth.person.user, gitea.oauth.person.user] = [one.id, other.id];
  const enter = async (kind: string) => {
    const browser = server.browser();
    await browser.follow((await browser.get(`/api/auth/${kind}`)).headers.get('location') ?? '');
    return (await browser.get('/api/auth/me')).body.account;
  };
  const [ada, eve] = [await enter('gitlab'), await enter('gitea')];
  assert.ok(ada !== undefined && eve !== undefined && ada !== eve);

  const tokensAsked = () => gitea.server.requests.filter(({ path }) => path === gitea.oauth.paths.token).length;
  const before = tokensAsked();
  const victim = server.browser();
  const begun = await victim.get('/api/auth/gitlab');
  const back = new URL((await fetch(begun.headers.get('location') ?? '', { redirect: 'manual' })).headers.get('location') ?? '');
  const way = await victim.follow(back.href.replace('/auth/gitlab/', '/auth/gitea/'));
  assert.equal(way.at(-1), `${publicUrl}/login?error=FORGE_LOGIN_REFUSED`);
  assert.equal((await victim.get('/api/auth/me')).status, 401);
  assert.equal(tokensAsked(), before, 'Gitea is not shown the code of GitLab');
});
