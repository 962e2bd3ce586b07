import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../lib/clock.ts';
import { reference } from '../plan/stage.ts';
import { unlessGone } from '../runtimes/docker/failures.ts';
import { encodedLogin } from '../runtimes/docker/engine/credentials.ts';
import { freePort } from '../runtimes/docker/testing/free-port.ts';
import { publish } from '../runtimes/docker/testing/published.ts';
import { whyNoRegistry, withRegistry } from '../runtimes/docker/testing/registry.ts';
import { plannedFacts, planOf, stageOf } from '../server/dispatch/testing/served.ts';
import { jobImages, jobUser } from '../server/registry/job-images.ts';
import { registryPlugin } from '../server/registry/registry-plugin.ts';
import { registryIssuer, registryTokens } from '../server/registry/registry-tokens.ts';
import { makeSigning, type Signing } from '../server/registry/testing/signing.ts';
import { testGuard } from '../server/testing/test-guard.ts';
import { testProject } from '../server/testing/test-server.ts';
import { dockerSite } from './testing/docker-site.ts';

const skip = whyNoRegistry() ?? false;

const script = (text: string) => ({ image: reference('busybox:latest'), command: { kind: 'shell' as const, script: text } });

describe('the registry of a server', { skip, timeout: 180_000 }, () => {
  let site: Awaited<ReturnType<typeof dockerSite>>;
  let signing: Signing;
  let host: string;
  const guard = testGuard();

  before(async () => {
    signing = await makeSigning();
    host = `127.0.0.1:${await freePort()}`;
    const tokens = registryTokens(signing.key, host, systemClock);
    const projects = [testProject('acme/app'), testProject('evil/other')];
    guard.grant('reader', 'acme/app', 'read');
    site = await dockerSite({
      runs: { images: jobImages(host, tokens) },
      server: (leases) => {
        const rights = { actorOf: guard.actorOf, guard };
        return {
          ...rights,
          plugins: [registryPlugin({ ...rights, tokens, service: host, prefix: '', projects: { list: async () => projects }, leases })],
        };
      },
    });
  });
  after(async () => {
    for (const name of await namesHere()) await unlessGone(site.engine.json('DELETE', `/images/${name}`, { query: { force: true } }));
    await site?.close();
    await signing?.remove();
  });

  const namesHere = async (): Promise<readonly string[]> => {
    const images = await site.engine.json<readonly { readonly RepoTags: readonly string[] | null }[]>('GET', '/images/json');
    return images.flatMap(({ RepoTags }) => RepoTags ?? []).filter((name) => name.startsWith(`${host}/`));
  };
  const withOurs = <T>(use: () => Promise<T>): Promise<T> =>
    withRegistry(
      {
        login: false,
        host,
        token: {
          realm: `${site.server.url}/api/registry/token`,
          service: host,
          issuer: registryIssuer,
          rootcertbundle: signing.certificate,
        },
      },
      use,
    );
  const readBy = async (account: string, repository: string, path: string) => {
    const authorization = `Basic ${Buffer.from(`any:account:${account}`).toString('base64')}`;
    const url = `${site.server.url}/api/registry/token?service=${host}&scope=repository:${repository}:pull`;
    const { token } = (await (await fetch(url, { headers: { authorization } })).json()) as { readonly token: string };
    const answer = await fetch(`http://${host}/v2/${repository}/${path}`, { headers: { authorization: `Bearer ${token}` } });
    return { status: answer.status, body: (await answer.json()) as { readonly tags?: readonly string[] } };
  };
  const filesBelow = async (directory: string): Promise<string> => {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    const texts = entries.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name), 'latin1'));
    return (await Promise.all(texts)).join('\n');
  };

  it('has what a job commits: its project’s readers pull it, and another worker runs it (R-WRK-54)', () =>
    withOurs(async () => {
      const one = await site.worker();
      const make = stageOf('make', [], { ...script('echo made > /made; sleep 1; echo made it'), commit: { names: [] } });
      const use = stageOf('use', ['make'], { ...script('cat /made'), image: { kind: 'stage', stage: 'make' } });
      const run = await site.plan(planOf([make, use]));
      await site.until(run, ({ nodes, phase }) => phase === 'finished' || nodes.get('make')?.phase === 'running');
      one.drain();
      await one.ended;
      const made = await site.runs.dispatcher.state(run);
      const node = made?.nodes.get('make');
      const reference = node?.kind === 'stage' ? node.attempts.at(-1)?.committed?.reference : undefined;
      assert.equal(reference, `${host}/acme/app:${made?.number}`);
      assert.deepEqual(await namesHere(), [reference]);
      await site.engine.json('DELETE', `/images/${reference}`);

      const tags = await readBy('reader', 'acme/app', 'tags/list');
      assert.deepEqual(tags.body.tags?.toSorted(), [String(made?.number), 'green', 'latest']);
      assert.equal((await readBy('nobody', 'acme/app', 'tags/list')).status, 401);

      const two = await site.worker();
      assert.equal((await site.ended(run)).outcome, 'passed');
      assert.equal(await site.logOf(run, 'use'), 'made\n');
      const pulled = (await site.runs.events(run)).find((event) => event.kind === 'image.resolved' && event.stage === 'use');
      assert.equal(pulled?.kind === 'image.resolved' && pulled.pulled, true);
      const places = [JSON.stringify(await site.runs.events(run)), await site.logOf(run, 'make'), ...one.lines, ...two.lines];
      for (const directory of [one.stateDir, two.stateDir, site.server.directory]) places.push(await filesBelow(directory));
      assert.ok(places.some((text) => text.includes('Pushed')));
      for (const text of places) assert.ok(!/eyJ[\w-]+\.eyJ/.test(text), 'a ticket');
      await two.close();
    }));

  it('takes from a job what it pushes to its own project, and nothing for another, whose images on its engine it cannot run; a fork’s job is given nothing (R-WRK-54, atk-13)', () =>
    withOurs(async () => {
      const claimedOf = async (project: string, fork?: boolean) => {
        const stages = planOf([stageOf('make', [], { ...script('true'), commit: { names: [] } })]);
        const run =
          fork === true
            ? (
                await site.runs.dispatcher.create({
                  project,
                  pipeline: 'cion',
                  trigger: { kind: 'pull-request', number: 1, by: 'eve', ref: 'refs/pull/1/head', fork },
                })
              ).run
            : await site.runs.plan(stages, { project });
        if (fork === true) await site.runs.dispatcher.report(run, () => plannedFacts(stages));
        const claim = { worker: 'hand', labels: [], slots: 1, waitMs: 10_000, fresh: false };
        const { claimed } = await site.runs.dispatcher.claim(claim, new AbortController().signal);
        assert.equal(claimed[0]?.work.run, run);
        return claimed[0] ?? assert.fail();
      };
      const evil = await claimedOf('evil/other');
      assert.equal(evil.registry?.own?.repository, `${host}/evil/other`);
      const auth = encodedLogin({ username: jobUser, password: evil.registry.own.password, serveraddress: host });
      const push = async (repository: string): Promise<void> => {
        try {
          await publish(site.engine, `${host}/${repository}`, '1', Buffer.from(repository), auth);
        } finally {
          await unlessGone(site.engine.json('DELETE', `/images/${host}/${repository}:1`));
        }
      };
      await push('evil/other');
      await assert.rejects(push('acme/app'), /denied|unauthorized|authentication required|insufficient/i);
      const noted = guard.notes.at(-1);
      assert.deepEqual([noted?.action, noted?.project, noted?.detail.item], ['registry.push', 'acme/app', evil.lease.item]);
      await site.runs.tell(evil, 1, [{ kind: 'stage.finished', stage: 'make', attempt: 1, outcome: 'passed' }], 'hand');
      await assert.rejects(push('evil/other'), /denied|unauthorized|authentication required|insufficient/i);

      const secret = `${host}/acme/app:secret`;
      await site.engine.json('POST', '/images/busybox:latest/tag', { query: { repo: `${host}/acme/app`, tag: 'secret' } });
      const look = planOf([stageOf('look', [], { ...script('echo inside'), image: reference(secret) })]);
      const worker = await site.worker();
      const others = await site.runs.plan(look, { project: 'evil/other' });
      await site.ended(others);
      const finished = (await site.runs.events(others)).find(({ kind }) => kind === 'stage.finished');
      assert.equal(finished?.kind === 'stage.finished' && finished.cause?.kind === 'error' && finished.cause.code, 'IMAGE_NOT_FOUND');
      assert.equal((await site.ended(await site.runs.plan(look))).outcome, 'passed');
      await worker.close();

      const fork = await claimedOf('acme/app', true);
      assert.deepEqual([fork.registry, fork.withoutLogins, evil.withoutLogins], [{ place: host }, true, undefined]);
      assert.equal(fork.work.stage.commit?.registry, undefined);
      await site.runs.tell(fork, 1, [{ kind: 'stage.finished', stage: 'make', attempt: 1, outcome: 'passed' }], 'hand');
    }));
});
