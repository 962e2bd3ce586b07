import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { virtualClock } from '../../lib/virtual-clock.ts';
import { downloader } from '../../steps/download.ts';
import { stepRegistry } from '../../steps/step-registry.ts';
import { allowedAddresses } from './allowed-addresses.ts';
import { askOutside } from './ask-outside.ts';
import { outgoing } from './outgoing.ts';
import { type WebAnswer, webServer } from './testing/web-server.ts';

const anywhere = { name: () => true, address: () => true };
const never = new AbortController().signal;
/** Names ending in `.test` are outside, wherever they lead. */
const outside = { name: (host: string) => host.endsWith('.test'), address: allowedAddresses().address };
const toHere = async () => [{ address: '127.0.0.1', family: 4 }];
const once = { tries: 1, firstPauseMs: 1, timeoutMs: 5000 };

const ask = (trusted?: string) =>
  askOutside(
    outgoing({ allowed: outside, clock: systemClock, resolve: toHere }),
    outgoing({ allowed: anywhere, clock: systemClock }),
  )(trusted === undefined ? undefined : new URL(trusted));

test('a registry that redirects to a host inside, or names one, is not followed there: by number, by name, over several hops (atk-60)', async (t) => {
  const inside = await webServer(t, () => ({ status: 200, body: 'inside' }));
  const places = [
    inside.url,
    `http://localhost:${inside.port}/`,
    `http://[::ffff:127.0.0.1]:${inside.port}/`,
    'http://169.254.169.254/latest/meta-data/',
  ];
  for (const location of places) {
    let hops = 0;
    const registry: Awaited<ReturnType<typeof webServer>> = await webServer(t, () => ({
      status: 302,
      headers: { location: hops++ === 0 ? `http://other.test:${registry.port}/again` : location },
      body: '',
    }));
    const download = downloader(systemClock, once, ask(registry.url));
    const answer = await download(new URL(`${registry.url}x.tgz`), {
      mostBytes: 1000,
      signal: never,
      headers: { authorization: 'Bearer secret' },
    });
    assert.equal(answer.kind, 'refused', location);
    assert.equal(registry.requests.length, 2);
    assert.deepEqual(
      registry.requests.map(({ headers }) => headers.authorization),
      ['Bearer secret', undefined],
    );
    const stranger = await downloader(systemClock, once, ask())(new URL(location), { mostBytes: 1000, signal: never });
    assert.equal(stranger.kind, 'refused');
  }
  const naming = await webServer(t, () => ({
    status: 200,
    body: JSON.stringify({ step: { version: '1.0.0', tarballUrl: `${inside.url}a.tgz` } }),
  }));
  const steps = stepRegistry({ url: new URL(naming.url), token: 'secret', download: downloader(systemClock, once, ask(naming.url)) });
  const found = await steps.find('ada', 'step', '1.0.0', never);
  assert.ok(found.ok && found.value !== undefined);
  const got = await steps.get(found.value, 'ada/step', never);
  assert.ok(!got.ok);
  assert.match(JSON.stringify(got.problems), /not on the public internet/);
  assert.deepEqual(inside.requests, []);
});

test('a redirect to a host outside is followed a few times, without the token, and never away from TLS (atk-60)', async (t) => {
  const far = await webServer(t, () => ({ status: 200, body: 'the code' }));
  const near = await webServer(t, () => ({ status: 307, headers: { location: `http://far.test:${far.port}/code` }, body: '' }));
  const download = downloader(systemClock, once, ask(near.url));
  const headers = { Authorization: 'Bearer secret', accept: 'text/plain' };
  const got = await download(new URL(near.url), { mostBytes: 1000, signal: never, headers });
  assert.equal(got.kind === 'got' && Buffer.from(got.bytes).toString(), 'the code');
  assert.deepEqual([far.requests[0]?.headers.authorization, far.requests[0]?.headers.accept], [undefined, 'text/plain']);
  const circle: Awaited<ReturnType<typeof webServer>> = await webServer(t, () => ({
    status: 302,
    headers: { location: circle.url },
    body: '',
  }));
  const round = await downloader(systemClock, once, ask(circle.url))(new URL(circle.url), { mostBytes: 1000, signal: never });
  assert.equal(round.kind, 'refused');
  assert.equal(circle.requests.length, 6);
  const down = await downloader(systemClock, once, async () => ({
    status: 302,
    bytes: Buffer.alloc(0),
    whole: true,
    location: 'http://x.test/',
  }))(new URL('https://x.test/'), { mostBytes: 1000, signal: never });
  assert.deepEqual(down, { kind: 'refused', reason: 'HTTP 302, it leads away from TLS' });
});

test('a registry that has enough (429) is asked again when it says, a few times and no more, and not at all when that is far off (atk-60)', async (t) => {
  const clock = virtualClock({ startAt: Date.UTC(2026, 10, 21), whenIdle: 'run' });
  const answers: WebAnswer[] = [
    { status: 429, headers: { 'retry-after': '30' }, body: 'slowly' },
    { status: 503, headers: { 'retry-after': 'Sat, 21 Nov 2026 00:01:00 GMT' } },
    { status: 200, body: 'the code' },
  ];
  const times: number[] = [];
  const registry = await webServer(t, () => {
    times.push(clock.now() - Date.UTC(2026, 10, 21));
    return answers.shift() ?? { status: 429, headers: { 'retry-after': '3600' } };
  });
  const patience = { tries: 4, firstPauseMs: 500, timeoutMs: 5000 };
  const download = downloader(clock, patience, ask(registry.url));
  const asking = (url = registry.url) => download(new URL(url), { mostBytes: 1000, signal: never });
  assert.equal((await asking()).kind, 'got');
  assert.deepEqual(times, [0, 30_000, 60_000]);
  assert.deepEqual(await asking(), { kind: 'unreachable', reason: 'HTTP 429' });
  assert.equal(times.length, 4);
  const always = await webServer(t, () => ({ status: 429, body: '' }));
  const stubborn = downloader(clock, patience, ask(always.url));
  assert.equal((await stubborn(new URL(always.url), { mostBytes: 1000, signal: never })).kind, 'unreachable');
  assert.equal(always.requests.length, 4);
});
