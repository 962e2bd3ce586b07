import { openGitea } from '../gitea/api.ts';
import type { ForgeStandIn } from './forge-stand-in.ts';
import { notThere, pageOf, repositoriesStandIn, type StandInRepository } from './repositories-stand-in.ts';
import type { StandInRequest } from './stand-in-server.ts';

/** Gitea, as far as it is needed: by name, but for the one path that leads from a number to a name. */
export const giteaForge = async (): Promise<ForgeStandIn> => {
  const all = await repositoriesStandIn();
  const { server, repositories, statuses, onOwn, next } = all;
  const byName = ({ params: { owner, name } }: StandInRequest) => [...repositories.values()].find((one) => one.name === `${owner}/${name}`);
  const size = { name: 'limit', most: 50 };

  const shown = ({ id, name, isPrivate, admins }: StandInRepository, login: string) => ({
    id: Number(id),
    full_name: name,
    clone_url: `${server.url}/${name}.git`,
    default_branch: 'main',
    private: isPrivate,
    internal: false,
    permissions: { admin: admins.has(login), push: admins.has(login), pull: true },
  });
  const shownHook = ({ id, url, events }: { readonly id: string; readonly url: string; readonly events: readonly string[] }) => ({
    id: Number(id),
    type: 'gitea',
    active: true,
    events,
    config: { url, content_type: 'json' },
  });

  server.route('GET', '/api/v1/user/repos', (request) => {
    const login = all.loginOf(request);
    if (login === undefined) return { status: 401, body: { message: 'token is required' } };
    return { status: 200, body: pageOf([...repositories.values()], request.query, size).map((one) => shown(one, login)) };
  });
  server.route('GET', '/api/v1/repositories/:id', (request) => {
    const [login, found] = [all.loginOf(request), repositories.get(request.params.id ?? '')];
    if (login === undefined) return { status: 401, body: { message: 'token is required' } };
    return found === undefined || (found.isPrivate && !found.admins.has(login)) ? notThere : { status: 200, body: shown(found, login) };
  });
  const place = '/api/v1/repos/:owner/:name';
  server.route(
    'GET',
    `${place}/hooks`,
    onOwn(byName, ({ hooks }, { query }) => ({ status: 200, body: pageOf([...hooks.values()], query, size).map(shownHook) })),
  );
  server.route(
    'POST',
    `${place}/hooks`,
    onOwn(byName, ({ hooks }, { body }) => {
      const { type, events, config } = JSON.parse(body.toString());
      if (type !== 'gitea') return { status: 422, body: { message: 'Invalid hook type' } };
      const id = next();
      hooks.set(id, { id, url: config.url, secret: config.secret, events });
      return { status: 201, body: shownHook({ id, url: config.url, events }) };
    }),
  );
  server.route(
    'PATCH',
    `${place}/hooks/:hook`,
    onOwn(byName, ({ hooks }, { params: { hook: id = '' }, body }) => {
      if (!hooks.has(id)) return notThere;
      const { events, config } = JSON.parse(body.toString());
      hooks.set(id, { id, url: config.url, secret: config.secret, events });
      return { status: 200, body: shownHook({ id, url: config.url, events }) };
    }),
  );
  server.route(
    'DELETE',
    `${place}/hooks/:hook`,
    onOwn(byName, ({ hooks }, { params }) => (hooks.delete(params.hook ?? '') ? { status: 204 } : notThere)),
  );
  server.route(
    'GET',
    `${place}/keys`,
    onOwn(byName, ({ keys }, { query }) => ({
      status: 200,
      body: pageOf([...keys.values()], query, size).map(({ id, title, key, isReadOnly }) => ({
        id: Number(id),
        title,
        key,
        read_only: isReadOnly,
      })),
    })),
  );
  server.route(
    'POST',
    `${place}/keys`,
    onOwn(byName, ({ keys }, { body }) => {
      const { title, key, read_only: isReadOnly = false } = JSON.parse(body.toString());
      const id = next();
      keys.set(id, { id, title, key, isReadOnly });
      return { status: 201, body: { id: Number(id), title, key, read_only: isReadOnly } };
    }),
  );
  server.route(
    'DELETE',
    `${place}/keys/:key`,
    onOwn(byName, ({ keys }, { params }) => (keys.delete(params.key ?? '') ? { status: 204 } : notThere)),
  );
  server.route(
    'POST',
    `${place}/statuses/:sha`,
    onOwn(byName, ({ id }, { params, body }) => {
      const { state, context, description, target_url: url } = JSON.parse(body.toString());
      if (!['pending', 'success', 'error', 'failure', 'warning'].includes(state)) return { status: 422, body: { message: 'state' } };
      statuses.push({ repository: id, commit: params.sha ?? '', state, context, description, url });
      return { status: 201, body: { id: 1, status: state, context } };
    }),
  );

  const { token, add, rename, hooks, keys } = all;
  return {
    kind: 'gitea',
    server,
    url: `${server.url}/api/v1`,
    open: openGitea,
    token,
    add,
    rename,
    delete: all.delete,
    hooks,
    keys,
    statuses,
  };
};
