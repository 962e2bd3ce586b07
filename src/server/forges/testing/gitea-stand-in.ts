import { openGitea } from '../gitea/api.ts';
import { giteaLogin } from '../gitea/login.ts';
import type { ForgeStandIn, StandInUser } from './forge-stand-in.ts';
import { mayOf, notThere, pageOf, repositoriesStandIn, type StandInRepository } from './repositories-stand-in.ts';
import type { StandInRequest } from './stand-in-server.ts';

/** Gitea, as far as it is needed: by name, but for the one path that leads from a number to a name. */
export const giteaForge = async (): Promise<ForgeStandIn> => {
  const paths = { authorize: '/login/oauth/authorize', token: '/login/oauth/access_token' };
  const all = await repositoriesStandIn({ paths, refusal: 400, livesMs: 3_600_000 });
  const { server, oauth, repositories, statuses, asUser, onOwn, next } = all;
  const byName = ({ params: { owner, name } }: StandInRequest) => [...repositories.values()].find((one) => one.name === `${owner}/${name}`);
  const size = { name: 'limit', most: 50 };

  const shown = (repository: StandInRepository, user: StandInUser) => ({
    id: Number(repository.id),
    full_name: repository.name,
    clone_url: `https://forge.example/${repository.name}.git`,
    ssh_url: `git@forge.example:${repository.name}.git`,
    default_branch: 'main',
    private: repository.isPrivate,
    internal: false,
    permissions: {
      admin: mayOf(repository, user) === 'admin',
      push: ['admin', 'push'].includes(mayOf(repository, user) ?? ''),
      pull: mayOf(repository, user) !== undefined,
    },
  });
  const shownHook = ({ id, url, events }: { readonly id: string; readonly url: string; readonly events: readonly string[] }) => ({
    id: Number(id),
    type: 'gitea',
    active: true,
    events,
    config: { url, content_type: 'json' },
  });

  server.route(
    'GET',
    '/api/v1/user',
    asUser(({ id, login, email = '' }) => ({ status: 200, body: { id: Number(id), login, username: login, email } })),
  );
  server.route(
    'GET',
    '/api/v1/user/repos',
    asUser((user, { query }) => ({ status: 200, body: pageOf([...repositories.values()], query, size).map((one) => shown(one, user)) })),
  );
  server.route(
    'GET',
    '/api/v1/repositories/:id',
    asUser((user, { params }) => {
      const found = repositories.get(params.id ?? '');
      return found === undefined || mayOf(found, user) === undefined ? notThere : { status: 200, body: shown(found, user) };
    }),
  );
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

  const { token, add, addUser, rename, hooks, keys } = all;
  return {
    kind: 'gitea',
    server,
    url: `${server.url}/api/v1`,
    open: openGitea,
    login: giteaLogin,
    oauth,
    questions: { person: '/api/v1/user', repository: (id) => `/api/v1/repositories/${id}` },
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
