import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { doing } from '../engine/testing/fake-run.ts';
import { fakeSite } from './testing/fake-worker.ts';

const refused = (): Error => Object.assign(new Error('that is too much'), { status: 413, code: 'REQUEST_TOO_LARGE' });

describe('what a worker tells', () => {
  it('is told for each attempt by itself when the server refuses it, so that one that is refused does no harm to others', async (t) => {
    const { server, begin, meanwhile } = fakeSite(t, 'wait');
    const api = {
      ...server.api,
      report: (...[request, signal]: Parameters<typeof server.api.report>) => {
        const isWrong = request.items.some(({ facts }) =>
          facts.some((fact) => fact.kind === 'stage.finished' && fact.artifacts !== undefined),
        );
        return isWrong ? Promise.reject(refused()) : server.api.report(request, signal);
      },
    };
    await begin('one', { more: { api } });
    const stage = doing(
      'wide',
      { FAKE_WRITE: '{"/w/a":"a"}' },
      { mounts: [{ kind: 'volume', volume: 'work', path: '/w', access: 'read-write' }], artifacts: { volume: 'work' } },
    );
    const [wide, other] = [server.push({ stage }), server.push({ stage: doing('other', { FAKE_SLEEP_MS: '3000' }) })];
    const [{ outcome, cause }, fine] = await meanwhile(Promise.all([server.finished(wide), server.finished(other)]));
    assert.deepEqual([outcome, cause], ['errored', { kind: 'error', code: 'REQUEST_TOO_LARGE', message: 'that is too much' }]);
    assert.equal(fine.outcome, 'passed');
  });

  it('renews the leases of what says nothing, three times in each lease', async (t) => {
    const { server, begin, clock } = fakeSite(t, 'wait');
    const at: number[] = [];
    const api = {
      ...server.api,
      report: async (...[request, signal]: Parameters<typeof server.api.report>) => {
        const answer = await server.api.report(request, signal);
        at.push(clock.now());
        return answer;
      },
    };
    await begin('one', { more: { api } });
    const item = server.push({ stage: doing('quiet', { FAKE_SLEEP_MS: '3600000' }) });
    await server.fact(item, 'stage.started');
    await clock.advance(1000);
    const before = at.length;
    for (let n = 0; n < 60; n++) await clock.advance(1000);
    const beats = at.slice(before);
    assert.ok(beats.length >= 11 && beats.length <= 13, `${beats.length} in a minute`);
    for (const [n, time] of beats.entries()) assert.ok(n === 0 || time - (beats[n - 1] ?? 0) <= 5000);
  });
});
