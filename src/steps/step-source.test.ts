import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import type { FetchedStep } from '../dialects/dialect.ts';
import { systemClock } from '../lib/clock.ts';
import { treeStore } from '../local/tree-store.ts';
import type { Parsed } from '../plan/problem.ts';
import { downloader } from './download.ts';
import { stepIndex } from './step-index.ts';
import { stepRegistry } from './step-registry.ts';
import { stepSource } from './step-source.ts';
import { archiveOfEntries, plainStep } from './testing/step-archive.ts';
import { type StepRegistryServer, stepRegistryServer } from './testing/step-registry-server.ts';

const quick = { tries: 4, firstPauseMs: 1, timeoutMs: 5000 };

const project = (t: TestContext): string => {
  const directory = mkdtempSync(join(tmpdir(), 'cion-steps-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(join(directory, '.cion'));
  return directory;
};

const server = async (t: TestContext, options: Parameters<typeof stepRegistryServer>[0] = { token: 'secret-token' }) => {
  const registry = await stepRegistryServer(options);
  t.after(() => registry.close());
  return registry;
};

type With = { readonly registry?: StepRegistryServer; readonly token?: string; readonly production?: true; readonly notes?: string[] };

/** A source as one run has it. */
const sourceOf = (directory: string, { registry, token, production, notes = [] }: With = {}) => {
  const download = downloader(systemClock, quick);
  const trees = treeStore(join(directory, '.cion'));
  const source = stepSource({
    project: directory,
    trees,
    index: stepIndex(join(directory, '.cion', 'steps.json')),
    download,
    policy: { production: production === true },
    clock: systemClock,
    note: (line) => notes.push(line),
    ...(registry && { registry: stepRegistry({ url: registry.url, download, ...(token === undefined ? {} : { token }) }) }),
  });
  return { trees, fetch: (reference: string) => source.fetch(reference, new AbortController().signal) };
};

const had = (answer: Parsed<FetchedStep>): FetchedStep => {
  assert.ok(answer.ok, JSON.stringify(answer));
  return answer.value;
};
const codes = (answer: Parsed<FetchedStep>): readonly string[] => (answer.ok ? [] : answer.problems.map(({ code }) => code));
const messages = (answer: Parsed<FetchedStep>): string => (answer.ok ? '' : answer.problems.map(({ message }) => message).join('\n'));

describe('stepSource and a registry', () => {
  test('a step is had from the registry and kept as a tree, its manifest handed on (R-WRK-65, R-WRK-85, R-WRK-116)', async (t) => {
    const registry = await server(t);
    registry.add('ada', 'greet', '1.2.0', await plainStep('1.2.0', 'greet/'));
    const notes: string[] = [];
    const { fetch, trees } = sourceOf(project(t), { registry, notes });
    const { tree, manifest, ...step } = had(await fetch('ada/greet@1.2.0'));
    assert.deepEqual(step, { owner: 'ada', name: 'greet', version: '1.2.0', files: ['lib', 'run.sh', 'step.yml'] });
    assert.equal(manifest?.path, 'step.yml');
    assert.match(Buffer.from(manifest.bytes).toString(), /^name: greet\n/);
    assert.equal(
      createHash('sha256')
        .update(await buffer(await trees.open(tree)))
        .digest('hex'),
      tree,
    );
    assert.deepEqual(notes, [`step ada/greet@1.2.0 sha256:${tree}`]);
  });

  test('a range is asked for in every run, what it comes to is recorded, an exact version is never asked for again (R-WRK-27)', async (t) => {
    const registry = await server(t);
    registry.add('ada', 'greet', '1.2.0', await plainStep('1.2.0'));
    const directory = project(t);
    const first = had(await sourceOf(directory, { registry }).fetch('ada/greet@^1.0'));
    assert.equal(first.version, '1.2.0');
    const asked = registry.seen.length;
    assert.deepEqual(had(await sourceOf(directory, { registry }).fetch('ada/greet@1.2.0')), first);
    assert.equal(registry.seen.length, asked);
    assert.deepEqual(had(await sourceOf(directory, { registry }).fetch('ada/greet@^1.0')), first);
    assert.equal(registry.seen.filter(({ path }) => path.startsWith('/files/')).length, 1);
    registry.add('ada', 'greet', '1.3.0', await plainStep('1.3.0'));
    const { fetch } = sourceOf(directory, { registry });
    const [one, again] = await Promise.all([fetch('ada/greet@^1.0'), fetch('ada/greet@^1.0')]);
    assert.equal(had(one).version, '1.3.0');
    assert.deepEqual(one, again);
    assert.equal(registry.seen.filter(({ path }) => path.startsWith('/files/')).length, 2);
  });

  test('when the registry does not answer, what was had last is taken, and that is said', async (t) => {
    const registry = await server(t);
    registry.add('ada', 'greet', '1.2.0', await plainStep('1.2.0'));
    const directory = project(t);
    const first = had(await sourceOf(directory, { registry }).fetch('ada/greet'));
    await registry.close();
    const notes: string[] = [];
    const { fetch } = sourceOf(directory, { registry, notes });
    assert.deepEqual(had(await fetch('ada/greet')), first);
    assert.match(
      notes[0] ?? '',
      /^step ada\/greet@\*: The step ada\/greet@\* cannot be had from .* What was fetched at \d{4}-.* is taken\.$/,
    );
    assert.deepEqual(codes(await fetch('ada/other')), ['STEP_UNREACHABLE']);
    assert.deepEqual(had(await sourceOf(directory).fetch('ada/greet@1.2.0')), first);
  });

  test('a step that is not there is a Problem at once, a server in trouble is asked again (R-WRK-110)', async (t) => {
    const registry = await server(t);
    registry.add('ada', 'greet', '1.2.0', await plainStep('1.2.0'));
    const { fetch } = sourceOf(project(t), { registry });
    assert.deepEqual(codes(await fetch('ada/nothing@1.0.0')), ['STEP_UNKNOWN']);
    assert.equal(registry.seen.length, 1);
    registry.failNext(2, 500);
    assert.equal(had(await fetch('ada/greet')).version, '1.2.0');
    registry.failNext(99, 503);
    assert.deepEqual(codes(await fetch('ada/greet@9')), ['STEP_UNREACHABLE']);
  });

  test('the token goes to the registry and to nobody else, and is in no message', async (t) => {
    const registry = await server(t, { token: 'secret-token', isPrivate: true });
    const elsewhere: (string | undefined)[] = [];
    const archive = await plainStep('1.0.0');
    const files = createServer((request, response) => {
      elsewhere.push(request.headers.authorization);
      response.end(archive);
    });
    await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
    t.after(() => files.close());
    const at = files.address();
    const port = at !== null && typeof at === 'object' ? at.port : 0;
    registry.add('ada', 'greet', '1.0.0', archive, { tarballUrl: `http://127.0.0.1:${port}/greet.tgz` });
    const directory = project(t);
    const denied = await sourceOf(directory, { registry, token: 'a-wrong-token' }).fetch('ada/greet');
    assert.deepEqual(codes(denied), ['STEP_DENIED']);
    assert.doesNotMatch(messages(denied), /a-wrong-token/);
    had(await sourceOf(directory, { registry, token: 'secret-token' }).fetch('ada/greet'));
    assert.equal(registry.seen.at(-1)?.authorization, 'Bearer secret-token');
    assert.deepEqual(elsewhere, [undefined]);
  });

  test('an archive with another checksum than the registry says is refused', async (t) => {
    const registry = await server(t);
    registry.add('ada', 'greet', '1.0.0', await plainStep('1.0.0'), { checksum: '0'.repeat(64) });
    const { fetch } = sourceOf(project(t), { registry });
    assert.deepEqual(codes(await fetch('ada/greet')), ['STEP_CHECKSUM']);
  });

  test('a step without run.sh and init.sh, and one that leads out of itself, are refused by name (R-WRK-86, R-WRK-121)', async (t) => {
    const registry = await server(t);
    registry.add('ada', 'empty', '1.0.0', await archiveOfEntries([{ name: 'top/README.md', content: 'x' }]));
    registry.add(
      'ada',
      'evil',
      '1.0.0',
      await archiveOfEntries([
        { name: 'run.sh', content: 'x' },
        { name: '../x', content: 'x' },
      ]),
    );
    const { fetch } = sourceOf(project(t), { registry });
    const empty = await fetch('ada/empty');
    assert.deepEqual(codes(empty), ['STEP_NO_SCRIPT']);
    assert.match(messages(empty), /ada\/empty@1\.0\.0 has neither run\.sh nor init\.sh, only README\.md/);
    assert.deepEqual(codes(await fetch('ada/evil')), ['STEP_UNSAFE']);
  });

  test('a kept tree that was damaged is fetched again', async (t) => {
    const registry = await server(t);
    registry.add('ada', 'greet', '1.0.0', await plainStep('1.0.0'));
    const directory = project(t);
    const first = had(await sourceOf(directory, { registry }).fetch('ada/greet@1.0.0'));
    const place = join(directory, '.cion', 'trees', `${first.tree}.tar`);
    rmSync(place);
    assert.deepEqual(had(await sourceOf(directory, { registry }).fetch('ada/greet@1.0.0')), first);
    assert.equal(registry.seen.length, 4);
  });
});

describe('stepSource without a registry', () => {
  test('a bare name is a step of ours, also where there is a registry (R-WRK-26)', async (t) => {
    const registry = await server(t);
    registry.add('wercker', 'create-file', '9.0.0', await plainStep('9.0.0'));
    const directory = project(t);
    const ours = had(await sourceOf(directory).fetch('create-file'));
    assert.equal(ours.owner, 'wercker');
    assert.deepEqual(had(await sourceOf(directory, { registry }).fetch('create-file')), ours);
    assert.equal(registry.seen.length, 0);
    assert.equal(had(await sourceOf(directory, { registry }).fetch('wercker/create-file')).version, '9.0.0');
    assert.equal(had(await sourceOf(directory).fetch('wercker/create-file')).version, ours.version);
  });

  test('a step that nobody has is a Problem that says how to name a registry (R-WRK-110)', async (t) => {
    const answer = await sourceOf(project(t)).fetch('ada/greet');
    assert.deepEqual(codes(answer), ['STEP_NO_REGISTRY']);
    assert.match(messages(answer), /^The step ada\/greet is none of those that come with cion/);
    assert.match((!answer.ok && answer.problems[0]?.hint) || '', /--steps-registry or STEPS_REGISTRY/);
  });

  test('a mistyped name of a step of ours is told as what it is, with a registry and without; that of another owner is theirs', async (t) => {
    const hint = async (registry: StepRegistryServer | undefined, name: string) => {
      const answer = await sourceOf(project(t), registry && { registry }).fetch(name);
      return answer.ok ? undefined : answer.problems[0]?.hint;
    };
    for (const registry of [undefined, await server(t)]) {
      assert.equal(await hint(registry, 'scirpt'), 'Did you mean "script"?');
      assert.equal(await hint(registry, 'wercker/npm-instal@1.0.0'), 'Did you mean "npm-install"?');
      for (const name of ['ada/scirpt', 'strange']) assert.doesNotMatch((await hint(registry, name)) ?? '', /Did you mean/);
    }
  });

  test('a local step is read anew each time, from the project and from nowhere else', async (t) => {
    const directory = project(t);
    const step = join(directory, 'steps', 'my greet');
    mkdirSync(step, { recursive: true });
    writeFileSync(join(step, 'run.sh'), 'echo one\n');
    writeFileSync(join(step, 'wercker-step.yml'), 'name: greet\n');
    const reference = 'greet "file://steps/my greet"';
    const one = had(await sourceOf(directory).fetch(reference));
    assert.equal(one.version, undefined);
    assert.equal(one.manifest?.path, 'wercker-step.yml');
    writeFileSync(join(step, 'run.sh'), 'echo two\n');
    writeFileSync(join(step, 'step.yml'), 'name: greet\n');
    const two = had(await sourceOf(directory).fetch(reference));
    assert.notEqual(two.tree, one.tree);
    assert.equal(two.manifest?.path, 'step.yml');
    symlinkSync(tmpdir(), join(directory, 'away'));
    const { fetch } = sourceOf(directory);
    assert.deepEqual(codes(await fetch(`greet "file://${tmpdir()}"`)), ['STEP_OUTSIDE']);
    assert.deepEqual(codes(await fetch('greet "file://away"')), ['STEP_OUTSIDE']);
    assert.deepEqual(codes(await fetch('greet "file://steps/none"')), ['STEP_DIRECTORY_MISSING']);
    assert.deepEqual(had(await fetch(`greet "file://${step}"`)).tree, two.tree);
  });

  test('a step comes from an address of its own, whose password is nowhere', async (t) => {
    const registry = await server(t);
    registry.add('ada', 'greet', '1.0.0', await plainStep('1.0.0'));
    const directory = project(t);
    const address = new URL('/files/ada/greet/1.0.0.tgz', registry.url);
    address.username = 'ada';
    address.password = 'pass-word';
    const notes: string[] = [];
    const step = had(await sourceOf(directory, { notes }).fetch(`greet "${address.href}"`));
    assert.equal(step.version, undefined);
    assert.equal(registry.seen[0]?.authorization, `Basic ${Buffer.from('ada:pass-word').toString('base64')}`);
    await registry.close();
    assert.deepEqual(had(await sourceOf(directory, { notes }).fetch(`greet "${address.href}"`)), step);
    const gone = await sourceOf(directory).fetch(`greet "${address.href}x"`);
    assert.deepEqual(codes(gone), ['STEP_UNREACHABLE']);
    assert.doesNotMatch([...notes, messages(gone)].join('\n'), /pass-word/);
  });

  test('in production steps of an address or a directory are refused (R-WRK-117, R-WRK-118)', async (t) => {
    const directory = project(t);
    writeFileSync(join(directory, 'run.sh'), 'true\n');
    const registry = await server(t);
    registry.add('ada', 'greet', '1.0.0', await plainStep('1.0.0'));
    const remote = `greet "${new URL('/files/ada/greet/1.0.0.tgz', registry.url).href}"`;
    const { fetch } = sourceOf(directory, { registry, production: true });
    assert.deepEqual(codes(await fetch(remote)), ['STEP_NOT_ALLOWED']);
    assert.deepEqual(codes(await fetch('greet "file://."')), ['STEP_NOT_ALLOWED']);
    assert.equal(registry.seen.length, 0);
    had(await fetch('ada/greet'));
    had(await sourceOf(directory).fetch(remote));
    had(await sourceOf(directory).fetch('greet "file://."'));
  });
});
