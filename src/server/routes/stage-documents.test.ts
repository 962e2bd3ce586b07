import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { newRunId } from '../../lib/ids.ts';
import type { Results } from '../../results/results.ts';
import { s3Objects } from '../../results/s3/s3-objects.ts';
import { s3Results } from '../../results/s3/s3-results.ts';
import { s3Server, users, whyNoS3 } from '../../results/s3/testing/s3-server.ts';
import { planOf, stageOf } from '../dispatch/testing/served.ts';
import { ask } from '../testing/requests.ts';
import { type RunServer, runServer } from '../testing/run-server.ts';

type Place = { readonly results?: Results; readonly close: () => Promise<void> };

const s3Place = async (): Promise<Place> => {
  const s3 = await s3Server();
  const objects = s3Objects({ bucket: await s3.bucket(), prefix: 'dockercise/' }, { endpoint: s3.endpoint, credentials: users.ada });
  return {
    results: s3Results(objects, { pollMs: 20 }),
    close: async () => {
      await objects.close();
      s3.close();
    },
  };
};

const suite = (name: string, skip: string | false | undefined, open: () => Promise<Place>): void => {
  describe(`stage documents posted to ${name}`, { skip }, () => {
    let place: Place;
    let server: RunServer;
    before(async () => {
      place = await open();
      server = await runServer(place.results === undefined ? {} : { results: place.results });
    });
    after(async () => {
      await server.close();
      await place.close();
    });

    const post = (run: string, stage: string, json: unknown, as = 'admin:root') =>
      ask(server.url, `/dockercise/run/${run}/${encodeURIComponent(stage)}.json`, { as, json });
    const stored = async (run: string, stage: string): Promise<unknown> => {
      const found = await server.results.open(run, `${stage}.json`);
      return found && JSON.parse((await buffer(found)).toString());
    };

    it('are in the results under their path: first what has begun, then all of it (R-DCK-96)', async () => {
      const run = newRunId(Date.now());
      const begun = { name: 'build it', started: '2026-11-21T12:00:00.000Z' };
      const first = await post(run, 'build it', begun);
      assert.deepEqual([first.status, first.json()], [201, { key: `run/${run}/build it.json` }]);
      assert.deepEqual(await stored(run, 'build it'), begun);
      const ended = {
        ...begun,
        finished: '2026-11-21T12:00:05.500Z',
        status: 'like-a-chump',
        logs: `dockercise/run/${run}/build it.log`,
        artefact: null,
      };
      assert.equal((await post(run, 'build it', ended)).status, 201);
      assert.deepEqual(await stored(run, 'build it'), {
        ...ended,
        logs: `run/${run}/build it.log`,
        attempt: 1,
        outcome: 'failed',
      });
      const winning = {
        name: 'test',
        started: begun.started,
        finished: '2026-11-21T14:00:05+02:00',
        status: 'winning',
        logs: null,
        artefact: `x/test.zip`,
      };
      assert.equal((await post(run, 'test', winning)).status, 201);
      const { status, finished, artefact, outcome } = (await stored(run, 'test')) as Record<string, unknown>;
      assert.deepEqual([status, finished, artefact, outcome], ['winning', '2026-11-21T12:00:05.000Z', `run/${run}/test.zip`, 'passed']);
    });
  });
};

suite('a directory', false, async () => ({ close: async () => {} }));
suite('S3', whyNoS3(), s3Place);

describe('stage documents', () => {
  let server: RunServer;
  before(async () => {
    server = await runServer();
  });
  after(() => server.close());
  const begun = { name: 'build', started: '2026-11-21T12:00:00Z' };
  const post = (run: string, file: string, json: unknown, as?: string) =>
    ask(server.url, `/dockercise/run/${run}/${file}`, {
      json,
      ...(as === undefined ? { headers: { cookie: 'session=admin:root', 'x-cion': '1' } } : { as }),
    });

  it('are taken with a token from who may run the project, of stages that no worker of ours carries', async () => {
    const run = await server.runs.plan(planOf([stageOf('build')]));
    const real = newRunId(Date.now());
    await server.runs.store.runs.create({ run: real, project: 'acme/app', pipeline: 'cion', trigger: { kind: 'manual', by: 'x' }, at: 1 });
    assert.equal((await post(real, 'build.json', begun, 'account:ada')).status, 201);
    for (const [as, status] of [
      ['account:eve', 403],
      ['worker:w1', 403],
      [undefined, 401],
    ] as const) {
      assert.equal((await post(real, 'build.json', begun, as)).status, status);
    }
    assert.equal((await post(newRunId(1), 'build.json', begun, 'account:ada')).status, 403);
    await server.runs.dispatcher.report(real, () => [{ kind: 'run.planned', plan: planOf([stageOf('build')]), digest: 'sha256:1' }]);
    const taken = await post(real, 'build.json', begun, 'account:ada');
    assert.deepEqual([taken.status, taken.json()['code']], [409, 'STAGE_CARRIED']);
    assert.equal((await server.runs.state(run))?.number, 1);
  });

  it('that are none are refused, and lead nowhere else', async () => {
    const run = newRunId(Date.now());
    const wrong = [
      { ...begun, name: 'other' },
      { ...begun, started: 'yesterday' },
      { ...begun, status: 'winning' },
      { ...begun, finished: begun.started },
      { ...begun, finished: begun.started, status: 'green' },
      { ...begun, finished: begun.started, status: 'winning', outcome: 'failed' },
      [],
      'text',
    ];
    for (const json of wrong) assert.equal((await post(run, 'build.json', json, 'admin:root')).status, 400, JSON.stringify(json));
    const elsewhere = [
      [run, '..%2fbuild.json', '../build'],
      [run, 'build%401.json', 'build@1'],
    ] as const;
    for (const [id, file, name] of elsewhere) {
      const answer = await post(id, file, { ...begun, name }, 'admin:root');
      assert.deepEqual([answer.status, answer.json()['code']], [422, 'RESULTS_UNWRITABLE'], answer.text);
    }
    for (const [id, file] of [
      ['..', 'build.json'],
      ['run_1', 'build.json'],
      [run, 'build.log'],
      [run, '.json'],
    ] as const) {
      assert.equal((await post(id, file, begun, 'admin:root')).status, 404, `${id}/${file}`);
    }
  });
});
