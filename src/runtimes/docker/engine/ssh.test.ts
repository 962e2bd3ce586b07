import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { attachAll, testContainers } from '../testing/containers.ts';
import { whyNoSshServer, withSshServer } from '../testing/ssh-server.ts';
import { connect } from './connect.ts';
import { findEndpoint } from './endpoint.ts';
import { sshArguments } from './ssh.ts';

const signal = AbortSignal.timeout(120_000);

describe('an engine over ssh', { skip: whyNoSshServer() ?? false }, () => {
  it('behaves the same, and says what ssh says when it does not let us in', { timeout: 60_000 }, () =>
    withSshServer(async ({ user, host, port, forgetKey }) => {
      const at = (path: string) => findEndpoint({ DOCKER_HOST: `ssh://${user}@${host}:${port}${path}` });
      const engine = await connect(at(''), signal);
      const containers = testContainers(engine);
      const id = await containers.create('cat; head -c 3000000 /dev/zero; echo end >&2', { OpenStdin: true, StdinOnce: true });
      const attachment = await engine.attach(`/containers/${id}/attach`, { query: attachAll });
      await containers.start(id);
      const sent = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 13 + (i >> 8)) & 255));
      const writing = attachment.stdin.write(sent).then(() => attachment.stdin.end());
      const received = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
      for await (const { stream, bytes } of attachment.output) received[stream].push(bytes);
      await writing;
      assert.ok(Buffer.concat(received.stdout).equals(Buffer.concat([sent, Buffer.alloc(3_000_000)])));
      assert.equal(Buffer.concat(received.stderr).toString(), 'end\n');
      assert.equal(await containers.exitCode(id), 0);

      const controller = new AbortController();
      const events = await engine.stream('GET', '/events', { signal: controller.signal });
      const cut = assert.rejects(events.toArray(), (error) => error === controller.signal.reason);
      controller.abort(new Error('enough'));
      await cut;
      await containers.removeAll();
      await engine.close();

      const fails = (path: string, message: RegExp) =>
        assert.rejects(connect(at(path), signal), { name: 'EngineError', code: 'unreachable', message });
      await fails("/no such/'socket", /answers at ssh:\/\/.* \(ssh: .*no such\/'socket/s);
      await forgetKey();
      await fails('', /answers at ssh:\/\/.* \(ssh: .*Permission denied/s);
    }),
  );
});

describe('the arguments of ssh', () => {
  it('take nothing of an address for an option, and quote the path for the shell there', () => {
    const [, ...rest] = sshArguments({ kind: 'ssh', host: 'box', user: 'me', port: 22, path: "/a b'c" }).join('|').split('-T|');
    assert.equal(rest.join(''), "-l|me|-p|22|--|box|docker|--host|'unix:///a b'\\''c'|system|dial-stdio");
    assert.throws(() => sshArguments({ kind: 'ssh', host: '-oProxyCommand=true' }), { name: 'EngineError', code: 'unreachable' });
  });
});
