import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SystemInfo } from '@docker/node-sdk';
import { attachAll, testContainers } from '../testing/containers.ts';
import { type SecondEngine, whyNoSecondEngine, withSecondEngine } from '../testing/second-engine.ts';
import { connect } from './connect.ts';
import { type Endpoint, endpointName, findEndpoint, type Tls } from './endpoint.ts';
import type { Engine } from './engine.ts';

const signal = AbortSignal.timeout(120_000);
const skip = whyNoSecondEngine() ?? false;

const withConnection = async <T>(endpoint: Endpoint, use: (engine: Engine) => Promise<T>): Promise<T> => {
  const engine = await connect(endpoint, signal);
  try {
    return await use(engine);
  } finally {
    await engine.close();
  }
};

const catThroughAttach = async (engine: Engine): Promise<void> => {
  const containers = testContainers(engine);
  const id = await containers.create('cat; echo end >&2', { OpenStdin: true, StdinOnce: true, AttachStdin: true });
  const attachment = await engine.attach(`/containers/${id}/attach`, { query: attachAll });
  await containers.start(id);
  const sent = Buffer.from(Array.from({ length: 500_000 }, (_, i) => (i * 13 + (i >> 8)) & 255));
  const writing = attachment.stdin.write(sent).then(() => attachment.stdin.end());
  const received = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  for await (const { stream, bytes } of attachment.output) received[stream].push(bytes);
  await writing;
  assert.ok(Buffer.concat(received.stdout).equals(sent));
  assert.equal(Buffer.concat(received.stderr).toString(), 'end\n');
  assert.equal(await containers.exitCode(id), 0);
  await containers.removeAll();
};

const isAnother = async (engine: Engine): Promise<void> => {
  const own = await withConnection(findEndpoint(process.env), (local) => local.json<SystemInfo>('GET', '/info'));
  const other = await engine.json<SystemInfo>('GET', '/info');
  assert.notEqual(other.DockerRootDir, own.DockerRootDir);
};

describe('an engine over TCP', { skip }, () => {
  it('is another one, and behaves the same, until it is gone', { timeout: 120_000 }, () =>
    withSecondEngine({ listen: 'tcp' }, async (second) => {
      await second.load('busybox:latest');
      await withConnection(second.endpoint, async (engine) => {
        assert.equal(engine.name, second.env.DOCKER_HOST);
        await isAnother(engine);
        await catThroughAttach(engine);
        await tlsIsNotSpoken(second);
        await isLostWhenKilled(engine, second);
      });
      await assert.rejects(connect(second.endpoint, signal), { name: 'EngineError', code: 'unreachable' });
    }),
  );
});

const tlsIsNotSpoken = async (second: SecondEngine): Promise<void> => {
  const endpoint = { ...tcp(second.endpoint), tls: { verify: false } };
  await assert.rejects(connect(endpoint, signal), { code: 'unreachable', message: /\(it does not speak TLS\)$/ });
};

const isLostWhenKilled = async (engine: Engine, second: SecondEngine): Promise<void> => {
  const containers = testContainers(engine);
  const id = await containers.create('echo ready; cat', { OpenStdin: true });
  const attachment = await engine.attach(`/containers/${id}/attach`, { query: attachAll });
  await containers.start(id);
  const output = attachment.output[Symbol.asyncIterator]();
  await output.next();
  const waiting = assert.rejects(engine.json('POST', `/containers/${id}/wait`), { name: 'EngineError', code: 'lost' });
  await second.kill();
  await waiting;
  await assert.rejects(engine.json('GET', '/info'), { name: 'EngineError', code: 'unreachable' });
};

describe('an engine over TLS', { skip }, () => {
  it('behaves the same with the right certificates, and says what is wrong with others', { timeout: 120_000 }, () =>
    withSecondEngine({ listen: 'tls' }, async (second) => {
      await second.load('busybox:latest');
      await withConnection(second.endpoint, async (engine) => {
        await isAnother(engine);
        await catThroughAttach(engine);
      });

      const { tls, ...plain } = tcp(second.endpoint);
      assert.ok(tls?.ca !== undefined && tls.cert !== undefined && tls.key !== undefined);
      const { ca, cert, key } = tls;
      const fails = (wrong: Tls | undefined, code: string, message: RegExp) =>
        assert.rejects(connect(wrong === undefined ? plain : { ...plain, tls: wrong }, signal), { name: 'EngineError', code, message });
      await fails(undefined, 'refused', /wants TLS$/);
      await fails({ cert, key, verify: true }, 'unreachable', /not signed by an authority that is trusted here/);
      await fails({ ca, verify: true }, 'unreachable', /asks for a client certificate/);
      await withConnection({ ...plain, tls: { cert, key, verify: false } }, isAnother);
    }),
  );
});

const tcp = (endpoint: Endpoint) => {
  assert.ok(endpoint.kind === 'tcp', endpointName(endpoint));
  return endpoint;
};
