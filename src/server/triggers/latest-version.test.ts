import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { allowedAddresses } from '../outgoing/allowed-addresses.ts';
import { outgoing } from '../outgoing/outgoing.ts';
import { type WebAnswer, webServer } from '../outgoing/testing/web-server.ts';
import { latestVersion } from './latest-version.ts';

const read = latestVersion(outgoing({ allowed: allowedAddresses(['127.0.0.1']), clock: systemClock }));
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
  const strict = latestVersion(outgoing({ allowed: allowedAddresses(), clock: systemClock }));
  await assert.rejects(strict(watch(registry.url), 'secret'), { code: 'ADDRESS_REFUSED' });
  await assert.rejects(read(watch('file:///etc'), undefined), { code: 'ADDRESS_REFUSED' });
  assert.equal(registry.requests.length, 0);
});
