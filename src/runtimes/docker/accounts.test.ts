import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountOf, placed } from './accounts.ts';

const databases = {
  passwd:
    'root:x:0:0:root:/root:/bin/sh\nworker:x:1500:1600::/home/worker:/bin/sh\n42:x:7:8::/home/42:/bin/sh\nhomeless:x:9:9::\n\nbroken\n',
  group: 'crew:x:1700:worker\n',
};
const none = { passwd: '', group: '' };

test('a user is found by name, by number, and with a group of either', () => {
  const worker = { uid: 1500, gid: 1600, home: '/home/worker' };
  for (const user of ['worker', '1500', '01500', 'worker:']) assert.deepEqual(accountOf(user, databases), worker, user);
  assert.deepEqual(accountOf('worker:crew', databases), { ...worker, gid: 1700 });
  assert.deepEqual(accountOf('1500:77', databases), { ...worker, gid: 77 });
  assert.deepEqual(accountOf('42', databases), { uid: 7, gid: 8, home: '/home/42' });
});

test('nobody said is root, and a number that the image does not know has no home', () => {
  for (const user of ['', '0', 'root']) assert.deepEqual(accountOf(user, databases), { uid: 0, gid: 0, home: '/root' }, user);
  assert.deepEqual(accountOf('', none), { uid: 0, gid: 0, home: '/root' });
  assert.deepEqual(accountOf('1234', databases), { uid: 1234, gid: 0, home: '/' });
  assert.deepEqual(accountOf('homeless', databases), { uid: 9, gid: 9, home: '/' });
});

test('~ stands for the home at the beginning of a path only (R-DCK-37)', () => {
  const account = accountOf('worker', databases);
  assert.deepEqual(
    ['~', '~/a b', '/x/~/y', '/~', '~other'].map((path) => placed(path, account)),
    ['/home/worker', '/home/worker/a b', '/x/~/y', '/~', '~other'],
  );
});
