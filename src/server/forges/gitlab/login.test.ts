import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gitlab } from '@gitbeaker/rest';
import { systemClock } from '../../../lib/clock.ts';
import { forgeHttp } from '../forge-http.ts';
import { gitLabForge } from '../testing/gitlab-stand-in.ts';
import { sameRequests } from '../testing/same-requests.ts';
import { gitLabLogin } from './login.ts';

test('who somebody is, and what they may, is asked as a library that knows GitLab does', async (t) => {
  const forge = await gitLabForge();
  t.after(() => forge.server.close());
  const token = forge.token('ada');
  const http = forgeHttp({ url: forge.url, token, clock: systemClock });
  const theirs = new Gitlab({ host: forge.server.url, oauthToken: token });
  const { id } = await gitLabLogin.person(http);
  const repository = forge.add('ada/app', { admins: ['ada'] });
  await sameRequests(forge.server, {
    person: [() => gitLabLogin.person(http), () => theirs.Users.showCurrentUser()],
  });
  const before = forge.server.requests.length;
  assert.equal(await gitLabLogin.roleAt(http, repository, id), 'owner');
  const asked = forge.server.requests.slice(before).map(({ path }) => path);
  await theirs.Projects.show(repository);
  await theirs.ProjectMembers.show(repository, Number(id), { includeInherited: true });
  assert.deepEqual(
    asked,
    forge.server.requests.slice(before + 2).map(({ path }) => path),
  );
});

test('the highest level counts, wherever it comes from; guests do not see the code of what is private (atk-63)', async (t) => {
  const forge = await gitLabForge();
  t.after(() => forge.server.close());
  const http = forgeHttp({ url: forge.url, token: forge.token('ada'), clock: systemClock });
  const { id } = await gitLabLogin.person(http);
  const repository = forge.add('group/app', { admins: [] });
  const roleWith = async (project: object, access_level: number | undefined) => {
    const undo = [
      forge.server.route('GET', `/api/v4/projects/${repository}`, () => ({ status: 200, body: project })),
      forge.server.route('GET', `/api/v4/projects/${repository}/members/all/${id}`, () =>
        access_level === undefined ? { status: 404 } : { status: 200, body: { access_level } },
      ),
    ];
    const role = await gitLabLogin.roleAt(http, repository, id);
    for (const one of undo) one();
    return role;
  };
  // What a project says of the permissions in it leaves out groups that were invited.
  const seen = (visibility: string, code?: string) => ({
    visibility,
    permissions: { project_access: null, group_access: null },
    ...(code === undefined ? {} : { repository_access_level: code }),
  });
  const roles = async (project: object) => {
    const all = [];
    for (const level of [undefined, 5, 10, 20, 30, 40, 50]) all.push(await roleWith(project, level));
    return all;
  };
  const members = ['reader', 'writer', 'owner', 'owner'];
  assert.deepEqual(await roles(seen('private')), ['none', 'none', 'none', ...members]);
  assert.deepEqual(await roles(seen('internal')), ['reader', 'reader', 'reader', ...members]);
  assert.deepEqual(await roles(seen('public', 'private')), ['none', 'none', 'none', ...members]);
  assert.deepEqual(await roles(seen('public', 'enabled')), ['reader', 'reader', 'reader', ...members]);
});
