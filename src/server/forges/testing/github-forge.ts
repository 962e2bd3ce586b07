import { openGitHub } from '../github/api.ts';
import { gitHubLogin } from '../github/login.ts';
import type { ForgeStandIn } from './forge-stand-in.ts';
import { type GithubHook, type GithubRepository, githubStandIn } from './github-stand-in.ts';
import type { StandInAnswer, StandInHandler } from './stand-in-server.ts';

/** The GitHub of the tests with what a connected repository needs besides: hooks that are changed, and statuses. */
export const gitHubForge = async (): Promise<ForgeStandIn> => {
  const github = await githubStandIn();
  const statuses: ForgeStandIn['statuses'] = [];

  const onOwn =
    (answer: (repository: GithubRepository, request: Parameters<StandInHandler>[0]) => StandInAnswer): StandInHandler =>
    (request) => {
      const user = github.userOf(request);
      if (user === undefined) return { status: 401, body: { message: 'Bad credentials' } };
      const found = [...github.repositories.values()].find((one) => one.fullName === `${request.params.owner}/${request.params.name}`);
      return found === undefined || github.mayOf(user, found) !== 'admin' ? notFound : answer(found, request);
    };

  github.route(
    'PATCH',
    '/repos/:owner/:name/hooks/:hook',
    onOwn((repository, { params, body }) => {
      const hook = github.hooks.get(Number(params.hook));
      if (hook?.repository !== repository.id) return notFound;
      const asked = JSON.parse(body.toString()) as Pick<GithubHook, 'config' | 'events'>;
      github.hooks.set(hook.id, { ...hook, ...asked });
      return { status: 200, body: { id: hook.id, events: asked.events, config: { ...asked.config, secret: '********' } } };
    }),
  );
  github.route(
    'POST',
    '/repos/:owner/:name/statuses/:sha',
    onOwn((repository, { params, body }) => {
      const { state, context, description, target_url: url } = JSON.parse(body.toString());
      if (!['error', 'failure', 'pending', 'success'].includes(state) || description.length > 140) return { status: 422, body: {} };
      statuses.push({ repository: String(repository.id), commit: params.sha ?? '', state, context, description, url });
      return { status: 201, body: { state, context } };
    }),
  );

  const of = <T extends { readonly repository: number }>(all: ReadonlyMap<number, T>, id: string): readonly T[] =>
    [...all.values()].filter(({ repository }) => String(repository) === id);
  const userOf = (login: string) => [...github.users.values()].find((user) => user.login === login) ?? github.addUser(login);
  return {
    kind: 'github',
    server: github,
    url: github.url,
    open: openGitHub,
    login: gitHubLogin,
    oauth: github.oauth,
    questions: { person: '/user', repository: (id) => `/repositories/${id}` },
    addUser: (login) => {
      const user = github.addUser(login);
      return {
        id: String(user.id),
        get login() {
          return user.login;
        },
        set login(name) {
          user.login = name;
        },
        get email() {
          return user.email ?? '';
        },
        set email(email) {
          user.email = email;
        },
      };
    },
    let: (user, repository, may) => {
      const found = github.repositories.get(Number(repository));
      if (may === undefined) found?.may.delete(Number(user));
      else found?.may.set(Number(user), may);
    },
    token: (login) => {
      const token = `gho_${login}_${'x'.repeat(20)}`;
      github.oauth.tokens.set(token, { user: String(userOf(login).id) });
      return token;
    },
    add: (name, { admins, isPrivate = false }) => {
      const repository = github.addRepository(name, { isPrivate });
      for (const login of admins) repository.may.set(userOf(login).id, 'admin');
      return String(repository.id);
    },
    rename: (id, name) => {
      const repository = github.repositories.get(Number(id));
      if (repository !== undefined) repository.fullName = name;
    },
    delete: (id) => void github.repositories.delete(Number(id)),
    hooks: (id) =>
      of(github.hooks, id).map((hook) => ({
        id: String(hook.id),
        url: hook.config.url,
        secret: hook.config.secret ?? '',
        events: hook.events,
      })),
    keys: (id) => of(github.keys, id).map((key) => ({ id: String(key.id), title: key.title, key: key.key, isReadOnly: key.read_only })),
    statuses,
  };
};

const notFound: StandInAnswer = { status: 404, body: { message: 'Not Found' } };
