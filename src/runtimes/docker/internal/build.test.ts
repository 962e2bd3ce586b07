import assert from 'node:assert/strict';
import { test } from 'node:test';
import { label } from '../labels.ts';
import { removeLabelled } from '../sweep.ts';
import { whyNoRegistry, withRegistry } from '../testing/registry.ts';
import { withTestBox } from '../testing/test-box.ts';

const dockerfile = `FROM busybox:latest
ARG AA
ARG FROM_ENV
ARG EVIL
ARG NONE=default
COPY . /made/
RUN printf '%s|%s|%s|%s' "$AA" "$FROM_ENV" "$EVIL" "$NONE" > /made/args; echo "and says so"
`;

const write = (path: string, text: string): string =>
  `mkdir -p "$(dirname '${path}')"; printf %s '${Buffer.from(text).toString('base64')}' | base64 -d > '${path}'`;

test('an image is built of what is in the box now, with its arguments whole, and its steps are in the log', () =>
  withTestBox(async (box) => {
    await box.sh(write('/pipeline/source/sub dir/My.Dockerfile', dockerfile));
    await box.sh(write('/pipeline/source/sub dir/.dockerignore', 'left-out\n'));
    await box.sh('cd "/pipeline/source/sub dir" && echo made > by-a-step && echo x > left-out');
    const { code, log } = await box.perform(
      'build',
      {
        'image-name': 'app $A',
        context: 'sub dir',
        dockerfile: 'My.Dockerfile',
        'build-args': `AA=1=2 FROM_ENV EVIL="$EVIL" NONE`,
        labels: 'who="the team"',
        'no-cache': 'true',
        squash: 'true',
        'extra-hosts': 'away:10.0.0.1',
      },
      { env: { A: 'one', FROM_ENV: 'f', EVIL: `'; touch /evil; $(touch /evil) "` } },
    );
    assert.equal(code, 0, log);
    assert.match(log, /"squash" is not done/);
    assert.match(log, /build argument NONE has no value/);
    assert.match(log, /Step 1\/11 : FROM busybox:latest\n[^]*and says so\n[^]*Successfully built/);
    const name = box.parts.names.builtAs(box.item.run, 'app one');
    const record = await box.image(name);
    assert.equal(record?.Config.Labels?.['who'], 'the team');
    assert.equal(record?.Config.Labels?.[label.run], box.item.run);
    const listed = await box.runImage(name, ['sh', '-c', 'cat /made/args; echo; ls -A /made /evil 2>&1; true']);
    assert.equal(listed.split('\n')[0], `1=2|f|'; touch /evil; $(touch /evil) "|default`);
    assert.match(listed, /by-a-step/);
    assert.doesNotMatch(listed, /left-out/);
    assert.match(listed, /\/evil: No such file/);
    const labels = { [label.namespace]: box.parts.namespace, [label.run]: box.item.run };
    await removeLabelled(box.engine, labels, { images: true }, AbortSignal.timeout(30_000));
    assert.equal(await box.image(name), undefined);
  }));

test('a build that fails says why, and so does one that cannot be begun', () =>
  withTestBox(async (box) => {
    await box.sh(write('/pipeline/source/Dockerfile', 'FROM busybox:latest\nRUN echo words; exit 3\n'));
    const failed = await box.perform('build', { 'image-name': 'app' });
    assert.equal(failed.code, 1);
    assert.match(failed.log, /words\n/);
    assert.match(failed.message ?? '', /"app" cannot be built: .*returned a non-zero code: 3/);
    const cases: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
      [{}, /"image-name" is missing/],
      [{ 'image-name': 'a', context: 'none' }, /no directory \/pipeline\/source\/none/],
      [{ 'image-name': 'a', dockerfile: '../x' }, /"..\/x" is not below the context/],
      [{ 'image-name': 'a', dockerfile: 'None' }, /cannot be built: .*None/],
      [{ 'image-name': 'a', 'extra-hosts': 'x' }, /"x" is not of the form name:address/],
      [{ 'image-name': 'a', 'registry-auth-config': '{' }, /"registry-auth-config" is no JSON object/],
    ];
    for (const [options, message] of cases) assert.match((await box.perform('build', options)).message ?? '', message);
  }));

test('a built image is pushed by its name, without our labels and its arguments', { skip: whyNoRegistry() ?? false }, () =>
  withRegistry({ login: false }, (registry) =>
    withTestBox(async (box) => {
      await box.sh(
        write('/pipeline/source/Dockerfile', 'FROM busybox:latest\nARG TOKEN\nRUN echo $TOKEN | md5sum > /sum\nCMD ["cat", "/sum"]\n'),
      );
      const built = await box.perform('build', { 'image-name': 'app', 'build-args': 'TOKEN=hush-hush' });
      assert.equal(built.code, 0, built.log);
      const repository = `${registry.host}/built`;
      const pushed = await box.perform('push', { repository, 'image-name': 'app', tag: '1', env: 'A=1' });
      assert.equal(pushed.code, 0, pushed.log);
      for await (const _ of box.engine.progress('POST', '/images/create', { query: { fromImage: repository, tag: '1' } }));
      const all = JSON.stringify([await box.image(`${repository}:1`), await box.engine.json('GET', `/images/${repository}:1/history`)]);
      await box.engine.json('DELETE', `/images/${repository}:1`, { query: { force: true } });
      assert.match(all, /"A=1"/);
      assert.match(all, /\/sum/);
      assert.doesNotMatch(all, /hush-hush|cion\.run/);
    }),
  ),
);
