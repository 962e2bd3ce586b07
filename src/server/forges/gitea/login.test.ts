import assert from 'node:assert/strict';
import { test } from 'node:test';
import { giteaApi } from 'gitea-js';
import { systemClock } from '../../../lib/clock.ts';
import { forgeHttp } from '../forge-http.ts';
import { giteaForge } from '../testing/gitea-stand-in.ts';
import { sameRequests } from '../testing/same-requests.ts';
import { giteaLogin } from './login.ts';

test('who somebody is, and what they may, is asked as a library that knows Gitea does', async (t) => {
  const forge = await giteaForge();
  t.after(() => forge.server.close());
  const token = forge.token('ada');
  const http = forgeHttp({ url: forge.url, token, clock: systemClock });
  const theirs = giteaApi(forge.server.url, { token });
  const { id } = await giteaLogin.person(http);
  const repository = forge.add('ada/app', { admins: ['ada'] });
  assert.equal(await giteaLogin.roleAt(http, repository, id), 'owner');
  await sameRequests(forge.server, {
    person: [() => giteaLogin.person(http), () => theirs.user.userGetCurrent()],
    role: [() => giteaLogin.roleAt(http, repository, id), () => theirs.repositories.repoGetById(Number(repository))],
  });
});
