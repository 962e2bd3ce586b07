import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../lib/clock.ts';
import type { ContainerRecord } from '../api.ts';
import { withTestBox } from '../testing/test-box.ts';

const server = `sh -c 'echo "$ANSWER from $(pwd) as $(id -u)" > /dev/shm/index.html; exec httpd -f -p 8080 -h /dev/shm'`;

test('a container that a step starts is reached from the box by its name, until it is killed', () =>
  withTestBox(async (box) => {
    const options = {
      image: 'busybox:latest',
      name: '$NAME',
      cmd: server,
      env: `ANSWER="it's $WORD; $(id)"`,
      'working-dir': '/var',
      user: '1000',
    };
    const started = await box.perform('run', options, { id: 'first', env: { NAME: 'web', WORD: 'me' } });
    assert.equal(started.code, 0, started.log);
    assert.equal(
      await box.sh('i=0; until wget -q -O - http://web:8080/ 2>/dev/null; do i=$((i+1)); [ $i -lt 2000 ] || exit 1; done'),
      "it's me; $(id) from /var as 1000\n",
    );

    const again = await box.perform('run', { ...options, name: 'web' }, { id: 'second' });
    assert.match(again.message ?? '', /the container "web" is there already: another step/);
    const repeated = await box.perform('run', { ...options, name: 'web' }, { id: 'first' });
    assert.equal(repeated.code, 0, repeated.log);
    const record = await box.engine.json<ContainerRecord>('GET', `/containers/${box.parts.names.service(box.item, 'web')}/json`);
    for (const [name, value] of Object.entries(box.parts.labelsOf(box.item, 'run'))) assert.equal(record.Config.Labels?.[name], value);

    assert.equal((await box.perform('kill', { name: '$NAME' }, { env: { NAME: 'web' } })).code, 0);
    await assert.rejects(box.sh('nslookup web'));
    const gone = await box.perform('kill', { name: 'web' });
    assert.equal(gone.code, 1);
    assert.match(gone.message ?? '', /no step has started a container called "web", or it was killed already/);
  }));

/** Waits long for what happens at once, also on a busy machine. */
const patient = { ...systemClock, after: (ms: number, callback: () => void) => systemClock.after(ms * 100, callback) };

test('a container that dies at once, or cannot start, fails the step with its last words', () =>
  withTestBox(
    async (box) => {
      const image = 'busybox:latest';
      const dead = await box.perform('run', { image, name: 'db', cmd: `sh -c 'echo no disk >&2; exit 9'` });
      assert.equal(dead.code, 1);
      assert.match(dead.message ?? '', /"db" ended .*exit code 9.*; it said:\s+no disk/);
      const missing = await box.perform('run', { image, name: 'db', entrypoint: '/no/such' });
      assert.match(missing.message ?? '', /no\/such/);
    },
    {},
    patient,
  ));

test('a container that died later tells its last words when it is killed', () =>
  withTestBox(async (box) => {
    const image = 'busybox:latest';
    const late = await box.perform('run', { image, name: 'db', cmd: `sh -c 'until [ -e /go ]; do :; done; echo bye; exit 4'` });
    assert.equal(late.code, 0, late.log);
    const path = `/containers/${box.parts.names.service(box.item, 'db')}`;
    const { Id } = await box.engine.json<{ Id: string }>('POST', `${path}/exec`, { body: { Cmd: ['touch', '/go'] } });
    await box.engine.json('POST', `/exec/${Id}/start`, { body: { Detach: true } });
    await box.engine.json('POST', `${path}/wait`);
    const killed = await box.perform('kill', { name: 'db' });
    assert.match(killed.log, /db had ended by itself with exit code 4; it said:\nbye\n/);
  }));

test('a container is one of an image that the run built; names and images that cannot be are refused', () =>
  withTestBox(async (box) => {
    await box.sh(`mkdir -p /pipeline/source; printf 'FROM busybox:latest\\nCMD ["sleep", "600"]\\n' > /pipeline/source/Dockerfile`);
    assert.equal((await box.perform('build', { 'image-name': 'app' })).code, 0);
    const started = await box.perform('run', { image: 'app', name: 'app.1' });
    assert.equal(started.code, 0, started.log);
    await box.sh('nslookup app.1');
    const cases: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
      [{ image: 'app' }, /"name" is missing/],
      [{ name: 'x' }, /"image" is missing/],
      [{ image: 'app', name: 'a b' }, /"a b" can be no name/],
      [{ image: 'localhost:1/none', name: 'x' }, /localhost:1\/none:latest cannot be pulled/],
    ];
    for (const [options, message] of cases) assert.match((await box.perform('run', options)).message ?? '', message);
  }));

test('the box is stored under a name, or as an image of the run', () =>
  withTestBox(async (box) => {
    await box.sh('echo kept > /kept');
    const own = await box.perform('store-container', {}, { id: 'store' });
    assert.equal(own.code, 0, own.log);
    assert.equal(await box.runImage(box.parts.names.builtAs(box.item.run, 'store'), ['cat', '/kept']), 'kept\n');
    const name = `${box.parts.namespace}/stored`;
    const named = await box.perform('store-container', { 'image-name': name, tag: '$T' }, { env: { T: 't' } });
    assert.match(named.log, new RegExp(`${name}:t\n$`));
    const record = await box.image(`${name}:t`);
    assert.deepEqual(record?.Config.Labels, {});
    await box.engine.json('DELETE', `/images/${name}:t`);
  }));

test('watch runs its code in the box with the variables of the shell until it ends or is cancelled; shell says where there is one', () =>
  withTestBox(async (box) => {
    const ended = await box.perform(
      'watch',
      { code: 'echo "$A" in "$(pwd)" $1; exit 5' },
      { env: { A: "it's; $(id)\n2", PATH: '/bin', PWD: '/tmp' } },
    );
    assert.equal(ended.log, "it's; $(id)\n2 in /tmp\n");
    assert.equal(ended.code, 5);
    assert.match((await box.perform('watch', {})).message ?? '', /"code" is missing/);
    const cancel = new AbortController();
    const watching = box.perform(
      'watch',
      { code: 'echo ready; sleep 600' },
      { signal: cancel.signal, onText: () => cancel.abort('enough') },
    );
    await assert.rejects(watching, (reason) => reason === 'enough');
    const shell = await box.perform('shell', { code: 'anything' });
    assert.equal(shell.code, 0);
    assert.match(shell.log, /cion shell last\/build/);
  }));
