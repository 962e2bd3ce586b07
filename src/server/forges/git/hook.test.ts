import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { git } from './hook.ts';

const secret = 'the secret';
const hash = 'a'.repeat(40);
const call = { ref: 'refs/heads/main', old: '0'.repeat(40), new: hash, at: 1_700_000_000 };
const json = (fields: object, headers: Readonly<Record<string, string>> = { authorization: `Bearer ${secret}` }) => ({
  headers: { 'content-type': 'application/json', ...headers },
  body: Buffer.from(JSON.stringify(fields)),
});

test('a call of a hook of any git server is read from JSON and from a form', () => {
  const push = { kind: 'push', ref: call.ref, commit: hash, commits: [], isWhole: false, by: 'ada' };
  assert.deepEqual(git.read(json({ ...call, by: 'ada' })), { kind: 'read', event: push });
  const form = Buffer.from(new URLSearchParams({ ...call, by: 'ada', at: String(call.at) }).toString());
  assert.deepEqual(git.read({ headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: form }), {
    kind: 'read',
    event: push,
  });
});

test('a tag is told with the commit that it names, the end of a branch as that', () => {
  const told = git.read(json({ ...call, ref: 'refs/tags/v1', commit: 'b'.repeat(40) }));
  assert.deepEqual(told.kind === 'read' && told.event, { kind: 'tag', ref: 'refs/tags/v1', commit: 'b'.repeat(40), by: 'git' });
  const ended = git.read(json({ ...call, new: '0'.repeat(40) }));
  assert.deepEqual(ended.kind === 'read' && ended.event, { kind: 'ref-deleted', ref: call.ref });
});

test('only who signs the body or says the secret is genuine, and the body says when (atk-01, atk-02)', () => {
  const signedAt = call.at * 1000;
  assert.deepEqual(git.verify(json(call), secret), { genuine: true, signedAt });
  const mac = createHmac('sha256', secret).update(json(call).body).digest('hex');
  assert.deepEqual(git.verify(json(call, { 'x-cion-signature': `sha256=${mac}` }), secret), { genuine: true, signedAt });
  assert.equal(git.verify(json({ ...call, at: call.at + 1 }, { 'x-cion-signature': `sha256=${mac}` }), secret).genuine, false);
  assert.deepEqual(git.verify(json({ ...call, at: undefined }), secret), { genuine: true, signedAt: 0 });
  for (const headers of [
    {},
    { authorization: secret },
    { authorization: 'Bearer ' },
    { authorization: `Bearer ${secret}`, 'x-cion-signature': 'sha256=00' },
  ]) {
    assert.equal(git.verify(json(call, headers), secret).genuine, false, JSON.stringify(headers));
  }
});

test('what is no ref or no hash is not read (atk-06)', () => {
  for (const fields of [
    { ...call, ref: 'main' },
    { ...call, new: 'HEAD' },
    { ...call, at: 'now' },
    { ...call, ref: 'refs/heads/a b' },
    null,
    7,
  ]) {
    assert.equal(git.read(json(fields as object)).kind, 'unreadable', JSON.stringify(fields));
  }
  assert.equal(git.read({ headers: { 'content-type': 'application/json' }, body: Buffer.from('{') }).kind, 'unreadable');
});
