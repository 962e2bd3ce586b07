import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import { fastify } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { systemClock } from '../../lib/clock.ts';
import { sealerOf } from '../../secrets/sealer.ts';
import { memorySecrets } from '../../store/memory/memory-secrets.ts';
import { defaultSettings, type Project } from '../../store/projects.ts';
import type { Actor, AuditEntry, Right } from '../actor.ts';
import { projectSecrets } from './project-secrets.ts';
import { secretsPlugin } from './secrets-plugin.ts';

const project: Project = {
  name: 'ada/app',
  cloneUrl: 'https://forge.example/ada/app.git',
  defaultBranch: 'main',
  visibility: 'private',
  webhookSecret: '',
  settings: defaultSettings,
  createdAt: 0,
};
const actors: Readonly<Record<string, Actor>> = {
  owner: { kind: 'account', account: '1', name: 'ada', isAdmin: false },
  writer: { kind: 'account', account: '2', name: 'bob', isAdmin: false },
  stranger: { kind: 'account', account: '3', name: 'eve', isAdmin: false },
};
const rights: Readonly<Record<string, readonly Right[]>> = { 1: ['read', 'secrets'], 2: ['read', 'run'] };

describe('the routes of secrets', () => {
  const served = async (t: TestContext) => {
    const audit: AuditEntry[] = [];
    const secrets = projectSecrets({ store: memorySecrets(), sealer: sealerOf([randomBytes(32)]), clock: systemClock });
    const app = fastify();
    app.setValidatorCompiler(validatorCompiler);
    app.setSerializerCompiler(serializerCompiler);
    await app.register(
      secretsPlugin({
        secrets,
        projects: { get: async (name) => (name === project.name ? project : undefined) },
        actorOf: async ({ headers }) => actors[String(headers.as)] ?? { kind: 'anonymous' },
        guard: {
          may: async (actor, right, name) =>
            name === project.name && actor.kind === 'account' && (rights[actor.account] ?? []).includes(right),
          note: async (entry) => void audit.push(entry),
        },
      }),
    );
    const origin = await app.listen({ port: 0, host: '127.0.0.1' });
    t.after(() => app.close());
    const ask = async (as: string, method: string, path = '', body?: unknown, name = 'ada/app') => {
      const answer = await fetch(`${origin}/api/projects/${name}/secrets${path}`, {
        method,
        headers: { as, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const said = await answer.text();
      return { status: answer.status, said, code: said === '' ? undefined : (JSON.parse(said) as { code?: string }).code };
    };
    return { ask, audit };
  };

  it('take a value and give none back; what was done is noted without it', async (t) => {
    const { ask, audit } = await served(t);
    assert.equal((await ask('owner', 'PUT', '/TOKEN', { value: 'correct horse', scope: { triggers: ['push'] } })).status, 204);
    const listed = await ask('owner', 'GET');
    assert.match(listed.said, /"name":"TOKEN","kind":"secret".*"triggers":\["push"\].*"by":"ada"/);
    assert.equal((await ask('owner', 'DELETE', '/TOKEN')).status, 204);
    assert.equal((await ask('owner', 'DELETE', '/TOKEN')).code, 'SECRET_UNKNOWN');
    assert.deepEqual(
      audit.map(({ action, outcome, detail }) => [action, outcome, detail.name]),
      [
        ['secret.put', 'done', 'TOKEN'],
        ['secret.remove', 'done', 'TOKEN'],
      ],
    );
    assert.doesNotMatch(`${listed.said}${JSON.stringify(audit)}`, /horse/);
  });

  it('are for who has the right to them; who may not see the project is told that there is none', async (t) => {
    const { ask, audit } = await served(t);
    for (const [method, path, body] of [
      ['GET', ''],
      ['PUT', '/A', { value: 'a value' }],
      ['DELETE', '/A'],
    ] as const) {
      assert.deepEqual((await ask('writer', method, path, body)).code, 'FORBIDDEN');
      assert.deepEqual((await ask('stranger', method, path, body)).code, 'PROJECT_UNKNOWN');
      assert.deepEqual((await ask('nobody', method, path, body)).code, 'PROJECT_UNKNOWN');
      assert.deepEqual((await ask('owner', method, path, body, 'ada/other')).code, 'PROJECT_UNKNOWN');
    }
    assert.ok(audit.length > 0 && audit.every(({ outcome }) => outcome === 'refused'));
  });

  it('refuse what no stage can be given, without repeating it', async (t) => {
    const { ask } = await served(t);
    for (const [path, body] of [
      ['/A', { value: 'xyz' }],
      ['/1A', { value: 'xyzxyz' }],
      ['/A', { value: 'xyzxyz', scope: { wrong: ['xyz'] } }],
      ['/A', { value: 7 }],
    ] as const) {
      const { status, said } = await ask('owner', 'PUT', path, body);
      assert.ok(status === 422 || status === 400, `${status} ${said}`);
      assert.doesNotMatch(said, /xyz/);
    }
  });
});
