import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { SealError, sealerOf } from '../../secrets/sealer.ts';
import { defaultSettings } from '../../store/projects.ts';
import { sqlProjects } from '../../store/sql/projects.ts';
import { testDatabases } from '../../store/sql/testing/databases.ts';
import { credentialContext, deployKeyContext, webhookContext } from '../intake/project-secrets.ts';
import { resealProjects } from './reseal-projects.ts';

test('what projects keep sealed is sealed again with the new key, and a wrong key is told (atk-40)', async (t) => {
  const made = await testDatabases[0]?.make();
  assert.ok(made);
  t.after(() => made.close());
  const [old, fresh] = [randomBytes(32), randomBytes(32)];
  const projects = sqlProjects(made.database);
  const before = sealerOf([old]);
  for (const name of ['ada/app', 'ada/plain']) {
    await projects.add({
      name,
      cloneUrl: `https://forge.example/${name}.git`,
      defaultBranch: 'main',
      visibility: 'private',
      webhookSecret: before.seal('hook', webhookContext(name)),
      ...(name === 'ada/app' ? { deployKey: { public: 'ssh-ed25519 x', private: before.seal('key', deployKeyContext(name)) } } : {}),
      ...(name === 'ada/app'
        ? {}
        : { credential: { origin: 'https://forge.example', user: 'git', secret: before.seal('token', credentialContext(name)) } }),
      settings: defaultSettings,
      createdAt: 0,
    });
  }
  await resealProjects(projects, sealerOf([fresh, old]));
  const now = sealerOf([fresh]);
  for (const { name, webhookSecret, deployKey, credential } of await projects.list()) {
    assert.equal(now.open(webhookSecret, webhookContext(name)).toString(), 'hook');
    assert.equal(deployKey && now.open(deployKey.private, deployKeyContext(name)).toString(), name === 'ada/app' ? 'key' : undefined);
    assert.equal(credential && now.open(credential.secret, credentialContext(name)).toString(), name === 'ada/app' ? undefined : 'token');
  }
  await assert.rejects(resealProjects(projects, sealerOf([old])), SealError);
});
