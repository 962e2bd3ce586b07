import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Octokit } from 'octokit';
import { systemClock } from '../../../lib/clock.ts';
import { forgeApiContract } from '../forge-api.contract.ts';
import { gitHubForge } from '../testing/github-forge.ts';
import { sameRequests } from '../testing/same-requests.ts';
import { openGitHub } from './api.ts';

forgeApiContract('GitHub', gitHubForge);

test("GitHub is asked what GitHub's own library asks", async (t) => {
  const forge = await gitHubForge();
  t.after(() => forge.server.close());
  const token = forge.token('ada');
  const id = forge.add('ada/app', { admins: ['ada'] });
  const ours = openGitHub({ url: forge.url, token, clock: systemClock });
  const { rest } = new Octokit({ auth: token, baseUrl: forge.url, throttle: { enabled: false }, retry: { enabled: false } });
  const repo = { owner: 'ada', repo: 'app' };
  const config = { url: 'https://cion.example/h', content_type: 'json', secret: 's', insecure_ssl: '0' };
  const events = ['push', 'pull_request', 'repository'];
  const status = { context: 'cion/x', description: 'Run 1', target_url: 'https://cion.example/1' };
  const sha = 'c'.repeat(40);
  const hook = { url: config.url, secret: 's' };

  await sameRequests(forge.server, {
    'a list': [() => ours.repositories(), () => rest.repos.listForAuthenticatedUser({ sort: 'full_name', per_page: 100, page: 1 })],
    'a hook': [
      () => ours.ensureHook(id, hook),
      () => rest.repos.createWebhook({ ...repo, name: 'web', active: true, events, config: { ...config, url: `${config.url}2` } }),
    ],
    'the hook again': [
      () => ours.ensureHook(id, hook),
      async () => rest.repos.updateWebhook({ ...repo, hook_id: Number(forge.hooks(id)[0]?.id), active: true, events, config }),
    ],
    'a key': [
      () => ours.ensureKey(id, { title: 'cion', public: 'ssh-ed25519 AAAA' }),
      () => rest.repos.createDeployKey({ ...repo, title: 'cion', key: 'ssh-ed25519 BBBB', read_only: true }),
    ],
    'a status': [
      () => ours.setStatus(id, sha, { state: 'passed', context: status.context, description: status.description, url: status.target_url }),
      () => rest.repos.createCommitStatus({ ...repo, sha, state: 'success', ...status }),
    ],
    'the end of a hook': [
      () => ours.remove(id, { hook: forge.hooks(id)[0]?.id ?? '' }),
      () => rest.repos.deleteWebhook({ ...repo, hook_id: Number(forge.hooks(id)[0]?.id) }),
    ],
    'the end of a key': [
      () => ours.remove(id, { key: forge.keys(id)[0]?.id ?? '' }),
      () => rest.repos.deleteDeployKey({ ...repo, key_id: Number(forge.keys(id)[0]?.id) }),
    ],
  });
  assert.deepEqual([forge.hooks(id), forge.keys(id)], [[], []]);
});
