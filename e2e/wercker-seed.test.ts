import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { root } from '../scripts/setup/root.mjs';
import { s3Server, users, whyNoS3 } from '../src/results/s3/testing/s3-server.ts';
import { addressForContainers, archiveOf, buildImage, inspect } from './engine.ts';
import { httpServer } from './http-server.ts';
import { smallImage } from './machine-image.ts';
import { reachable } from './reachable.ts';
import { directory, repository } from './repository.ts';
import { werckerFor } from './wercker-project.ts';

/** The example of the language, with images of these very names whose programs answer as the real ones would. */
import { idOf, underNames } from './seed-images.ts';

const undone: (() => Promise<void>)[] = [];
const suite = { after: (undo: () => Promise<void>) => void undone.push(undo) };
const wercker = werckerFor('seed', suite);
const seed = readFileSync(join(root, 'src/dialects/wercker/cases/seed-example.yml'), 'utf8');
const skip = whyNoS3() || ((await addressForContainers()) === undefined && 'the engine is elsewhere');

/** Asks the database, then builds one page. */
const bundle = `#!/bin/bash
echo "[bundle $*]"
case "$*" in
"exec middleman build --verbose")
  rethinkdb=$(wget -q -O - "http://rethinkdb:28015/") && [ "$rethinkdb" = "a database" ] || exit 1
  mkdir build && echo "page of $WERCKER_GIT_COMMIT by $rethinkdb" >build/index.html
  echo kept >/made-by-a-step
  ;;
esac
`;

let images: Readonly<Record<string, string>> = {};
before(async () => {
  if (skip !== false) return;
  const folder = directory({ after: (undo) => void undone.push(undo as () => Promise<void>) });
  writeFileSync(
    join(folder, 'Dockerfile'),
    'FROM busybox\nRUN mkdir /www && printf "a database" >/www/index.html\nEXPOSE 28015\nCMD ["sh", "-c", "sleep 1; exec httpd -f -p 28015 -h /www"]\nHEALTHCHECK --interval=200ms CMD wget -q -O /dev/null http://127.0.0.1:28015/\n',
  );
  const [ruby, database] = await Promise.all([
    smallImage(suite, `cion-e2e/ruby-${process.pid}`, ['bash', 'curl'], (into) => {
      mkdirSync(join(into, 'usr/bin'), { recursive: true });
      writeFileSync(join(into, 'usr/bin/bundle'), bundle);
      chmodSync(join(into, 'usr/bin/bundle'), 0o755);
    }),
    buildImage(suite, `cion-e2e/rethinkdb-${process.pid}`, archiveOf(folder)),
  ]);
  images = { 'wercker/ruby': ruby, 'mies/rethinkdb': database };
});
after(async () => {
  for (const undo of undone.reverse()) await undo();
});

const withSeedImages = (work: () => Promise<void>): Promise<void> => underNames(images, work);

test(
  'the example of the language builds beside its service, and is deployed by hand from what the build left, with a message to the room (R-WRK-01, R-WRK-11, R-WRK-13, R-WRK-16, R-WRK-17, R-WRK-18, R-WRK-20, R-WRK-21, R-WRK-28, R-WRK-30, R-WRK-35, R-WRK-36, R-WRK-42, R-WRK-45, R-WRK-50, R-WRK-52, R-WRK-53, R-WRK-71)',
  {
    skip,
  },
  (t) =>
    withSeedImages(async () => {
      const server = await s3Server();
      t.after(() => server.close());
      const bucket = await server.bucket();
      const room = await httpServer(t);
      const cwd = repository(t, { 'wercker.yml': seed, Gemfile: '' });
      const built = await wercker.passes(cwd);
      assert.match(built.out, /\[bundle install/);
      assert.match(built.out, /hello world\n(?:.*\| )?\[bundle exec middleman build --verbose\]/);
      const events = await wercker.events(cwd);
      const resolved = events.find((event) => event.kind === 'image.resolved');
      assert.ok(resolved?.kind === 'image.resolved');
      assert.deepEqual([resolved.stage, resolved.reference, resolved.digest], ['build', 'wercker/ruby:latest', idOf('wercker/ruby')]);
      const { artifacts, image } = await wercker.end(cwd);
      assert.ok(artifacts?.files.some(({ path }) => path === 'build/index.html'));
      assert.ok(image !== undefined);
      assert.notEqual(image.digest, idOf('wercker/ruby'));
      assert.match((await inspect<{ RootFS: { Type: string } }>(`/images/${image.digest}/json`)).RootFS.Type, /layers/);
      const marker = ['run', '--rm', image.reference, 'cat', '/made-by-a-step'];
      assert.equal(execFileSync('docker', marker, { encoding: 'utf8' }), 'kept\n');

      const outside = {
        X_AWS_ACCESS_KEY_ID: users.ada.accessKeyId,
        XXX_AWS_ACCESS_FOO: users.ada.secretAccessKey,
        X_AWS_BUCKET_URL: `s3://${bucket}`,
        X_AWS_ENDPOINT_URL_S3: await reachable(t, server.endpoint),
        XXX_HIPCHAT_TOKEN: 'room-token',
        X_HIPCHAT_URL: await reachable(t, room.url),
      };
      const deployed = await wercker.passes(cwd, ['deploy'], outside);
      assert.doesNotMatch(deployed.out, new RegExp(`${users.ada.secretAccessKey}|room-token`));
      const begun = (await wercker.events(cwd)).find((event) => event.kind === 'image.resolved');
      assert.ok(begun?.kind === 'image.resolved');
      assert.equal(begun.digest, image.digest);
      const page = await server.client(users.ada).send(new GetObjectCommand({ Bucket: bucket, Key: 'index.html' }));
      assert.match((await page.Body?.transformToString()) ?? '', /^page of [0-9a-f]{40} by a database\n$/);
      const [message] = room.asked;
      assert.equal(new URL(message?.path ?? '', room.url).searchParams.get('auth_token'), 'room-token');
      const said = new URLSearchParams(message?.body);
      assert.deepEqual([said.get('room_id'), said.get('from'), said.get('color')], ['id', 'name', 'green']);

      await wercker.fails(cwd, ['deploy', '--from', '1'], { ...outside, XXX_AWS_ACCESS_FOO: 'wrong' });
      assert.equal(new URLSearchParams(room.asked[1]?.body).get('color'), 'red');
      assert.match(new URLSearchParams(room.asked[1]?.body).get('message') ?? '', /failed at step s3sync: .*403/);
      assert.equal(wercker.left(), '');
    }),
);
