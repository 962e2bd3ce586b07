import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { ReportRequest } from '../api/worker-protocol.ts';
import { doing } from '../engine/testing/fake-run.ts';
import { fakeSite } from './testing/fake-worker.ts';
import { talking } from './testing/talking.ts';

const secondMs = 1000;
const minuteMs = 60 * secondMs;

const fullDisk = {
  kind: 'error',
  code: 'WORKER_DISK_FULL',
  message: 'the disk of the worker is full: the log that waits for the server cannot be written',
};

const cannotMount = (): string | false =>
  process.getuid?.() === 0 && process.platform === 'linux' ? false : 'only root can mount a small disk';

const onSmallDisk = async (use: (directory: string) => Promise<void>): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'cion-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory]);
  try {
    await use(directory);
  } finally {
    execFileSync('umount', ['-l', directory]);
    await rm(directory, { recursive: true });
  }
};

const spooled = async (stateDir: string): Promise<string> => {
  const spool = join(stateDir, 'spool');
  const files = (await readdir(spool, { recursive: true })).filter((name) => name.endsWith('.part'));
  const contents = await Promise.all(files.map((file) => readFile(join(spool, file), 'latin1')));
  return contents.join('');
};

describe('a worker that is cut off from its server', () => {
  it('goes on, and tells all of it when the server is there again: every byte of the log once (atk-73, atk-75)', async (t) => {
    const { server, begin, clock, meanwhile } = fakeSite(t, 'wait');
    const voice = talking();
    await begin('one', { runtime: voice.runtime });
    const item = server.push({ stage: doing('deploy', { FAKE_SLEEP_MS: String(40 * secondMs) }) });
    voice.say('before\n');
    await server.fact(item, 'stage.started');
    await clock.advance(5 * secondMs);
    server.cut('one');
    for (const n of [1, 2, 3]) {
      voice.say(`amid ${n}\n`, n === 2 ? 'stderr' : 'stdout');
      await clock.advance(10 * secondMs);
    }
    assert.equal(await server.logOf(item), 'before\n');
    assert.equal(voice.exit(), undefined);
    server.mend('one');
    voice.say('after\n');
    assert.equal((await meanwhile(server.finished(item))).outcome, 'passed');
    assert.equal(await server.logOf(item), 'before\namid 1\namid 2\namid 3\nafter\n');
  });

  it('goes on also when the command has ended meanwhile, and nothing is told before its log is there', async (t) => {
    const { server, begin, clock, meanwhile } = fakeSite(t, 'wait');
    await begin('one');
    const item = server.push({ stage: doing('build', { FAKE_STDOUT: 'said\n', FAKE_SLEEP_MS: String(10 * secondMs) }) });
    await server.fact(item, 'stage.started');
    server.cut('one');
    await clock.advance(30 * secondMs);
    server.mend('one');
    assert.equal((await meanwhile(server.finished(item))).outcome, 'passed');
    assert.equal(await server.logOf(item), 'said\n');
  });

  for (const jumpMs of [0, 60 * minuteMs, -60 * minuteMs]) {
    const name = `ends its containers before the server may give them to another, whatever the wall clock does (${jumpMs / minuteMs} min)`;
    it(`${name} (atk-72, atk-73)`, async (t) => {
      const { server, begin, clock, meanwhile } = fakeSite(t, 'wait');
      const voice = talking();
      let jumped = 0;
      const wall = { now: () => clock.now() + jumped, after: clock.after };
      const { lines } = await begin('one', { runtime: voice.runtime, clock: wall });
      const item = server.push({ stage: doing('deploy', { FAKE_SLEEP_MS: String(300 * minuteMs), FAKE_IGNORE_STOP: '1' }) });
      await server.fact(item, 'stage.started');
      await clock.advance(minuteMs);
      assert.equal(voice.exit(), undefined);
      jumped = jumpMs;
      await clock.advance(minuteMs);
      assert.equal(voice.exit(), undefined);
      server.cut('one');
      await clock.advance(44 * secondMs);
      assert.equal(voice.exit(), undefined);
      await clock.advance(31 * secondMs);
      assert.deepEqual(voice.exit(), { code: 137, oom: false });
      assert.match(lines.join('\n'), /nothing was heard of the server for too long: the containers of run_1\/deploy\/1 are ended/);
      server.mend('one');
      const { outcome, cause } = await meanwhile(server.finished(item));
      assert.deepEqual([outcome, cause?.kind === 'error' && cause.code], ['errored', 'CONTAINER_GONE']);
    });
  }

  it('that was away for an hour takes new work when the server is back (atk-73)', async (t) => {
    const { server, begin, clock, meanwhile } = fakeSite(t, 'wait');
    await begin('one');
    const item = server.push({ stage: doing('deploy', { FAKE_SLEEP_MS: String(300 * minuteMs) }) });
    await server.fact(item, 'stage.started');
    server.cut('one');
    await clock.advance(60 * minuteMs);
    server.lose(item);
    server.mend('one');
    const next = server.push({ stage: doing('next') });
    assert.equal((await meanwhile(server.finished(next))).outcome, 'passed');
  });

  it('hears nothing of a server that takes requests and never answers, and tries again (atk-73)', async (t) => {
    const { server, begin, clock, meanwhile } = fakeSite(t, 'wait');
    let isDeaf = false;
    const hole = new Promise<never>(() => {});
    const api = {
      claim: (...given: Parameters<typeof server.api.claim>) => (isDeaf ? hole : server.api.claim(...given)),
      report: (...given: Parameters<typeof server.api.report>) => (isDeaf ? hole : server.api.report(...given)),
    };
    await begin('one', { more: { api } });
    const item = server.push({ stage: doing('build', { FAKE_SLEEP_MS: String(20 * secondMs) }) });
    await server.fact(item, 'stage.started');
    isDeaf = true;
    await clock.advance(30 * secondMs);
    isDeaf = false;
    assert.equal((await meanwhile(server.finished(item))).outcome, 'passed');
  });

  it('sends facts again with their number and unchanged until they are acknowledged', async (t) => {
    const { server, begin, clock, meanwhile } = fakeSite(t, 'wait');
    const sent: ReportRequest['items'][number][] = [];
    let failures = 0;
    const api = {
      ...server.api,
      report: async (...[request, signal]: Parameters<typeof server.api.report>) => {
        sent.push(...request.items.filter(({ facts }) => facts.length > 0));
        const answer = await server.api.report(request, signal);
        if (request.items.some(({ facts }) => facts.length > 0) && failures++ % 2 === 0) {
          throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
        }
        return answer;
      },
    };
    await begin('one', { more: { api } });
    const item = server.push({ stage: doing('build') });
    await meanwhile(server.finished(item));
    await clock.advance(30 * secondMs);
    assert.deepEqual(
      server.facts(item).map(({ kind }) => kind),
      ['stage.preparing', 'image.resolved', 'stage.started', 'stage.finished'],
    );
    assert.deepEqual(
      sent.map(({ sequence }) => sequence),
      [1, 1, 2, 2, 3, 3],
    );
    for (const n of [0, 2, 4]) assert.deepEqual(sent[n], sent[n + 1]);
  });

  it('ends what it has lost by force, and sends nothing more with its token (atk-73)', async (t) => {
    const { server, begin, clock, meanwhile } = fakeSite(t, 'wait');
    const voice = talking();
    const tokens: number[] = [];
    const api = {
      ...server.api,
      report: (...[request, signal]: Parameters<typeof server.api.report>) => {
        tokens.push(...request.items.map(({ token }) => token));
        return server.api.report(request, signal);
      },
    };
    const { world } = await begin('one', { runtime: voice.runtime, more: { api } });
    const stage = doing('deploy', { FAKE_SLEEP_MS: String(60 * minuteMs), FAKE_IGNORE_STOP: '1' });
    const item = server.push({ stage });
    await server.fact(item, 'stage.started');
    voice.say('on\n');
    while ((await server.logOf(item)) === '') await clock.advance(1);
    server.lose(item);
    const lostAt = clock.now();
    while (world.container({ run: 'run_1', project: 'test', stage, attempt: 1 }) !== undefined) await clock.advance(1);
    assert.deepEqual(voice.exit(), { code: 137, oom: false });
    assert.ok(clock.now() < lostAt + secondMs);
    const before = tokens.length;
    await meanwhile(server.finished(server.push({ stage: doing('next') })));
    await clock.advance(minuteMs);
    assert.ok(tokens.length > before);
    assert.deepEqual(
      tokens.slice(before).filter((token) => token === 1),
      [],
    );
    assert.deepEqual(
      server.facts(item).map(({ kind }) => kind),
      ['stage.preparing', 'image.resolved', 'stage.started'],
    );
  });

  it('keeps no secret on its disk: what waits for the server is masked (atk-75)', async (t) => {
    const { server, begin, clock, meanwhile } = fakeSite(t, 'wait');
    const voice = talking();
    const { stateDir } = await begin('one', { runtime: voice.runtime });
    const item = server.push({
      stage: {
        ...doing('build', { FAKE_SLEEP_MS: '20000' }),
        env: { FAKE_SLEEP_MS: { kind: 'literal', value: '20000' }, T: { kind: 'secret', name: 'T' } },
      },
      outside: { variables: {}, secrets: { T: 'tok-7f3a9c' }, encrypted: {} },
      redact: ['tok-7f3a9c'],
      isAsked: true,
    });
    await server.fact(item, 'stage.started');
    server.cut('one');
    voice.say('the token is tok-7f');
    voice.say('3a9c, and more\n');
    await clock.advance(secondMs);
    const onDisk = await spooled(stateDir);
    assert.match(onDisk, /the token is/);
    assert.match(onDisk, /and more/);
    for (const file of await readdir(stateDir, { recursive: true, withFileTypes: true })) {
      if (file.isFile()) assert.doesNotMatch(await readFile(join(file.parentPath, file.name), 'latin1'), /7f3a9c|tok-7f/);
    }
    server.mend('one');
    await meanwhile(server.finished(item));
    assert.equal(await server.logOf(item), 'the token is **********, and more\n');
  });

  it('errors what it cannot keep the log of, and says that its own disk is full (atk-75)', { skip: cannotMount() }, async (t) => {
    const { server, begin, clock, meanwhile } = fakeSite(t, 'wait');
    await onSmallDisk(async (directory) => {
      const voice = talking();
      const worker = await begin('one', { runtime: voice.runtime, stateDir: join(directory, 'state') });
      const item = server.push({ stage: doing('build', { FAKE_SLEEP_MS: String(20 * secondMs) }) });
      await server.fact(item, 'stage.started');
      voice.say('before\n');
      await clock.advance(secondMs);
      await writeFile(join(directory, 'of others'), Buffer.alloc(1024 * 1024)).catch(() => {});
      voice.say('x'.repeat(20_000));
      const { outcome, cause } = await meanwhile(server.finished(item));
      assert.deepEqual([outcome, cause], ['errored', fullDisk]);
      assert.equal(await server.logOf(item), 'before\n');
      worker.leave();
      await worker.ended;
    });
  });

  it('lets a command wait when the disk is full of what the server has to take (atk-75)', { skip: cannotMount() }, async (t) => {
    const { server, begin, clock, meanwhile } = fakeSite(t, 'wait');
    await onSmallDisk(async (directory) => {
      const voice = talking();
      const worker = await begin('one', { runtime: voice.runtime, stateDir: join(directory, 'state') });
      const item = server.push({ stage: doing('build', { FAKE_SLEEP_MS: String(30 * secondMs) }) });
      await server.fact(item, 'stage.started');
      await clock.advance(secondMs);
      server.cut('one');
      const lines = Array.from({ length: 200 }, (_, n) => `${n} ${'x'.repeat(20_000)}\n`);
      for (const line of lines) voice.say(line);
      await clock.advance(10 * secondMs);
      assert.ok((await spooled(join(directory, 'state'))).length > 900_000);
      server.mend('one');
      assert.equal((await meanwhile(server.finished(item))).outcome, 'passed');
      assert.equal(await server.logOf(item), lines.join(''));
      worker.leave();
      await worker.ended;
    });
  });

  it('lets a command wait when its disk has its fill, and drops nothing (atk-75)', async (t) => {
    const { server, begin, clock, meanwhile } = fakeSite(t, 'wait');
    const voice = talking();
    const { stateDir } = await begin('one', { runtime: voice.runtime, more: { spoolBytes: 100_000 } });
    const item = server.push({ stage: doing('build', { FAKE_SLEEP_MS: '30000' }) });
    await server.fact(item, 'stage.started');
    server.cut('one');
    const lines = Array.from({ length: 500 }, (_, n) => `${n} ${'x'.repeat(1000)}\n`);
    for (const line of lines) voice.say(line);
    await clock.advance(20 * secondMs);
    const waiting = (await spooled(stateDir)).length;
    assert.ok(waiting > 90_000 && waiting < 110_000, `${waiting} bytes wait on the disk`);
    server.mend('one');
    await meanwhile(server.finished(item));
    assert.equal(await server.logOf(item), lines.join(''));
  });
});
