import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wayBack } from './way-back.ts';

const origin = 'https://ci.example.org';

test('after a login the browser comes back to the page that it left', () => {
  assert.equal(wayBack('/acme/shop/runs/7?tab=log#build', origin), `${origin}/acme/shop/runs/7?tab=log#build`);
  assert.equal(wayBack(undefined, origin), `${origin}/`);
});

test('atk-63: no address leads a login to another place, or to a call of the API', () => {
  const bad = [
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    '\\\\evil.example',
    'javascript:alert(1)',
    ' //evil.example',
    '@evil.example',
    '.evil.example',
    '/api/auth/logout',
    '/x/../api/auth/logout',
  ];
  for (const asked of bad) assert.equal(wayBack(asked, origin), `${origin}/`, asked);
  for (const asked of ['/.//evil.example', '/%2F/evil.example', '/%5Cevil.example', '/@evil.example']) {
    assert.equal(new URL(wayBack(asked, origin), origin).origin, origin, asked);
    assert.ok(wayBack(asked, origin).startsWith(`${origin}/`), asked);
  }
});
