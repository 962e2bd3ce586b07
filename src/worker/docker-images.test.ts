import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { imageCommand, reference } from '../plan/stage.ts';
import type { RunEvent } from '../run/run-event.ts';
import { unlessGone } from '../runtimes/docker/failures.ts';
import { publish } from '../runtimes/docker/testing/published.ts';
import { whyNoRegistry, withRegistry } from '../runtimes/docker/testing/registry.ts';
import { planOf, stageOf } from '../server/dispatch/testing/served.ts';
import { type WebAnswer, webServer } from '../server/outgoing/testing/web-server.ts';
import { dockerSite } from './testing/docker-site.ts';

const resolvedIn = (events: readonly RunEvent[], stage: string) => {
  const found = events.find((event) => event.kind === 'image.resolved' && event.stage === stage);
  return found?.kind === 'image.resolved' ? { digest: found.digest, ofRegistry: found.ofRegistry } : undefined;
};
const causeIn = (events: readonly RunEvent[]) => {
  const found = events.find(({ kind }) => kind === 'stage.finished');
  return found?.kind === 'stage.finished' && found.cause?.kind === 'error' ? found.cause : undefined;
};

describe('images of a registry, on workers of a server', { timeout: 120_000 }, () => {
  let site: Awaited<ReturnType<typeof dockerSite>>;
  before(async () => {
    site = await dockerSite();
  });
  after(() => site?.close());

  it(
    'are the same for all stages of a run, also when somebody moves the tag between two of them (atk-60)',
    { skip: whyNoRegistry() ?? false },
    () =>
      withRegistry({ login: false }, async ({ host }) => {
        const name = `${host}/team/app`;
        const first = await publish(site.engine, name, '1', randomBytes(50));
        const one = await site.worker();
        const image = { image: reference(`${name}:1`), command: imageCommand };
        const run = await site.plan(
          planOf([
            stageOf('first', [], { ...image, mayFail: true }),
            { ...stageOf('second', [], image), needs: [{ node: 'first', on: 'finished' }] },
          ]),
        );
        await site.until(run, ({ nodes }) => nodes.get('first')?.phase === 'running' || nodes.get('first')?.phase === 'finished');
        one.drain();
        await one.ended;
        await unlessGone(site.engine.json('DELETE', `/images/${name}:1`, { query: { force: true } }));
        const moved = await publish(site.engine, name, '1', randomBytes(50));
        assert.notEqual(first, moved);
        const two = await site.worker();
        await site.ended(run);
        const events = await site.runs.events(run);
        assert.deepEqual(resolvedIn(events, 'second'), { digest: first, ofRegistry: true });
        const next = await site.plan(planOf([stageOf('other', [], image)]));
        await site.ended(next);
        assert.equal(resolvedIn(await site.runs.events(next), 'other')?.digest, moved);
        await two.close();
        for (const left of [`${name}:1`, `${name}@${first}`, `${name}@${moved}`]) {
          await unlessGone(site.engine.json('DELETE', `/images/${left}`, { query: { force: true } }));
        }
      }),
  );

  it('that are not what their digest says, and registries that have enough, error a stage after a few requests; nothing of them runs (atk-60)', async (t) => {
    const digest = `sha256:${'5'.repeat(64)}`;
    const type = 'application/vnd.docker.distribution.manifest.v2+json';
    const config = { mediaType: 'application/vnd.docker.container.image.v1+json', size: 2, digest: `sha256:${'6'.repeat(64)}` };
    const forged: WebAnswer = {
      status: 200,
      headers: { 'content-type': type, 'docker-content-digest': digest },
      body: JSON.stringify({ schemaVersion: 2, mediaType: type, config, layers: [] }),
    };
    const enough: WebAnswer = {
      status: 429,
      headers: { 'content-type': 'application/json', 'retry-after': '3600' },
      body: JSON.stringify({ errors: [{ code: 'TOOMANYREQUESTS', message: 'slowly' }] }),
    };
    const worker = await site.worker();
    for (const answer of [forged, enough]) {
      const registry = await webServer(t, ({ path }) => (path === '/v2/' ? { status: 200, body: '{}' } : answer));
      const image = { image: reference(`127.0.0.1:${registry.port}/team/app@${digest}`), command: imageCommand };
      const run = await site.plan(planOf([stageOf('only', [], image)]));
      assert.equal((await site.ended(run)).outcome, 'errored');
      const events = await site.runs.events(run);
      assert.match(causeIn(events)?.code ?? '', /^IMAGE_/);
      assert.equal(
        events.some(({ kind }) => kind === 'stage.started'),
        false,
      );
      assert.ok(registry.requests.length <= 12, `${registry.requests.length} requests`);
    }
    await worker.close();
  });
});
