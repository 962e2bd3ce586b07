import { openGitLab } from '../gitlab/api.ts';
import type { ForgeStandIn } from './forge-stand-in.ts';
import { notThere, pageOf, repositoriesStandIn, type StandInRepository } from './repositories-stand-in.ts';

/** GitLab, as far as it is needed. `signs`: whether it knows signing tokens; an older one takes no notice of them. */
export const gitLabForge = async ({ signs = true }: { readonly signs?: boolean } = {}): Promise<ForgeStandIn> => {
  const all = await repositoriesStandIn();
  const { server, repositories, statuses, onOwn, next } = all;
  const byId = ({ params }: { readonly params: Readonly<Record<string, string>> }) => repositories.get(params.id ?? '');
  const size = { name: 'per_page', most: 100 };

  const shown = ({ id, name, isPrivate, admins }: StandInRepository, login: string) => ({
    id: Number(id),
    path_with_namespace: name,
    http_url_to_repo: `${server.url}/${name}.git`,
    default_branch: 'main',
    visibility: isPrivate ? 'private' : 'public',
    permissions: { project_access: admins.has(login) ? { access_level: 40 } : null, group_access: null },
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

  server.route('GET', '/api/v4/projects', (request) => {
    const login = all.loginOf(request);
    if (login === undefined) return { status: 401, body: { message: '401 Unauthorized' } };
    const own = [...repositories.values()].filter(({ admins }) => admins.has(login));
    return { status: 200, body: pageOf(own, request.query, size).map((one) => shown(one, login)) };
  });
  server.route('GET', '/api/v4/projects/:id', (request) => {
    const [login, found] = [all.loginOf(request), byId(request)];
    if (login === undefined) return { status: 401, body: { message: '401 Unauthorized' } };
    return found === undefined || (found.isPrivate && !found.admins.has(login)) ? notThere : { status: 200, body: shown(found, login) };
  });
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

  const { token, add, rename, hooks, keys } = all;
  return {
    kind: 'gitlab',
    server,
    url: `${server.url}/api/v4`,
    open: openGitLab,
    token,
    add,
    rename,
    delete: all.delete,
    hooks,
    keys,
    statuses,
  };
};
