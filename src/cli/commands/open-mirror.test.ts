import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { pack } from 'tar-stream';
import { systemClock } from '../../lib/clock.ts';
import { newRunId } from '../../lib/ids.ts';
import { openJournal } from '../../local/journal.ts';
import { makeProjectDir } from '../../local/project-dir.ts';
import { s3Server, users, whyNoS3 } from '../../results/s3/testing/s3-server.ts';
import { fakeRuntime } from '../../runtimes/fake/fake-runtime.ts';
import { withMirror } from './open-mirror.ts';
import { openProject } from './open-project.ts';

test('the results of all stages are elsewhere before what the run made is removed (R-DCK-59)', { skip: whyNoS3() }, async (t) => {
  const cwd = await mkdtemp(join(tmpdir(), 'cion-mirror-'));
  const server = await s3Server();
  t.after(async () => {
    server.close();
    await rm(cwd, { recursive: true });
  });
  process.env.AWS_ACCESS_KEY_ID = users.ada.accessKeyId;
  process.env.AWS_SECRET_ACCESS_KEY = users.ada.secretAccessKey;
  const bucket = await server.bucket();
  const context = { cwd, env: {}, stdin: process.stdin, stdout: process.stdout, stderr: process.stderr };
  const project = await openProject(context);
  await makeProjectDir(cwd);
  const run = newRunId(Date.now());
  const journal = await openJournal(project.stateDir, run);
  await journal.append([
    { seq: 1, at: Date.now(), kind: 'run.created', run, number: 1, project: 'shop', trigger: { kind: 'manual', by: 'ada' } },
  ]);
  const signal = new AbortController().signal;
  const place = { url: `s3://${bucket}`, endpoint: server.endpoint };
  const keys: (string | undefined)[] = [];

  await withMirror({ context, project, run, place, interrupts: { cancel: signal, force: signal }, say: assert.fail }, async (carried) => {
    const runtime = fakeRuntime({ clock: systemClock });
    const looking = {
      ...runtime,
      sweep: async (...args: Parameters<typeof runtime.sweep>) => {
        const { Contents } = await server.client(users.ada).send(new ListObjectsV2Command({ Bucket: bucket }));
        keys.push(...(Contents ?? []).map(({ Key }) => Key));
        return runtime.sweep(...args);
      },
    };
    const key = { run, stage: 'build', attempt: 1 };
    const log = await carried.results.begin(key, Date.now());
    await log.append({ stream: 'stdout', bytes: Buffer.from('hello'), at: Date.now() });
    await log.close();
    const tar = pack();
    tar.entry({ name: 'app' }, 'the app');
    tar.finalize();
    await carried.results.putArtifacts(key, Readable.from(tar as AsyncIterable<Uint8Array>));
    const at = Date.now();
    await carried.results.finish(key, { outcome: 'passed', startedAt: at, finishedAt: at, hasLog: true, hasArtifacts: true });
    await carried.planned(looking).sweep({ kind: 'run', run }, signal);
  });
  await journal.close();
  const names = ['.json', '/build.json', '/build.log', '/build.zip'];
  assert.deepEqual(
    keys,
    names.map((name) => `dockercise/run/${run}${name}`),
  );
  assert.ok((await readdir(join(cwd, '.cion/run', run))).includes('build.log'));
});
