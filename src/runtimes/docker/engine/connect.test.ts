import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, afterEach, before, describe, it } from 'node:test';
import type { ContainerInspectResponse, ContainerWaitResponse, EventMessage, SystemVersion } from '@docker/node-sdk';
import { extract, pack } from 'tar-stream';
import { attachAll, testContainers } from '../testing/containers.ts';
import { freePort } from '../testing/free-port.ts';
import { connect } from './connect.ts';
import { demux } from './demux.ts';
import { findEndpoint } from './endpoint.ts';
import type { Engine, OutputChunk } from './engine.ts';
import { EngineError } from './engine-error.ts';
import { jsonLines } from './json-lines.ts';

const signal = AbortSignal.timeout(120_000);
const endpoint = findEndpoint(process.env);

const textOf = async (output: AsyncIterable<OutputChunk>) => {
  const text = { stdout: '', stderr: '' };
  for await (const { stream, bytes } of output) text[stream] += bytes.toString('latin1');
  return text;
};

describe('the engine of this machine', () => {
  let engine: Engine;
  let containers: ReturnType<typeof testContainers>;
  let directory: string;

  before(async () => {
    engine = await connect(endpoint, signal);
    containers = testContainers(engine);
    directory = await mkdtemp(join(tmpdir(), 'cion-engine-client-'));
  });
  afterEach(() => containers.removeAll());
  after(async () => {
    await engine.close();
    await rm(directory, { recursive: true });
  });

  it('agrees on a version and answers in JSON', async () => {
    const version = await engine.json<SystemVersion>('GET', '/version');
    assert.match(engine.apiVersion, /^1\.4\d$/);
    assert.equal(version.Os, 'linux');
  });

  it('keeps one connection for calls that come one after the other', async () => {
    const proxy = await proxyTo(join(directory, 'count.sock'));
    const proxied = await connect({ kind: 'unix', path: proxy.path }, signal);
    for (let i = 0; i < 5; i++) await proxied.json('GET', '/info');
    assert.equal(proxy.count(), 1);
    await proxied.close();
    await proxy.close();
  });

  it('runs a container and tells its stdout from its stderr, in attach and in logs', async () => {
    const id = await containers.create('echo out; echo err >&2; printf "no newline"; exit 3');
    const attachment = await engine.attach(`/containers/${id}/attach`, { query: attachAll });
    await containers.start(id);
    const expected = { stdout: 'out\nno newline', stderr: 'err\n' };
    assert.deepEqual(await textOf(attachment.output), expected);
    assert.equal(await containers.exitCode(id), 3);
    const logs = await engine.stream('GET', `/containers/${id}/logs`, { query: { stdout: true, stderr: true } });
    assert.deepEqual(await textOf(demux(logs)), expected);
  });

  it('takes a second start for done', async () => {
    const id = await containers.create('cat', { OpenStdin: true });
    await containers.start(id);
    assert.equal(await engine.json('POST', `/containers/${id}/start`), undefined);
  });

  it('has taken a wait when its headers are there, so that no exit is missed', async () => {
    const id = await containers.create('exit 7');
    const waiting = await engine.stream('POST', `/containers/${id}/wait`, { query: { condition: 'next-exit' } });
    await containers.start(id);
    const answer: ContainerWaitResponse = JSON.parse(Buffer.concat(await waiting.toArray()).toString());
    assert.equal(answer.StatusCode, 7);
  });

  it('hands bytes through stdin and stdout unchanged, with the end of stdin', async () => {
    const id = await containers.create('cat', { OpenStdin: true, StdinOnce: true, AttachStdin: true });
    const attachment = await engine.attach(`/containers/${id}/attach`, { query: attachAll });
    await containers.start(id);
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) & 255));
    const received = textOf(attachment.output);
    await attachment.stdin.write(bytes);
    attachment.stdin.end();
    assert.ok(Buffer.from((await received).stdout, 'latin1').equals(bytes));
    assert.equal(await containers.exitCode(id), 0);
  });

  it('leaves nothing of the output out when the container ends with its stdin unread', async () => {
    const id = await containers.create('head -c 5; head -c 300000 /dev/zero', { OpenStdin: true, StdinOnce: true, AttachStdin: true });
    const attachment = await engine.attach(`/containers/${id}/attach`, { query: attachAll });
    await containers.start(id);
    await attachment.stdin.write(Buffer.alloc(100_000, 'x'));
    assert.equal((await textOf(attachment.output)).stdout.length, 300_005);
  });

  it('stops the container of a reader that stops, loses nothing and keeps nothing in memory', { timeout: 60_000 }, async () => {
    const size = 50_000_000;
    const script = `yes 0123456789abcdef | head -c ${size}; echo done >&2`;
    const id = await containers.create(script, { HostConfig: { LogConfig: { Type: 'none' } } });
    const attachment = await engine.attach(`/containers/${id}/attach`, { query: attachAll });
    await containers.start(id);
    const output = attachment.output[Symbol.asyncIterator]();
    let next = await output.next();
    const before = process.memoryUsage.rss();
    // Time enough to write it all many times over.
    for (let i = 0; i < 1_000; i++) await engine.json('GET', `/containers/${id}/json`);
    assert.equal((await engine.json<ContainerInspectResponse>('GET', `/containers/${id}/json`)).State?.Running, true);
    let highest = process.memoryUsage.rss();
    let total = 0;
    let stderr = '';
    for (; next.done !== true; next = await output.next()) {
      const { stream, bytes } = next.value;
      if (stream === 'stderr') stderr += bytes;
      else {
        for (let i = 0; i < bytes.length; i += 997) assert.equal(bytes[i], line.charCodeAt((total + i) % line.length));
        total += bytes.length;
      }
      highest = Math.max(highest, process.memoryUsage.rss());
    }
    assert.equal(total, size);
    assert.equal(stderr, 'done\n');
    assert.ok(highest - before < 60_000_000, `memory grew by ${highest - before} bytes`);
  });

  it('goes on without an attachment that was closed, whose output ends', async () => {
    const id = await containers.create('echo ready; read line; echo $line', { OpenStdin: true });
    const attachment = await engine.attach(`/containers/${id}/attach`, { query: attachAll });
    await containers.start(id);
    for await (const { bytes } of attachment.output) {
      assert.equal(bytes.toString(), 'ready\n');
      attachment.close();
    }
    const again = await engine.attach(`/containers/${id}/attach`, { query: attachAll });
    await again.stdin.write(Buffer.from('second\n'));
    assert.deepEqual(await textOf(again.output), { stdout: 'second\n', stderr: '' });
  });

  it('runs a command in a container with its own stdin', async () => {
    const id = await containers.create('cat', { OpenStdin: true });
    await containers.start(id);
    const body = { AttachStdin: true, AttachStdout: true, AttachStderr: true, Cmd: ['sh', '-c', 'tr a-z A-Z; echo x >&2'] };
    const exec = await engine.json<{ Id: string }>('POST', `/containers/${id}/exec`, { body });
    const attachment = await engine.attach(`/exec/${exec.Id}/start`, { body: { Detach: false, Tty: false } });
    await attachment.stdin.write(Buffer.from('hello'));
    attachment.stdin.end();
    assert.deepEqual(await textOf(attachment.output), { stdout: 'HELLO', stderr: 'x\n' });
  });

  it('takes a tar of any stream and gives one back', async () => {
    const id = await containers.create('true');
    const content = Buffer.alloc(5_000_000, 'abc');
    const tar = pack();
    tar.entry({ name: 'a file with spaces' }, content);
    tar.finalize();
    await engine.json('PUT', `/containers/${id}/archive`, { query: { path: '/tmp' }, body: tar });
    const back = await engine.stream('GET', `/containers/${id}/archive`, { query: { path: '/tmp/a file with spaces' } });
    const entries = back.pipe(extract());
    for await (const entry of entries) {
      assert.equal(entry.header.name, 'a file with spaces');
      const parts: Buffer[] = [];
      for await (const part of entry) parts.push(part as Buffer);
      assert.ok(Buffer.concat(parts).equals(content));
    }
  });

  it('refuses a tar before it is sent, and the source is let go', async () => {
    const id = await containers.create('true');
    let pulled = 0;
    const endless = new Readable({
      read() {
        pulled++;
        this.push(Buffer.alloc(65_536));
      },
    });
    await assert.rejects(
      engine.json('PUT', `/containers/${id}/archive`, { query: { path: '/no/such/directory' }, body: endless }),
      (error) => error instanceof EngineError && error.code === 'refused' && error.status === 404,
    );
    assert.equal(pulled, 0);
    assert.equal(endless.destroyed, true);
    await engine.json('GET', '/info');
  });

  it('ends a call whose source fails with the error of the source', async () => {
    const id = await containers.create('true');
    const failure = new Error('the disk is on fire');
    async function* source() {
      yield Buffer.alloc(1024);
      throw failure;
    }
    const call = engine.json('PUT', `/containers/${id}/archive`, { query: { path: '/tmp' }, body: source() });
    await assert.rejects(call, (error) => error === failure);
  });

  it('says no in its own words, with the status, and without what was sent', async () => {
    const body = { Image: 'no/such/image:ever', Env: ['TOKEN=s3cret'] };
    await assert.rejects(engine.json('POST', '/containers/create', { body }), (error) => {
      assert.ok(error instanceof EngineError);
      assert.equal(error.code, 'refused');
      assert.equal(error.status, 404);
      assert.match(error.message, /no such image/i);
      assert.doesNotMatch(`${error.message}${error.stack}${String(error.cause)}`, /s3cret/);
      return true;
    });
    await assert.rejects(engine.attach('/containers/no-such-container/attach'), { code: 'refused', status: 404 });
    await assert.rejects(engine.stream('GET', '/no/such/path'), { code: 'refused', status: 404, message: /page not found/ });
  });

  it('reports in the midst of its progress what keeps it from going on', async () => {
    async function* noTar() {
      yield Buffer.alloc(2048, 'x');
    }
    const messages = engine.progress('POST', '/images/load', { body: noTar() });
    await assert.rejects(messages[Symbol.asyncIterator]().next(), { name: 'EngineError', code: 'refused' });
  });

  it('tells of its events as they come, until the stream is destroyed', async () => {
    const id = await containers.create('true');
    const filters = JSON.stringify({ container: [id], event: ['start', 'die'] });
    const events = await engine.stream('GET', '/events', { query: { filters } });
    await containers.start(id);
    const seen: (string | undefined)[] = [];
    for await (const { Action } of jsonLines<EventMessage>(events)) {
      seen.push(Action);
      if (Action === 'die') break;
    }
    assert.deepEqual(seen, ['start', 'die']);
    assert.equal(events.destroyed, true);
    await engine.json('GET', '/info');
  });

  it('aborts whatever is in flight with the reason of the signal, and goes on with other calls', async () => {
    const id = await containers.create('echo ready; cat', { OpenStdin: true });
    const reason = new Error('enough');
    const controller = new AbortController();
    const options = { signal: controller.signal };
    const attachment = await engine.attach(`/containers/${id}/attach`, { ...options, query: attachAll });
    await containers.start(id);
    const output = attachment.output[Symbol.asyncIterator]();
    assert.equal((await output.next()).value?.bytes.toString(), 'ready\n');
    const waiting = await engine.stream('POST', `/containers/${id}/wait`, options);
    const all = [
      output.next(),
      waiting.toArray(),
      engine.json('POST', `/containers/${id}/wait`, options),
      engine.progress('GET', '/events', options)[Symbol.asyncIterator]().next(),
      engine.json('PUT', `/containers/${id}/archive`, { ...options, query: { path: '/tmp' }, body: silence() }),
    ];
    const rejected = all.map((one) => assert.rejects(one, (error) => error === reason));
    controller.abort(reason);
    await Promise.all(rejected);
    await assert.rejects(engine.json('GET', '/info', options), (error) => error === reason);
    await assert.rejects(attachment.stdin.write(Buffer.from('x')), (error) => error === reason);
    await engine.json('GET', '/info');
  });

  it('is lost, not silently short, when the connection breaks in the middle of an answer', async () => {
    const id = await containers.create('head -c 1000000 /dev/zero');
    await containers.start(id);
    await containers.exitCode(id);
    const proxy = await proxyTo(join(directory, 'cut.sock'), 100_000);
    const proxied = await connect({ kind: 'unix', path: proxy.path }, signal);
    const path = `/containers/${id}/logs`;
    const logs = await proxied.stream('GET', path, { query: { stdout: true } });
    await assert.rejects(textOf(demux(logs)), {
      name: 'EngineError',
      code: 'lost',
      message: /^the connection to the Docker Engine at unix:\/\/.* was lost/,
    });
    await assert.rejects(proxied.json('GET', path, { query: { stdout: true } }), { name: 'EngineError', code: 'lost' });
    await proxied.close();
    await proxy.close();
  });

  it('is asked again over a new connection when a kept one was closed meanwhile', async () => {
    const proxy = await proxyTo(join(directory, 'idle.sock'));
    const proxied = await connect({ kind: 'unix', path: proxy.path }, signal);
    proxy.cut();
    await proxied.json('GET', '/info');
    assert.equal(proxy.count(), 2);
    await proxied.close();
    await proxy.close();
  });

  it('that is closed ends what is under way and takes no more calls', async () => {
    const own = await connect(endpoint, signal);
    const id = await containers.create('cat', { OpenStdin: true });
    const attachment = await own.attach(`/containers/${id}/attach`, { query: attachAll });
    const waiting = own.json('POST', `/containers/${id}/wait`);
    const ends = [assert.rejects(waiting, { code: 'lost' }), assert.rejects(textOf(attachment.output), { code: 'lost' })];
    await own.close();
    await Promise.all(ends);
    await assert.rejects(own.json('GET', '/info'), { code: 'unreachable' });
    await own.close();
  });
});

describe('where no engine answers', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cion-no-engine-'));
  });
  after(() => rm(directory, { recursive: true }));

  const fails = (promise: Promise<unknown>, code: string, message: RegExp) =>
    assert.rejects(promise, { name: 'EngineError', code, message });

  it('the missing socket is told', async () => {
    const path = join(directory, 'missing.sock');
    await fails(
      connect({ kind: 'unix', path }, signal),
      'unreachable',
      /^no Docker Engine answers at unix:\/\/.*missing\.sock \(no such file\)$/,
    );
  });

  it('the port where nothing listens is told', async () => {
    const port = await freePort();
    const closed = connect({ kind: 'tcp', host: '127.0.0.1', port, basePath: '' }, signal);
    await fails(closed, 'unreachable', /\(connection refused: nothing listens there\)$/);
  });

  it('the unknown host is told', async () => {
    await fails(connect({ kind: 'tcp', host: 'no-such-host.invalid', port: 2375, basePath: '' }, signal), 'unreachable', /host/);
  });

  it('a server that takes the call and never answers is not waited for', async () => {
    const path = join(directory, 'silent.sock');
    const server = createServer().listen(path);
    await once(server, 'listening');
    await fails(connect({ kind: 'unix', path }, signal, { answerWithinMs: 50 }), 'unreachable', /\(no answer in time\)$/);
    server.close();
  });

  it('a server that is something else is told', async () => {
    const path = join(directory, 'other.sock');
    const server = createHttpServer((_request, response) => response.end('<html>')).listen(path);
    await once(server, 'listening');
    await fails(connect({ kind: 'unix', path }, signal), 'refused', /is no Docker Engine$/);
    server.close();
  });

  it('the signal ends the attempt with its reason', async () => {
    const path = join(directory, 'abort.sock');
    const server = createServer().listen(path);
    await once(server, 'listening');
    const reason = new Error('enough');
    const controller = new AbortController();
    server.once('connection', () => controller.abort(reason));
    await assert.rejects(connect({ kind: 'unix', path }, controller.signal), (error) => error === reason);
    server.close();
  });
});

const line = '0123456789abcdef\n';

async function* silence(): AsyncGenerator<Uint8Array> {
  await new Promise<void>(() => {});
}

/** To the engine of this machine, over a socket that counts connections, cuts them when told to, or each after so many bytes. */
const proxyTo = async (path: string, cutAfterBytes = Number.POSITIVE_INFINITY) => {
  assert.equal(endpoint.kind, 'unix', 'these tests take a local engine');
  const target = endpoint.kind === 'unix' ? endpoint.path : '';
  const open = new Set<Socket>();
  let count = 0;
  const server = createServer((near) => {
    count++;
    let left = cutAfterBytes;
    const far = createConnection(target);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        open.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far);
    far.on('data', (bytes) => {
      left -= bytes.length;
      near.write(bytes);
      if (left < 0) near.destroySoon();
    });
  }).listen(path);
  await once(server, 'listening');
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    path,
    count: () => count,
    cut,
    close: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
};
