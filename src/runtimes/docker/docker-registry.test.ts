import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { glob, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pack } from 'tar-stream';
import { newRunId } from '../../lib/ids.ts';
import { reference } from '../../plan/stage.ts';
import { type Case, newCase, notesInto, script, throwsCode } from '../contract/case.contract.ts';
import type { Item, PrepareNote } from '../runtime.ts';
import { connect } from './engine/connect.ts';
import type { Environment } from './engine/docker-config.ts';
import type { Engine } from './engine/engine.ts';
import { findEndpoint } from './engine/endpoint.ts';
import { jsonLines } from './engine/json-lines.ts';
import { dockerSubject } from './testing/contract-subject.ts';
import { publish } from './testing/published.ts';
import { type Registry, whyNoRegistry, withRegistry } from './testing/registry.ts';

const skip = whyNoRegistry() ?? false;

type Given = Case & { readonly engine: Engine; readonly registry: Registry; pulling(name: string): Item };

/** One run, with a registry of its own. */
const withRun = (t: TestContext, options: { readonly login: boolean; readonly env?: Environment }, body: (given: Given) => Promise<void>) =>
  withRegistry(options, async (registry) => {
    const engine = await connect(findEndpoint(process.env), t.signal);
    const subject = await dockerSubject(findEndpoint(process.env), options.env ?? process.env);
    const run = newCase(subject, newRunId(Date.now()), t.signal);
    const pulling = (name: string): Item => run.item({ image: reference(`${registry.host}/${name}`) });
    try {
      await body({ ...run, engine, registry, pulling });
    } finally {
      await subject.runtime.sweep({ kind: 'run', run: run.run }, AbortSignal.timeout(30_000));
      await subject.close();
      for (const name of await pulledFrom(engine, registry)) await engine.json('DELETE', `/images/${name}`);
      await engine.close();
    }
  });

type Listed = readonly { readonly RepoTags: readonly string[] | null; readonly RepoDigests: readonly string[] | null }[];

/** What the engine has of this registry, by tag, and by digest where it has no tag. */
const pulledFrom = async (engine: Engine, { host }: Registry): Promise<readonly string[]> => {
  const ours = (name: string): boolean => name.startsWith(`${host}/`) && !name.includes('<none>');
  return (await engine.json<Listed>('GET', '/images/json')).flatMap(({ RepoTags, RepoDigests }) => {
    const tags = (RepoTags ?? []).filter(ours);
    return tags.length > 0 ? tags : (RepoDigests ?? []).filter(ours);
  });
};

/** As its events are asked for: seconds, with nine places. */
const engineTime = async (engine: Engine): Promise<string> => {
  const { SystemTime } = await engine.json<{ readonly SystemTime: string }>('GET', '/info');
  return `${Math.floor(Date.parse(SystemTime) / 1000)}.${(SystemTime.split('.')[1] ?? '').replace('Z', '').padEnd(9, '0')}`;
};

test('an image that the host does not have is pulled, and then its command runs (R-DCK-43)', { skip }, (t) =>
  withRun(t, { login: false }, async ({ engine, registry, pulling, prepare, start }) => {
    const digest = await publish(engine, `${registry.host}/team/app`, '1', randomBytes(100));
    assert.deepEqual(await pulledFrom(engine, registry), []);
    const item = pulling('team/app:1');
    const { image } = await prepare(item);
    assert.deepEqual(image, { reference: `${registry.host}/team/app:1`, digest, ofRegistry: true, pulled: true });
    assert.equal((await (await start(item)).exit).code, 42);
    const again = await prepare(pulling(`team/app@${digest}`));
    assert.deepEqual(again.image, { reference: `${registry.host}/team/app@${digest}`, digest, ofRegistry: true, pulled: false });
  }),
);

test('an image that no registry has is run again by the id that was recorded of it, and under no other name', { skip }, (t) =>
  withRun(t, { login: false }, async ({ engine, item, pulling, prepare }) => {
    const name = `cion-own-${randomBytes(4).toString('hex')}`;
    const tar = pack();
    tar.entry({ name: 'file' }, name);
    tar.finalize();
    const query = { fromSrc: '-', repo: name, tag: '1', changes: ['CMD ["/file"]'] };
    for await (const _ of engine.progress('POST', '/images/create', { query, body: tar }));
    t.after(() => execFileSync('docker', ['image', 'rm', '--force', `${name}:1`], { stdio: 'ignore' }));
    const first = await prepare(item({ image: reference(`${name}:1`) }));
    const { digest } = first.image;
    const again = await prepare(item({ image: reference(`${name}@${digest}`) }));
    assert.deepEqual(again.image, { reference: `${name}@${digest}`, digest, pulled: false });
    await throwsCode(prepare(pulling(`team/app@${digest}`)), 'IMAGE_NOT_FOUND');
  }),
);

test('a pull happens once per image and run, tells how far it is, and takes the one tag that it names (R-DCK-44)', { skip }, (t) =>
  withRun(t, { login: false }, async ({ engine, registry, pulling, runtime, prepare, signal }) => {
    const repository = `${registry.host}/team/app`;
    await publish(engine, repository, 'other', randomBytes(100));
    await publish(engine, repository, 'latest', randomBytes(8_000_000));
    const since = await engineTime(engine);
    const notes: PrepareNote[] = [];
    const both = [runtime.prepare(pulling('team/app'), notesInto(notes), signal), prepare(pulling('team/app'))];
    for (const { image } of await Promise.all(both)) assert.equal(image.reference, `${repository}:latest`);
    await prepare(pulling('team/app'));

    const progress = notes.filter((note) => note.kind === 'pulling');
    assert.ok(progress.length > 0, 'no progress');
    for (const note of progress) {
      assert.equal(note.reference, `${repository}:latest`);
      assert.ok(note.doneBytes > 0 && note.doneBytes <= note.totalBytes && note.totalBytes > 8_000_000, JSON.stringify(note));
    }
    assert.deepEqual(await pulledFrom(engine, registry), [`${repository}:latest`]);
    const until = await engineTime(engine);
    const filters = JSON.stringify({ type: ['image'], event: ['pull'], image: [`${repository}:latest`] });
    const pulls: unknown[] = [];
    for await (const event of jsonLines(await engine.stream('GET', '/events', { query: { since, until, filters } }))) pulls.push(event);
    assert.equal(pulls.length, 1);
  }),
);

test('a private registry gives its images to whom Docker is logged in for, and to nobody else (R-DCK-44)', { skip }, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'cion-login-'));
  try {
    await withRun(t, { login: true, env: { DOCKER_CONFIG: directory } }, async ({ engine, registry, pulling, prepare, start }) => {
      const { host, user, password } = registry;
      const login = { username: user, password, serveraddress: host };
      const auth = Buffer.from(JSON.stringify(login)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
      await publish(engine, `${host}/team/app`, '1', randomBytes(100), auth);
      const config = (auths: object) => writeFile(join(directory, 'config.json'), JSON.stringify({ auths }));
      const basic = (secret: string) => ({ [host]: { auth: Buffer.from(`${user}:${secret}`).toString('base64') } });
      for (const auths of [{}, basic('wrong')]) {
        await config(auths);
        await throwsCode(prepare(pulling('team/app:1')), 'IMAGE_DENIED', /team\/app:1/);
      }
      await config(basic(password));
      const item = pulling('team/app:1');
      await prepare(item);
      assert.equal((await (await start(item)).exit).code, 42);
    });
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('an image that the registry does not know is not found, one that it has broken cannot be pulled (R-DCK-44)', { skip }, (t) =>
  withRun(t, { login: false }, async ({ engine, registry, pulling, prepare }) => {
    await publish(engine, `${registry.host}/team/app`, '1', randomBytes(300_000));
    await throwsCode(prepare(pulling('no/such:1')), 'IMAGE_NOT_FOUND', /no\/such:1/);
    await throwsCode(prepare(pulling('team/app:2')), 'IMAGE_NOT_FOUND', /team\/app:2/);
    for await (const file of glob(join(registry.data, '**/blobs/**/data'))) {
      if ((await stat(file)).size > 250_000) await writeFile(file, randomBytes(300_000));
    }
    await throwsCode(prepare(pulling('team/app:1')), 'IMAGE_PULL_FAILED', /team\/app:1/);
  }),
);

test('a committed image is pushed under each of its names to whom Docker is logged in for (R-WRK-22, R-WRK-72, R-WRK-166, R-WRK-180)', {
  skip,
}, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'cion-login-'));
  try {
    await withRun(t, { login: true, env: { DOCKER_CONFIG: directory } }, async ({ engine, registry, item, prepare, start, signal }) => {
      const { host, user, password } = registry;
      const making = item(script('echo made > /made'));
      await prepare(making);
      const execution = await start(making);
      assert.equal((await execution.exit).code, 0);
      const names = [`${host}/team/app:1`, `${host}/team/app:latest`];
      const basic = (secret: string) => `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;
      const config = (secret: string) =>
        writeFile(join(directory, 'config.json'), JSON.stringify({ auths: { [host]: { auth: basic(secret).slice('Basic '.length) } } }));

      await config('wrong');
      await throwsCode(
        execution.commit(names, signal, () => {}),
        'IMAGE_PUSH_FAILED',
        /team\/app:1 cannot be pushed: .*(unauthorized|authentication|denied|basic)/i,
      );
      await config(password);
      const lines: string[] = [];
      const committed = await execution.commit(names, signal, (line) => lines.push(line));
      assert.equal(committed.reference, names[0]);
      for (const name of names) assert.ok(lines.includes(`Pushed ${name}`), lines.join('\n'));
      assert.equal(lines.join('\n').includes(password), false);

      const tags = await fetch(`http://${host}/v2/team/app/tags/list`, { headers: { authorization: basic(password) }, signal });
      assert.deepEqual(((await tags.json()) as { readonly tags: readonly string[] }).tags.toSorted(), ['1', 'latest']);
      for (const name of names) await engine.json('DELETE', `/images/${name}`);
      const using = item({ ...script('cat /made'), image: reference(names[1] ?? '') });
      assert.equal((await prepare(using)).image.pulled, true);
      assert.equal((await (await start(using)).exit).code, 0);
    });
  } finally {
    await rm(directory, { recursive: true });
  }
});
