import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { virtualClock } from '../../lib/virtual-clock.ts';
import { allowedAddresses } from '../outgoing/allowed-addresses.ts';
import { outgoing } from '../outgoing/outgoing.ts';
import { type WebAnswer, webServer } from '../outgoing/testing/web-server.ts';
import { latestVersion, type LatestVersion } from './latest-version.ts';

const going = new AbortController().signal;
/** Of a server that goes on. */
const reading =
  (version: LatestVersion) =>
  (of: Parameters<LatestVersion>[0], token: string | undefined): Promise<string> =>
    version(of, token, going);
const read = reading(latestVersion(outgoing({ allowed: allowedAddresses(['127.0.0.1']), clock: systemClock }), systemClock));
const tags = (of: unknown): WebAnswer => ({ status: 200, body: JSON.stringify({ 'dist-tags': of }) });
const watch = (registry: string, more = {}) => ({ package: '@ada/dep', registry, tag: 'latest', ...more });

test('asks for the short form of one package, with the token if there is one, and answers what the tag means', async (t) => {
  const registry = await webServer(t, () => tags({ latest: '1.2.3', next: '2.0.0-rc.1' }));
  assert.equal(await read(watch(`${registry.url}npm`), undefined), '1.2.3');
  assert.equal(await read(watch(registry.url, { tag: 'next', package: 'dep' }), 'secret'), '2.0.0-rc.1');
  const [first, second] = registry.requests;
  assert.deepEqual(
    [first?.path, first?.headers.accept, first?.headers.authorization],
    ['/npm/@ada%2fdep', 'application/vnd.npm.install-v1+json', undefined],
  );
  assert.deepEqual([second?.path, second?.headers.authorization], ['/dep', 'Bearer secret']);
});

test('what is no version, no tag, no registry, or not shown is said so, without the answer and the token', async (t) => {
  const cases: readonly (readonly [WebAnswer, RegExp])[] = [
    [tags({ latest: '1.2.3\nEVIL=1' }), /names a version .* that is none/],
    [tags({ latest: 'v1.2.3' }), /names a version .* that is none/],
    [tags({ next: '1.2.3' }), /has no "latest"/],
    [tags({ latest: 3 }), /did not answer as a registry does/],
    [{ status: 200, body: '<html>secret</html>' }, /did not answer as a registry does/],
    [{ status: 404 }, /has no package @ada\/dep/],
    [{ status: 401, body: 'secret' }, /does not show @ada\/dep to this token/],
    [{ status: 302, headers: { location: 'http://169.254.169.254/' } }, /answered 302/],
    [{ status: 503 }, /answered 503/],
  ];
  for (const [answer, message] of cases) {
    const registry = await webServer(t, () => answer);
    await assert.rejects(read(watch(registry.url), 'secret'), (error: Error) => {
      assert.equal('code' in error && error.code, 'PACKAGE_UNREADABLE');
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /secret|EVIL/);
      return true;
    });
  }
});

test('a name that is none is not asked for, and neither is a registry inside that nobody allowed (atk-67)', async (t) => {
  const registry = await webServer(t, () => tags({ latest: '1.0.0' }));
  for (const name of ['../-/all', 'a/b', '@a/b/c', '', 'a?x', '@a', '.hidden', `@${'a'.repeat(220)}/b`]) {
    await assert.rejects(read(watch(registry.url, { package: name }), undefined), { code: 'PACKAGE_UNREADABLE' }, name);
  }
  const strict = reading(latestVersion(outgoing({ allowed: allowedAddresses(), clock: systemClock }), systemClock));
  await assert.rejects(strict(watch(registry.url), 'secret'), { code: 'ADDRESS_REFUSED' });
  await assert.rejects(read(watch('file:///etc'), undefined), { code: 'ADDRESS_REFUSED' });
  assert.equal(registry.requests.length, 0);
});

test('a registry that has enough (429) is asked once, whoever watches what, until the time that it asks for is over (atk-60)', async (t) => {
  const clock = virtualClock({ startAt: Date.UTC(2026, 10, 21) });
  let answer: WebAnswer = { status: 429, headers: { 'retry-after': '600' } };
  const registry = await webServer(t, () => answer);
  const other = await webServer(t, () => tags({ latest: '1.0.0' }));
  const asked = reading(latestVersion(outgoing({ allowed: allowedAddresses(['127.0.0.1']), clock: systemClock }), clock));
  for (let i = 0; i < 100; i++) {
    await assert.rejects(asked(watch(registry.url, { package: `p${i}` }), undefined), { code: 'PACKAGE_UNREADABLE' });
  }
  assert.equal(registry.requests.length, 1);
  assert.equal(await asked(watch(other.url), undefined), '1.0.0');
  await clock.advance(599_000);
  await assert.rejects(asked(watch(registry.url), undefined), /does not want to be asked before 2026-11-21T00:10:00/);
  answer = { status: 429, headers: { 'retry-after': 'Sat, 21 Nov 2026 00:30:00 GMT' } };
  await clock.advance(1000);
  await assert.rejects(asked(watch(registry.url), undefined), /in 1200 s/);
  answer = tags({ latest: '2.0.0' });
  await clock.advance(1_199_000);
  await assert.rejects(asked(watch(registry.url), undefined));
  assert.equal(registry.requests.length, 2);
  await clock.advance(1000);
  assert.equal(await asked(watch(registry.url), undefined), '2.0.0');
});
