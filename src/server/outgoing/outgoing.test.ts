import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { virtualClock } from '../../lib/virtual-clock.ts';
import { allowedAddresses } from './allowed-addresses.ts';
import { outgoing } from './outgoing.ts';
import { webServer } from './testing/web-server.ts';

const get = (url: string) => ({ method: 'GET', url, headers: {}, limitBytes: 1000, timeoutMs: 60_000 }) as const;

test('only addresses of the public internet are allowed, however they are written, and those that the operator names (atk-67)', () => {
  const { address } = allowedAddresses();
  const inside = [
    '127.0.0.1',
    '127.9.9.9',
    '10.0.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
  ];
  const inside6 = [
    '::1',
    '::',
    'fe80::1%eth0',
    'fd00:ec2::254',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::FFFF:a9fe:a9fe',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
  ];
  for (const one of [...inside, ...inside6, 'localhost', '']) assert.equal(address(one), false, one);
  for (const one of ['8.8.8.8', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8']) assert.equal(address(one), true, one);
  const more = allowedAddresses(['10.1.0.0/16', 'fd00::/8', '192.168.7.7', 'Hooks.Intern']);
  for (const one of ['10.1.2.3', '::ffff:10.1.2.3', 'fd12::1', '192.168.7.7']) assert.equal(more.address(one), true, one);
  for (const one of ['10.2.0.1', '192.168.7.8', '127.0.0.1']) assert.equal(more.address(one), false, one);
  assert.equal(more.name('hooks.intern'), true);
  assert.equal(more.name('evil.intern'), false);
  assert.throws(() => allowedAddresses(['10.0.0.0/8 ']), RangeError);
});

test('a server inside is never reached: not by its number, not by a name, not by one that also has an address outside, not by a redirect (atk-67)', async (t) => {
  const inside = await webServer(t, () => ({ status: 200, body: 'inside' }));
  const strict = (resolved: readonly string[]) =>
    outgoing({
      allowed: allowedAddresses(),
      clock: systemClock,
      resolve: async () => resolved.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    });
  for (const host of ['127.0.0.1', '[::ffff:127.0.0.1]', '0x7f.1', '2130706433', '[::1]']) {
    await assert.rejects(strict([])(get(`http://${host}:${inside.port}/`)), { code: 'ADDRESS_REFUSED' }, host);
  }
  for (const addresses of [['127.0.0.1'], ['8.8.8.8', '127.0.0.1'], ['::1']]) {
    await assert.rejects(strict(addresses)(get(`http://hooks.example.org:${inside.port}/`)), { code: 'ADDRESS_REFUSED' });
  }
  await assert.rejects(outgoing({ allowed: allowedAddresses(), clock: systemClock })(get(`http://localhost:${inside.port}/`)), {
    code: 'ADDRESS_REFUSED',
  });
  assert.equal(inside.requests.length, 0);

  const redirects = await webServer(t, () => ({ status: 307, headers: { location: inside.url }, body: '' }));
  const answer = await outgoing({ allowed: allowedAddresses(['127.0.0.1']), clock: systemClock })(get(redirects.url));
  assert.equal(answer.status, 307);
  assert.equal(inside.requests.length, 0);
});

test('a name is resolved once, and the connection goes to what was looked at: rebinding finds nothing to change (atk-67)', async (t) => {
  const outside = await webServer(t, () => ({ status: 200, body: 'outside' }));
  let asked = 0;
  const send = outgoing({
    allowed: allowedAddresses(['127.0.0.2']),
    clock: systemClock,
    resolve: async () => [{ address: asked++ === 0 ? '127.0.0.2' : '127.0.0.1', family: 4 }],
  });
  assert.equal((await send(get(`http://hooks.example.org:${outside.port}/`))).body.toString(), 'outside');
  assert.equal(asked, 1);
  await assert.rejects(send(get(`http://hooks.example.org:${outside.port}/`)), { code: 'ADDRESS_REFUSED' });
  assert.equal(outside.requests.length, 1);
});

test('what is no web address, or has a login in it, is refused, and no message has more of an address than its host', async () => {
  const send = outgoing({ allowed: allowedAddresses(['127.0.0.1']), clock: systemClock });
  for (const url of ['file:///etc/passwd', 'ftp://example.org/', 'gopher://x', 'javascript:1', '', 'http://ada:secret@example.org/']) {
    await assert.rejects(send(get(url)), { code: 'ADDRESS_REFUSED' }, url);
  }
  await assert.rejects(send(get('http://127.0.0.1:1/secret-path')), (error: Error) => {
    assert.equal(error.message, '127.0.0.1 cannot be reached (ECONNREFUSED)');
    return true;
  });
});

test('an answer that is too large is left, and one that does not come is waited for no longer than asked', async (t) => {
  const large = await webServer(t, () => ({ status: 200, body: 'x'.repeat(1001) }));
  const send = outgoing({ allowed: allowedAddresses(['127.0.0.1']), clock: systemClock });
  await assert.rejects(send(get(large.url)), { code: 'OUTSIDE_TOO_LARGE' });

  const clock = virtualClock();
  const silent = await webServer(t, () => {
    void clock.advance(60_000);
    return new Promise<never>(() => {});
  });
  const patient = outgoing({ allowed: allowedAddresses(['127.0.0.1']), clock });
  await assert.rejects(patient(get(silent.url)), { code: 'OUTSIDE_UNREACHABLE', message: '127.0.0.1 did not answer in time' });
  assert.equal(clock.pending(), 0);
});
