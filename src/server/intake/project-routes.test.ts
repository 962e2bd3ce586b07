import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { DeliveryJson } from '../../api/deliveries.ts';
import { systemClock } from '../../lib/clock.ts';
import { sealerOf } from '../../secrets/sealer.ts';
import type { RunRow } from '../../store/run-store.ts';
import type { TestDatabase } from '../../store/sql/testing/databases.ts';
import { giteaForge } from '../forges/testing/gitea-stand-in.ts';
import { gitHubForge } from '../forges/testing/github-forge.ts';
import { gitHubExamples } from '../forges/testing/github-examples.ts';
import { gitLabForge } from '../forges/testing/gitlab-stand-in.ts';
import { fromGitHub } from '../forges/testing/hook-request.ts';
import type { ForgeStandIn } from '../forges/testing/forge-stand-in.ts';
import { credentialContext, deployKeyContext } from './project-secrets.ts';
import { intakeDatabase, type IntakeServer, intakeServer } from './testing/intake-server.ts';
import { post } from './testing/post.ts';

let made: TestDatabase;
before(async () => {
  made = await intakeDatabase();
});
after(() => made.close());

for (const { kind, start } of [
  { kind: 'github', start: gitHubForge },
  { kind: 'gitlab', start: gitLabForge },
  { kind: 'gitea', start: giteaForge },
] as const) {
  describe(`projects of ${kind}`, () => {
    let forge: ForgeStandIn;
    let server: IntakeServer;
    let repository: string;
    beforeEach(async () => {
      await made.clear();
      forge = await start();
      server = await intakeServer(made, { sites: [{ kind, url: forge.url, open: forge.open }] });
      for (const login of ['ada', 'eve']) server.tokens.set(`${login} ${kind}`, forge.token(login));
      server.rights.set('ada', ['read', 'settings']);
      repository = forge.add('ada/app', { admins: ['ada'], isPrivate: true });
    });
    afterEach(async () => {
      await server.close();
      await forge.server.close();
    });

    const call = async (method: string, path: string, body?: object, as: string | undefined = 'user:ada') => {
      const response = await fetch(`${server.url}${path}`, {
        method,
        headers: {
          ...(as === '' ? {} : { authorization: `Bearer ${as}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, text, json: JSON.parse(text) };
    };
    const connect = (as = 'user:ada') => call('POST', '/api/projects', { forge: kind, repository }, as);

    it('lists the own repositories of who is logged in, and makes a project of the one that is chosen (R-DCO-04)', async () => {
      forge.add('eve/secret', { admins: ['eve'] });
      const listed = () => call('GET', `/api/repositories?forge=${kind}`);
      const one = { id: repository, name: 'ada/app', visibility: 'private' };
      assert.deepEqual((await listed()).json, [one]);
      const connected = await connect();
      assert.equal(connected.status, 200);
      assert.deepEqual((await listed()).json, [{ ...one, project: 'ada/app' }]);
      const project = await server.projects.get('ada/app');
      assert.deepEqual(
        [
          project?.name,
          project?.cloneUrl,
          project?.defaultBranch,
          project?.visibility,
          project?.forge?.repository,
          project?.forge?.account,
        ],
        ['ada/app', 'git@forge.example:ada/app.git', 'main', 'private', repository, 'ada'],
      );
    });

    it('makes one webhook with a secret of its own, and asking again makes no other (R-DCO-05)', async () => {
      await connect();
      const before = await server.projects.get('ada/app');
      for (let i = 0; i < 2; i++) assert.equal((await connect()).status, 200);
      const project = await server.projects.get('ada/app');
      assert.ok(project !== undefined);
      assert.deepEqual(project, before);
      const [hook, ...more] = forge.hooks(repository);
      assert.deepEqual([more, hook?.id, hook?.url], [[], project.forge?.hook, `https://cion.example/hooks/${kind}/ada/app`]);
      assert.equal(hook?.secret.replace('whsec_', ''), server.secretOf(project));
      assert.equal(Buffer.from(server.secretOf(project), 'base64').length, 32);
    });

    it('mends what was lost at the forge, with the secrets that it had', async () => {
      await connect();
      const before = await server.projects.get('ada/app');
      await forge.open({ url: forge.url, token: forge.token('ada'), clock: systemClock }).remove(repository, before?.forge ?? {});
      forge.rename(repository, 'ada/renamed');
      assert.equal((await connect()).json.name, 'ada/app');
      const project = await server.projects.get('ada/app');
      assert.ok(project !== undefined);
      assert.deepEqual([forge.hooks(repository).length, forge.keys(repository).length], [1, 1]);
      assert.equal(forge.hooks(repository)[0]?.secret.replace('whsec_', ''), server.secretOf(project));
      assert.deepEqual([project.deployKey, project.webhookSecret], [before?.deployKey, before?.webhookSecret]);
    });

    it('makes a deploy key that may only read; its private half is kept sealed and fits the public one (R-DCO-06)', async (t) => {
      await connect();
      const project = await server.projects.get('ada/app');
      const [key, ...more] = forge.keys(repository);
      assert.deepEqual([more, key?.id, key?.isReadOnly, key?.key], [[], project?.forge?.key, true, project?.deployKey?.public]);
      assert.equal(JSON.stringify(project).includes('PRIVATE KEY'), false);
      const sealer = sealerOf([Buffer.alloc(32, 9)]);
      assert.throws(() => sealer.open(project?.deployKey?.private ?? '', deployKeyContext('eve/app')));
      const directory = mkdtempSync(join(tmpdir(), 'cion-key-'));
      t.after(() => rmSync(directory, { recursive: true, force: true }));
      const file = join(directory, 'key');
      writeFileSync(file, sealer.open(project?.deployKey?.private ?? '', deployKeyContext('ada/app')), { mode: 0o600 });
      assert.equal(execFileSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' }).trim(), key?.key);
    });

    it('is cloned over https with a token of its own in place of a deploy key, kept sealed and never shown (atk-59)', async () => {
      server.rights.set('ada', ['read', 'settings', 'secrets']).set('bob', ['read', 'settings']);
      const credential = { user: 'bot', secret: 'pat_one_0123456789' };
      const first = await call('POST', '/api/projects', { forge: kind, repository, credential });
      assert.deepEqual(first.json.credential, { origin: 'https://forge.example', user: 'bot' });
      assert.deepEqual(
        [first.json.cloneUrl, first.json.deployKey, forge.keys(repository)],
        ['https://forge.example/ada/app.git', undefined, []],
      );
      const kept = async () => {
        const sealed = (await server.projects.get('ada/app'))?.credential?.secret ?? '';
        const sealer = sealerOf([Buffer.alloc(32, 9)]);
        assert.throws(() => sealer.open(sealed, credentialContext('eve/app')));
        return sealer.open(sealed, credentialContext('ada/app')).toString();
      };
      assert.equal(await kept(), credential.secret);
      const place = '/api/projects/ada/app/credential';
      const second = await call('PUT', place, { secret: 'pat_two_0123456789' });
      assert.deepEqual([second.status, second.json.credential?.user, await kept()], [200, 'git', 'pat_two_0123456789']);
      for (const [as, status] of [
        ['user:bob', 403],
        ['user:eve', 404],
        ['', 404],
      ] as const) {
        assert.equal((await call('PUT', place, credential, as)).status, status, as);
        assert.equal((await call('DELETE', place, undefined, as)).status, status, as);
      }
      assert.equal((await call('DELETE', place)).json.credential, undefined);
      assert.equal((await server.projects.get('ada/app'))?.credential, undefined);
      const again = await call('POST', '/api/projects', { forge: kind, repository, credential });
      assert.equal(again.json.credential.user, 'bot');
      const said = [first.text, second.text, again.text, JSON.stringify(server.notes), server.warnings.join()];
      for (const text of said) assert.doesNotMatch(text, /pat_/);
      assert.equal(JSON.stringify(await server.projects.list()).includes('pat_'), false);
    });

    it('removes webhook and key at the forge when it is disconnected, and then the project (R-DCO-07)', async () => {
      await connect();
      assert.deepEqual((await call('DELETE', '/api/projects/ada/app')).json, { isClean: true });
      assert.deepEqual([forge.hooks(repository), forge.keys(repository), await server.projects.list()], [[], [], []]);
      assert.equal((await call('DELETE', '/api/projects/ada/app')).status, 404);
    });

    it('stays connected when the forge cannot be told, unless that is wanted', async () => {
      await connect();
      server.tokens.set(`ada ${kind}`, 'revoked');
      const refused = await call('DELETE', '/api/projects/ada/app');
      assert.deepEqual([refused.status, refused.json.code], [424, 'FORGE_REFUSED']);
      server.tokens.delete(`ada ${kind}`);
      assert.equal((await call('DELETE', '/api/projects/ada/app')).json.code, 'FORGE_LOGIN_MISSING');
      assert.equal((await server.projects.list()).length, 1);
      assert.deepEqual((await call('DELETE', '/api/projects/ada/app?force=true')).json, { isClean: false });
      assert.equal((await server.projects.list()).length, 0);
    });

    it('stays connected while a run of it goes on', async () => {
      await connect();
      server.rows.set('r', { run: 'r', project: 'ada/app', number: 3, phase: 'running' } as RunRow);
      const refused = await call('DELETE', '/api/projects/ada/app?force=true');
      assert.deepEqual([refused.status, refused.json.code], [409, 'PROJECT_BUSY']);
      assert.deepEqual([forge.hooks(repository).length, (await server.projects.list()).length], [1, 1]);
    });

    it('is not connected by who does not administer it at its forge, and nothing is left of the attempt', async () => {
      const open = forge.add('ada/open', { admins: ['ada'] });
      const answers = [await connect('user:eve'), await call('POST', '/api/projects', { forge: kind, repository: open }, 'user:eve')];
      assert.deepEqual(
        answers.map(({ status, json }) => [status, json.code]),
        [
          [404, 'REPOSITORY_UNKNOWN'],
          [403, 'REPOSITORY_NOT_YOURS'],
        ],
      );
      assert.equal((await connect('')).json.code, 'LOGIN_REQUIRED');
      assert.equal((await connect('user:nobody')).json.code, 'FORGE_LOGIN_MISSING');
      assert.deepEqual([await server.projects.list(), forge.hooks(repository), forge.hooks(open)], [[], [], []]);
    });

    it('another repository that has taken the name gets nothing of the project (atk-05)', async () => {
      await connect();
      const before = await server.projects.get('ada/app');
      forge.delete(repository);
      const retaken = forge.add('ada/app', { admins: ['eve'] });
      const answer = await call('POST', '/api/projects', { forge: kind, repository: retaken }, 'user:eve');
      assert.deepEqual([answer.status, answer.json.code], [409, 'PROJECT_EXISTS']);
      assert.deepEqual(await server.projects.list(), [before]);
      assert.deepEqual([forge.hooks(retaken), forge.keys(retaken)], [[], []]);
    });

    it('what cannot be finished at the forge is taken back', async () => {
      const path =
        kind === 'gitlab'
          ? `/api/v4/projects/${repository}/deploy_keys`
          : kind === 'gitea'
            ? '/api/v1/repos/ada/app/keys'
            : '/repos/ada/app/keys';
      forge.server.route('POST', path, () => ({ status: 500, body: 'echo of a secret' }));
      const answer = await connect();
      assert.deepEqual([answer.status, answer.json.code], [424, 'FORGE_FAILED']);
      assert.doesNotMatch(answer.text, /echo/);
      assert.deepEqual([await server.projects.list(), forge.hooks(repository), forge.keys(repository)], [[], [], []]);
    });

    it('makes a project of a repository in a group of groups, where there are some, and works on it by its whole name', async (t) => {
      if (kind !== 'gitlab') return t.skip('it has none');
      const nested = forge.add('ada/tools/cli', { admins: ['ada'], isPrivate: true });
      const { json } = await call('POST', '/api/projects', { forge: kind, repository: nested });
      assert.equal(json.name, 'ada/tools/cli');
      const project = await server.projects.get('ada/tools/cli');
      assert.ok(project !== undefined);
      const { url } = forge.hooks(nested)[0] ?? assert.fail();
      assert.equal(url, `https://cion.example/hooks/${kind}/ada/tools/cli`);
      const asked = await post(server.url, new URL(url).pathname, { headers: {}, body: Buffer.from('{}') });
      assert.equal(asked.status, 401, 'the address is that of the project, whose secret nobody has');
      const refused = server.notes.findLast(({ action }) => action === 'webhook.refused');
      assert.deepEqual([refused?.project, refused?.detail.why], ['ada/tools/cli', 'the signature is missing or wrong']);
      assert.equal((await call('GET', '/api/projects/ada%2Ftools/cli/settings')).json.name, 'ada/tools/cli');
      assert.equal((await call('PATCH', '/api/projects/ada%2Ftools/cli/settings', { visibility: 'public' })).json.visibility, 'public');
      assert.deepEqual((await call('GET', '/api/projects/ada%2Ftools/cli/deliveries')).json, []);
      assert.deepEqual((await call('DELETE', '/api/projects/ada%2Ftools/cli')).json, { isClean: true });
      assert.deepEqual([forge.hooks(nested), await server.projects.list()], [[], []]);
    });

    it('neither answers nor audit have a token, a secret or a private key (atk-59)', async () => {
      const texts = [(await connect()).text, (await call('GET', '/api/projects/ada/app/settings')).text];
      const project = await server.projects.get('ada/app');
      assert.ok(project !== undefined);
      texts.push(JSON.stringify(server.notes), server.warnings.join());
      for (const text of texts) {
        for (const secret of [
          forge.token('ada'),
          server.secretOf(project),
          project.webhookSecret,
          'PRIVATE KEY',
          project.deployKey?.private ?? '',
        ]) {
          assert.equal(text.includes(secret), false, text);
        }
      }
      assert.deepEqual(
        server.notes.map(({ action, project, outcome }) => [action, project, outcome]),
        [['project.connect', 'ada/app', 'done']],
      );
    });
  });
}

describe('projects', () => {
  let server: IntakeServer;
  beforeEach(async () => {
    await made.clear();
    server = await intakeServer(made);
  });
  afterEach(() => server.close());

  const call = async (method: string, path: string, body: object | undefined, as: string) => {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${as}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, json: JSON.parse(await response.text()) };
  };

  it('of any git server are added by an admin, who is shown the secret of their hook once', async () => {
    const body = { forge: 'git', name: 'any/one', cloneUrl: 'ssh://git@git.example/any/one.git' };
    assert.equal((await call('POST', '/api/projects', body, 'user:ada')).status, 403);
    const { json } = await call('POST', '/api/projects', body, 'admin:root');
    const project = await server.projects.get('any/one');
    assert.ok(project !== undefined);
    assert.deepEqual(json.hook, { url: 'https://cion.example/hooks/git/any/one', secret: server.secretOf(project) });
    assert.match(json.deployKey, /^ssh-ed25519 /);
    assert.equal((await call('POST', '/api/projects', body, 'admin:root')).json.code, 'PROJECT_EXISTS');
    assert.equal((await call('GET', '/api/projects/any/one/settings', undefined, 'admin:root')).json.hook, undefined);
  });

  it('take a credential for https alone, at the origin that they are cloned from, and none that git could take for more (atk-59)', async () => {
    const add = (name: string, cloneUrl: string, credential: object) =>
      call('POST', '/api/projects', { forge: 'git', name, cloneUrl, credential }, 'admin:root');
    const { json } = await add('any/one', 'https://git.example:8443/any/one.git', { secret: 'hunter2' });
    assert.deepEqual([json.credential, json.deployKey], [{ origin: 'https://git.example:8443', user: 'git' }, undefined]);
    const bySsh = await add('any/two', 'git@git.example:any/two.git', { secret: 'hunter2' });
    assert.deepEqual([bySsh.status, bySsh.json.code], [409, 'CREDENTIAL_UNUSED']);
    assert.equal((await add('any/two', 'http://git.example/any/two.git', { secret: 'hunter2' })).json.code, 'CREDENTIAL_UNUSED');
    for (const bad of [
      { secret: '' },
      { secret: 'a\nhost=evil.example' },
      { secret: 'a\0b' },
      { secret: 'a\rb' },
      { user: 'a:b', secret: 'x' },
      { user: 'a\nb', secret: 'x' },
      { user: '', secret: 'x' },
      { secret: 'x'.repeat(4001) },
      { secret: 'x', origin: 'https://evil.example' },
    ]) {
      assert.equal((await add('any/two', 'https://git.example/any/two.git', bad)).status, 400, JSON.stringify(bad));
    }
    assert.deepEqual(
      (await server.projects.list()).map(({ name }) => name),
      ['any/one'],
    );
  });

  it('are not cloned from what makes git start a program, or has a password in it (atk-57)', async () => {
    const evil = [
      'ext::sh -c id',
      '--upload-pack=x',
      '-oProxyCommand=x',
      'file:///etc',
      '/etc',
      'https://u:p@h.example/a/b',
      'git@h:a b/c',
      'h\n:a/b',
    ];
    for (const cloneUrl of evil) {
      const answer = await call('POST', '/api/projects', { forge: 'git', name: 'a/b', cloneUrl }, 'admin:root');
      assert.equal(answer.status, 400, cloneUrl);
    }
    for (const name of ['a', '../b', 'a/..', './b', 'a/../b', 'a%2Fb/c', 'a/b c', 'a//b', '-a/b', 'a/b\n']) {
      const answer = await call('POST', '/api/projects', { forge: 'git', name, cloneUrl: 'https://h.example/a/b' }, 'admin:root');
      assert.equal(answer.status, 400, name);
    }
    assert.deepEqual(await server.projects.list(), []);
  });

  it('have settings that only who has the right may see and change, each by itself', async () => {
    await server.addProject('ada/app');
    server.rights.set('ada', ['read', 'settings']).set('bob', ['read']);
    const path = '/api/projects/ada/app/settings';
    const patch = (body: object, as = 'user:ada') => call('PATCH', path, body, as);
    assert.equal((await patch({ settings: { branches: ['main', '!x'], limit: 2 } })).status, 200);
    const changed = await patch({ settings: { commits: 'all' }, visibility: 'public' });
    assert.deepEqual(changed.json.settings, { ...(await server.projects.get('ada/app'))?.settings });
    assert.deepEqual(
      [changed.json.settings.branches, changed.json.settings.commits, changed.json.settings.limit],
      [['main', '!x'], 'all', 2],
    );
    assert.equal((await patch({ settings: { limit: null } })).json.settings.limit, undefined);
    assert.deepEqual(server.policies, ['ada/app', 'ada/app', 'ada/app']);
    for (const bad of [
      { settings: { branches: 'main' } },
      { settings: { priority: 1e9 } },
      { settings: { unknown: 1 } },
      { webhookSecret: 'x' },
      { name: 'x/y' },
    ]) {
      assert.equal((await patch(bad)).status, 400, JSON.stringify(bad));
    }
    assert.deepEqual(
      [(await patch({}, 'user:bob')).status, (await patch({}, 'user:eve')).status, (await patch({}, '')).status],
      [403, 404, 404],
    );
    assert.equal((await call('GET', '/api/projects/no/where/settings', undefined, 'user:eve')).status, 404);
  });

  it('tell who may set them what came from their forge, and what became of it', async () => {
    const [pushed] = gitHubExamples('push', ({ ref }) => ref === 'refs/heads/master');
    const forge = { kind: 'github', url: 'https://api.forge.example', repository: String(pushed?.repository?.id) } as const;
    const secret = server.secretOf(await server.addProject('ada/app', { forge }));
    server.start();
    await post(server.url, '/hooks/github/ada/app', fromGitHub('push', pushed, secret, 'd1'));
    await post(server.url, '/hooks/github/ada/app', fromGitHub('star', { repository: pushed?.repository }, secret, 'd2'));
    await server.idle();
    const { json } = await call('GET', '/api/projects/ada/app/deliveries', undefined, 'admin:root');
    assert.deepEqual(
      (json as readonly DeliveryJson[]).map(({ id, forge, event, result }) => [id, forge, event, result?.kind, result?.note]),
      [
        ['d2', 'github', 'star', 'ignored', 'It tells of an event "star".'],
        ['d1', 'github', 'push', 'done', 'It made a run.'],
      ],
    );
    assert.equal((await call('GET', '/api/projects/ada/app/deliveries', undefined, 'user:eve')).status, 404);
  });
});
