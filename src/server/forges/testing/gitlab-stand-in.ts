import { openGitLab } from '../gitlab/api.ts';
import { gitLabLogin } from '../gitlab/login.ts';
import type { ForgeStandIn, StandInMay, StandInUser } from './forge-stand-in.ts';
import { mayOf, notThere, pageOf, repositoriesStandIn, type StandInRepository } from './repositories-stand-in.ts';

/** GitLab, as far as it is needed. `signs`: whether it knows signing tokens; an older one takes no notice of them. */
export const gitLabForge = async ({ signs = true }: { readonly signs?: boolean } = {}): Promise<ForgeStandIn> => {
  const paths = { authorize: '/oauth/authorize', token: '/oauth/token' };
  const all = await repositoriesStandIn({ paths, refusal: 400, livesMs: 7_200_000 });
  const { server, oauth, repositories, statuses, asUser, onOwn, next } = all;
  const byId = ({ params }: { readonly params: Readonly<Record<string, string>> }) => repositories.get(params.id ?? '');
  const size = { name: 'per_page', most: 100 };

  const shown = ({ id, name, isPrivate, may }: StandInRepository, user: StandInUser) => ({
    id: Number(id),
    path_with_namespace: name,
    http_url_to_repo: `https://forge.example/${name}.git`,
    ssh_url_to_repo: `git@forge.example:${name}.git`,
    default_branch: 'main',
    visibility: isPrivate ? 'private' : 'public',
    repository_access_level: 'enabled',
    permissions: { project_access: levelOf(may.get(user.id)), group_access: null },
  });
  const shownHook = (hook: { readonly id: string; readonly url: string; readonly secret: string }) => ({
    id: Number(hook.id),
    url: hook.url,
    push_events: true,
    ...(signs ? { token_present: !hook.secret.startsWith('whsec_'), signing_token_present: hook.secret.startsWith('whsec_') } : {}),
  });
  const hookOf = (id: string, body: Buffer) => {
    const { url, token = '', signing_token: signing, ...events } = JSON.parse(body.toString());
    const secret = signs && signing !== undefined ? signing : token;
    return { id, url, secret, events: Object.keys(events).filter((name) => name.endsWith('_events') && events[name]) };
  };

  server.route(
    'GET',
    '/api/v4/user',
    asUser(({ id, login, email = '' }) => ({ status: 200, body: { id: Number(id), username: login, email, state: 'active' } })),
  );
  server.route(
    'GET',
    '/api/v4/projects',
    asUser((user, { query }) => {
      const own = [...repositories.values()].filter(({ may }) => may.get(user.id) === 'admin');
      return { status: 200, body: pageOf(own, query, size).map((one) => shown(one, user)) };
    }),
  );
  server.route(
    'GET',
    '/api/v4/projects/:id',
    asUser((user, request) => {
      const found = byId(request);
      return found === undefined || mayOf(found, user) === undefined ? notThere : { status: 200, body: shown(found, user) };
    }),
  );
  server.route(
    'GET',
    '/api/v4/projects/:id/members/all/:member',
    asUser((user, request) => {
      const found = byId(request);
      const level = levelOf(found?.may.get(request.params.member ?? ''));
      if (found === undefined || mayOf(found, user) === undefined || level === null) return notThere;
      return { status: 200, body: { id: Number(request.params.member), username: user.login, ...level } };
    }),
  );
  server.route(
    'GET',
    '/api/v4/projects/:id/hooks',
    onOwn(byId, ({ hooks }, { query }) => ({ status: 200, body: pageOf([...hooks.values()], query, size).map(shownHook) })),
  );
  server.route(
    'POST',
    '/api/v4/projects/:id/hooks',
    onOwn(byId, ({ hooks }, { body }) => {
      const hook = hookOf(next(), body);
      hooks.set(hook.id, hook);
      return { status: 201, body: shownHook(hook) };
    }),
  );
  server.route(
    'PUT',
    '/api/v4/projects/:id/hooks/:hook',
    onOwn(byId, ({ hooks }, { params: { hook: id = '' }, body }) => {
      if (!hooks.has(id)) return notThere;
      const hook = hookOf(id, body);
      hooks.set(id, hook);
      return { status: 200, body: shownHook(hook) };
    }),
  );
  server.route(
    'DELETE',
    '/api/v4/projects/:id/hooks/:hook',
    onOwn(byId, ({ hooks }, { params }) => (hooks.delete(params.hook ?? '') ? { status: 204 } : notThere)),
  );
  server.route(
    'GET',
    '/api/v4/projects/:id/deploy_keys',
    onOwn(byId, ({ keys }, { query }) => ({
      status: 200,
      body: pageOf([...keys.values()], query, size).map(({ id, title, key, isReadOnly }) => ({
        id: Number(id),
        title,
        key,
        can_push: !isReadOnly,
      })),
    })),
  );
  server.route(
    'POST',
    '/api/v4/projects/:id/deploy_keys',
    onOwn(byId, ({ keys }, { body }) => {
      const { title, key, can_push: canPush = false } = JSON.parse(body.toString());
      const id = next();
      keys.set(id, { id, title, key, isReadOnly: !canPush });
      return { status: 201, body: { id: Number(id), title, key, can_push: canPush } };
    }),
  );
  server.route(
    'DELETE',
    '/api/v4/projects/:id/deploy_keys/:key',
    onOwn(byId, ({ keys }, { params }) => (keys.delete(params.key ?? '') ? { status: 204 } : notThere)),
  );
  server.route(
    'POST',
    '/api/v4/projects/:id/statuses/:sha',
    onOwn(byId, ({ id }, { params, query, body }) => {
      const given = { ...Object.fromEntries(query), ...(body.length === 0 ? {} : JSON.parse(body.toString())) };
      const { state, name: context, description, target_url: url } = given;
      if (!['pending', 'running', 'success', 'failed', 'canceled'].includes(state)) return { status: 400, body: { message: 'state' } };
      statuses.push({ repository: id, commit: params.sha ?? '', state, context, description, url });
      return { status: 201, body: { id: 1, status: state, name: context } };
    }),
  );

  const { token, add, addUser, rename, hooks, keys } = all;
  return {
    kind: 'gitlab',
    server,
    url: `${server.url}/api/v4`,
    open: openGitLab,
    login: gitLabLogin,
    oauth,
    questions: { person: '/api/v4/user', repository: (id) => `/api/v4/projects/${id}` },
    token,
    addUser,
    let: all.let,
    add,
    rename,
    delete: all.delete,
    hooks,
    keys,
    statuses,
  };
};

const levels = { pull: 20, push: 30, admin: 40 } as const;

const levelOf = (may: StandInMay | undefined) => (may === undefined ? null : { access_level: levels[may] });
