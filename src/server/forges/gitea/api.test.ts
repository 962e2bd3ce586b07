import assert from 'node:assert/strict';
import { test } from 'node:test';
import { giteaApi } from 'gitea-js';
import { systemClock } from '../../../lib/clock.ts';
import { forgeApiContract } from '../forge-api.contract.ts';
import { giteaForge } from '../testing/gitea-stand-in.ts';
import { sameRequests } from '../testing/same-requests.ts';
import { openGitea } from './api.ts';

forgeApiContract('Gitea', giteaForge);

test('Gitea is asked what a library that knows it asks', async (t) => {
  const forge = await giteaForge();
  t.after(() => forge.server.close());
  const token = forge.token('ada');
  const id = forge.add('ada/app', { admins: ['ada'] });
  const ours = openGitea({ url: forge.url, token, clock: systemClock });
  const { user, repos } = giteaApi(forge.server.url, { token });
  const config = { url: 'https://cion.example/h', content_type: 'json', secret: 's' };
  const hook = { active: true, events: ['push', 'pull_request', 'pull_request_sync', 'repository'], config };
  const sha = 'c'.repeat(40);
  const status = { context: 'cion/x', description: 'Run 1' };

  await sameRequests(forge.server, {
    'a list': [() => ours.repositories(), () => user.userCurrentListRepos({ limit: 50, page: 1 })],
    'a hook': [
      () => ours.ensureHook(id, { url: config.url, secret: 's' }),
      () => repos.repoCreateHook('ada', 'app', { ...hook, type: 'gitea', config: { ...config, url: `${config.url}2` } }),
    ],
    'the hook again': [
      () => ours.ensureHook(id, { url: config.url, secret: 's' }),
      () => repos.repoEditHook('ada', 'app', Number(forge.hooks(id)[0]?.id), hook),
    ],
    'a key': [
      () => ours.ensureKey(id, { title: 'cion', public: 'ssh-ed25519 AAAA' }),
      () => repos.repoCreateKey('ada', 'app', { title: 'another', key: 'ssh-ed25519 BBBB', read_only: true }),
    ],
    'a status': [
      () => ours.setStatus(id, sha, { state: 'passed', url: 'https://cion.example/1', ...status }),
      () => repos.repoCreateStatus('ada', 'app', sha, { state: 'success', target_url: 'https://cion.example/1', ...status }),
    ],
    'the end of a hook': [
      () => ours.remove(id, { hook: forge.hooks(id)[0]?.id ?? '' }),
      () => repos.repoDeleteHook('ada', 'app', Number(forge.hooks(id)[0]?.id)),
    ],
    'the end of a key': [
      () => ours.remove(id, { key: forge.keys(id)[0]?.id ?? '' }),
      () => repos.repoDeleteKey('ada', 'app', Number(forge.keys(id)[0]?.id)),
    ],
  });
  assert.deepEqual([forge.hooks(id), forge.keys(id)], [[], []]);
});
