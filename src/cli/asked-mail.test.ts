import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mailOf } from './asked-mail.ts';

const from = 'ci@example.org';

test('the mail server is where CION_SMTP_URL says, at its own port or the usual one, and there is none without it', () => {
  const of = (text: string) => mailOf({ CION_SMTP_URL: text }, from).mail;
  assert.deepEqual(mailOf({}, from), {});
  assert.deepEqual(mailOf({ CION_SMTP_URL: '' }, undefined), {});
  assert.deepEqual(of('smtp://localhost'), { host: 'localhost', port: 25, security: 'none', from });
  assert.deepEqual(of('smtp+starttls://mail.example:2525'), { host: 'mail.example', port: 2525, security: 'starttls', from });
  const login = { user: 'ci@example.org', password: 'p%/ä' };
  assert.deepEqual(of('smtps://ci%40example.org:p%25%2F%C3%A4@mail.example'), {
    host: 'mail.example',
    port: 465,
    security: 'tls',
    from,
    login,
  });
});

test('what is no mail server, or a login that is no part of an address, is refused in words that have nothing of it', () => {
  for (const text of ['mail.example:25', 'http://mail.example', 'smtp://', 'smtps://ci:sesame%zz@mail.example']) {
    const isRefused = (error: Error): boolean => 'code' in error && error.code === 'USAGE' && !/sesame|example:25/.test(error.message);
    assert.throws(() => mailOf({ CION_SMTP_URL: text }, from), isRefused, text);
  }
  assert.throws(() => mailOf({ CION_SMTP_URL: 'smtp://localhost' }, undefined), /no sender/);
});
