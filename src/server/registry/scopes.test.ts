import assert from 'node:assert/strict';
import { test } from 'node:test';
import { narrow, parseScopes, projectOf } from './scopes.ts';

test('scopes are read as registries write them, several in one text too, and only pulls and pushes of repositories count', () => {
  assert.deepEqual(parseScopes(['repository:acme/shop:pull,push']), [{ repository: 'acme/shop', actions: ['pull', 'push'] }]);
  assert.deepEqual(parseScopes(['repository:acme/a:pull repository(plugin):acme/b:push', 'repository:acme/c:push,push']), [
    { repository: 'acme/a', actions: ['pull'] },
    { repository: 'acme/b', actions: ['push'] },
    { repository: 'acme/c', actions: ['push'] },
  ]);
  const none = [
    '',
    'registry:catalog:*',
    'repository:acme/shop:*',
    'repository:acme/shop:delete',
    'repository:acme/shop:',
    'repository:acme/shop',
    'repository:Acme/shop:pull',
    'repository:../shop:pull',
    'repository:acme//shop:pull',
    'repository::pull',
    'repository:host:5000/acme:pull',
    `repository:${'a/'.repeat(130)}a:pull`,
  ];
  for (const text of none) assert.deepEqual(parseScopes([text]), [], text);
});

test('a repository belongs to the project of its name or above it, the nearest one (R-WRK-54)', () => {
  const projects = ['acme/shop', 'acme/shop/api', 'Big/Name', 'two/times', 'Two/Times'];
  assert.equal(projectOf('acme/shop', projects, ''), 'acme/shop');
  assert.equal(projectOf('acme/shop/web', projects, ''), 'acme/shop');
  assert.equal(projectOf('acme/shop/api/deep', projects, ''), 'acme/shop/api');
  assert.equal(projectOf('big/name', projects, ''), 'Big/Name');
  assert.equal(projectOf('two/times', projects, ''), undefined);
  assert.equal(projectOf('acme/shopping', projects, ''), undefined);
  assert.equal(projectOf('acme', projects, ''), undefined);
  assert.equal(projectOf('cion/acme/shop', projects, 'cion'), 'acme/shop');
  assert.equal(projectOf('acme/shop', projects, 'cion'), undefined);
  assert.equal(projectOf('cionacme/shop', projects, 'cion'), undefined);
});

test('what may not be is left out, action by action', async () => {
  const scopes = [
    { repository: 'acme/a', actions: ['pull', 'push'] },
    { repository: 'acme/b', actions: ['push'] },
  ] as const;
  assert.deepEqual(await narrow(scopes, async (action) => action === 'pull'), {
    granted: [{ repository: 'acme/a', actions: ['pull'] }],
    refused: [
      { repository: 'acme/a', actions: ['push'] },
      { repository: 'acme/b', actions: ['push'] },
    ],
  });
});
