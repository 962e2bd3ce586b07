import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { s3Server, users, whyNoS3 } from '../src/results/s3/testing/s3-server.ts';
import { repository } from './repository.ts';
import { werckerFor } from './wercker-project.ts';

/** What goes into a box and comes out of it, and what runs beside it. */
const undone: (() => Promise<void>)[] = [];
const wercker = werckerFor('files', { after: (undo) => void undone.push(undo) });
after(async () => {
  for (const undo of undone.reverse()) await undo();
});

const script = (name: string, code: string) => ({ script: { name, code } });

test('source, steps and cache are mounted read-only and copied; output is kept, and the cache is there in the next build (R-WRK-20, R-WRK-66, R-WRK-70, R-WRK-87, R-WRK-95, R-WRK-123, R-WRK-124, R-WRK-125, R-WRK-126, R-WRK-170, R-WRK-171)', async (t) => {
  const cwd = repository(t, {
    'wercker.yml': JSON.stringify({
      box: 'busybox',
      build: {
        steps: [
          'ada/own "file://own"',
          script(
            'mounts',
            'for at in source own cache; do ls -d "/mnt/wercker/$at"; touch "/mnt/wercker/$at/x" 2>/dev/null && echo "$at can be written"; done; true',
          ),
          script(
            'cache',
            'cat "$WERCKER_CACHE_DIR/kept" 2>/dev/null || echo "no cache"; echo "of $WERCKER_BUILD_URL" >"$WERCKER_CACHE_DIR/kept"',
          ),
          script(
            'output',
            'echo changed >README; touch "$WERCKER_REPORT_ARTIFACTS_DIR/report"; printf gem >"$WERCKER_OUTPUT_DIR/project-0.15.0.gem"',
          ),
        ],
      },
      deploy: { steps: [script('look', 'ls; cat project-0.15.0.gem')] },
    }),
    README: 'mine\n',
    'own/run.sh': 'pwd; cat README; touch made\n',
    'own/step.yml': 'name: own\nversion: 1.0.0\n',
  });
  await wercker.passes(cwd);
  assert.equal(await wercker.logOf(cwd, { step: 'own' }), '/pipeline/source\nmine\n');
  assert.equal(await wercker.logOf(cwd, { step: 'script' }), '/mnt/wercker/source\n/mnt/wercker/own\n/mnt/wercker/cache\n');
  assert.equal(await wercker.logOf(cwd, { step: 'script-2' }), 'no cache\n');
  assert.equal(readFileSync(`${cwd}/README`, 'utf8'), 'mine\n');
  const { artifacts } = await wercker.end(cwd);
  assert.deepEqual(
    artifacts?.files.map(({ path, bytes, digest }) => [path, bytes, digest !== undefined]),
    [['project-0.15.0.gem', 3, true]],
  );
  assert.equal((await wercker.run(cwd, ['artifacts', '1', 'build', '--get', 'project-0.15.0.gem'])).out, 'gem');
  await wercker.passes(cwd);
  assert.equal(await wercker.logOf(cwd, { step: 'script-2' }), 'of cion:run/1\n');
  await wercker.passes(cwd, ['deploy', '--from', '1']);
  assert.equal(await wercker.logOf(cwd, { step: 'script' }), 'project-0.15.0.gem\ngem');
});

test('services are waited for, reached by name and by the variables of links, and gone with their run (R-WRK-11, R-WRK-13, R-WRK-16, R-WRK-60, R-WRK-127)', async (t) => {
  const page = (says: string, after = 0) =>
    `sh -c "sleep ${after}; mkdir /www; printf ${says} >/www/index.html; exec httpd -f -p 8080 -h /www"`;
  const cwd = repository(t, {
    'wercker.yml': JSON.stringify({
      box: 'busybox',
      services: [
        { id: 'busybox', name: 'slow', cmd: page('late', 2), ports: [8080], env: { greeting: 'hello' } },
        { id: 'busybox', name: 'fast', cmd: page('soon'), ports: ['8080'] },
      ],
      build: {
        steps: [
          script(
            'ask',
            'wget -q -O - http://slow:8080/; echo; wget -q -O - "http://$FAST_PORT_8080_TCP_ADDR:$FAST_PORT_8080_TCP_PORT/"; echo; echo "$SLOW_PORT $SLOW_NAME $SLOW_ENV_GREETING"',
          ),
        ],
      },
    }),
  });
  await wercker.passes(cwd, ['build', '--no-commit']);
  assert.equal(await wercker.logOf(cwd, { step: 'script' }), 'late\nsoon\ntcp://slow:8080 /slow hello\n');
  assert.equal(wercker.left(), '');
});

test('what a step writes is seen while it goes on (R-WRK-122)', async (t) => {
  const cwd = repository(t, {
    'wercker.yml': JSON.stringify({
      box: 'busybox',
      build: { steps: [script('waits', 'echo "it waits"; until [ -e /go ]; do usleep 20000; done; echo "it went on"')] },
    }),
  });
  const running = wercker.start(cwd, ['build', '--no-commit']);
  await running.wrote('| it waits');
  assert.equal((await wercker.run(cwd, ['shell', 'last', '--', 'touch', '/go'])).code, 0);
  const ended = await running.ended;
  assert.deepEqual([ended.code, ended.stdout.toString().includes('it went on')], [0, true]);
});

test('with a place for results and keys, output is uploaded; that nobody may write there is told and fails nothing (R-WRK-179)', {
  skip: whyNoS3(),
}, async (t) => {
  const server = await s3Server();
  t.after(() => server.close());
  const bucket = await server.bucket();
  const cwd = repository(t, {
    'wercker.yml': JSON.stringify({ box: 'busybox', build: { steps: [script('out', 'echo made >"$WERCKER_OUTPUT_DIR/made"')] } }),
  });
  const to = ['build', '--no-commit', '--results', `s3://${bucket}`, '--results-endpoint', server.endpoint];
  const keys = ({ accessKeyId, secretAccessKey }: { readonly accessKeyId: string; readonly secretAccessKey: string }) => ({
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: 'us-east-1',
  });
  await wercker.passes(cwd, to, keys(users.ada));
  const client = server.client(users.ada);
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
  const zip = Contents.map(({ Key = '' }) => Key).find((key) => key.endsWith('/build.zip'));
  assert.ok(zip !== undefined, JSON.stringify(Contents));
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: zip }));
  assert.ok(Buffer.from((await Body?.transformToByteArray()) ?? []).includes('made'));
  const denied = await wercker.passes(cwd, to, keys(users.bob));
  assert.match(denied.err, /RESULTS_DENIED/);
});
