import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gitlab } from '@gitbeaker/rest';
import { systemClock } from '../../../lib/clock.ts';
import { forgeApiContract } from '../forge-api.contract.ts';
import { gitLabForge } from '../testing/gitlab-stand-in.ts';
import { openGitLab } from './api.ts';

forgeApiContract('GitLab', gitLabForge);
forgeApiContract('GitLab without signing tokens', () => gitLabForge({ signs: false }));

test('a GitLab that signs never gets the secret as a token that it would send', async (t) => {
  const forge = await gitLabForge();
  t.after(() => forge.server.close());
  const id = forge.add('ada/app', { admins: ['ada'] });
  const secret = Buffer.alloc(32, 5).toString('base64');
  const api = openGitLab({ url: forge.url, token: forge.token('ada'), clock: systemClock });
  await api.ensureHook(id, { url: 'https://cion.example/h', secret });
  assert.equal(forge.hooks(id)[0]?.secret, `whsec_${secret}`);
  const asked = forge.server.requests.filter(({ method }) => method !== 'GET').map(({ body }) => JSON.parse(body.toString()));
  assert.equal(asked.length, 1);
  assert.equal('token' in asked[0], false);
});

test('what a library that knows GitLab made, we find, and the other way round', async (t) => {
  const forge = await gitLabForge();
  t.after(() => forge.server.close());
  const token = forge.token('ada');
  const id = forge.add('ada/app', { admins: ['ada'] });
  const ours = openGitLab({ url: forge.url, token, clock: systemClock });
  const theirs = new Gitlab({ host: forge.server.url, oauthToken: token });
  const hook = { url: 'https://cion.example/h', secret: Buffer.alloc(32, 5).toString('base64') };
  const key = { title: 'cion', public: 'ssh-ed25519 AAAA' };

  const made = await theirs.ProjectHooks.add(id, hook.url, { pushEvents: true });
  assert.equal(await ours.ensureHook(id, hook), String(made.id));
  assert.equal(await ours.ensureKey(id, key), String((await theirs.DeployKeys.all({ projectId: id }))[0]?.id));
  assert.deepEqual(
    (await ours.repositories()).map((one) => one.id),
    (await theirs.Projects.all({ membership: true })).map((one) => String(one.id)),
  );
  await ours.setStatus(id, 'c'.repeat(40), { state: 'passed', context: 'cion/x', description: 'Run 1', url: 'https://cion.example/1' });
  await theirs.Commits.editStatus(id, 'c'.repeat(40), 'success', {
    name: 'cion/x',
    description: 'Run 1',
    targetUrl: 'https://cion.example/1',
  });
  assert.deepEqual(forge.statuses[0], forge.statuses[1]);
  await theirs.ProjectHooks.remove(id, made.id);
  await ours.remove(id, { hook: String(made.id), key: forge.keys(id)[0]?.id ?? '' });
  assert.deepEqual([forge.hooks(id), forge.keys(id)], [[], []]);
});
