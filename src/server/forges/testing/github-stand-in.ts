import { type OAuthPages, oauthPages } from './oauth-pages.ts';
import { type StandInAnswer, type StandInHandler, type StandInRequest, standInServer, type StandInServer } from './stand-in-server.ts';

/**
 * GitHub, as far as it is needed: its OAuth pages (`/login/oauth/…`), users, repositories, hooks and deploy keys. `url` is both its own and that of its API.
 * What it knows is plain data that a test changes; further routes are added with `route`, where `userOf` says whose token it was.
 */
export type GithubStandIn = StandInServer & {
  readonly users: Map<number, GithubUser>;
  readonly repositories: Map<number, GithubRepository>;
  readonly hooks: Map<number, GithubHook>;
  readonly keys: Map<number, GithubKey>;
  readonly oauth: OAuthPages;
  addUser(login: string): GithubUser;
  addRepository(fullName: string, more?: Partial<Pick<GithubRepository, 'isPrivate' | 'defaultBranch' | 'cloneUrl'>>): GithubRepository;
  userOf(request: StandInRequest): GithubUser | undefined;
  mayOf(user: GithubUser, repository: GithubRepository): GithubMay;
};

export type GithubMay = 'nothing' | 'pull' | 'push' | 'admin';
export type GithubUser = { readonly id: number; login: string; email?: string };
export type GithubRepository = {
  readonly id: number;
  fullName: string;
  isPrivate: boolean;
  defaultBranch: string;
  cloneUrl: string;
  /** By user; of a public one everybody else may pull. */
  readonly may: Map<number, GithubMay>;
};
export type GithubHook = {
  readonly id: number;
  readonly repository: number;
  readonly events: readonly string[];
  readonly config: { readonly url: string; readonly secret?: string; readonly content_type?: string };
};
export type GithubKey = {
  readonly id: number;
  readonly repository: number;
  readonly title: string;
  readonly key: string;
  readonly read_only: boolean;
};

export const githubStandIn = async (): Promise<GithubStandIn> => {
  const server = await standInServer();
  let last = 1000;
  const paths = { authorize: '/login/oauth/authorize', token: '/login/oauth/access_token' };
  const oauth = oauthPages(server, { paths, refusal: 200 });
  const github: GithubStandIn = {
    ...server,
    users: new Map(),
    repositories: new Map(),
    hooks: new Map(),
    keys: new Map(),
    oauth,
    addUser: (login) => {
      const user: GithubUser = { id: ++last, login };
      github.users.set(user.id, user);
      return user;
    },
    addRepository: (fullName, more = {}) => {
      const repository: GithubRepository = {
        id: ++last,
        fullName,
        isPrivate: false,
        defaultBranch: 'main',
        cloneUrl: `https://forge.example/${fullName}.git`,
        may: new Map(),
        ...more,
      };
      github.repositories.set(repository.id, repository);
      return repository;
    },
    userOf: (request) => github.users.get(Number(oauth.userOf(request))),
    mayOf: (user, repository) => repository.may.get(user.id) ?? (repository.isPrivate ? 'nothing' : 'pull'),
  };

  const asUser =
    (answer: (user: GithubUser, request: StandInRequest) => StandInAnswer): StandInHandler =>
    (request) => {
      const user = github.userOf(request);
      return user === undefined ? { status: 401, body: { message: 'Bad credentials' } } : answer(user, request);
    };

  const onRepository = (
    needs: 'pull' | 'admin',
    answer: (repository: GithubRepository, request: StandInRequest, user: GithubUser) => StandInAnswer,
  ) =>
    asUser((user, request) => {
      const { id, owner, name } = request.params;
      const found = [...github.repositories.values()].find((one) => String(one.id) === id || one.fullName === `${owner}/${name}`);
      const may = found === undefined ? 'nothing' : github.mayOf(user, found);
      if (found === undefined || may === 'nothing' || (needs === 'admin' && may !== 'admin')) return notFound;
      return answer(found, request, user);
    });

  const shown = (repository: GithubRepository, user: GithubUser) => {
    const may = github.mayOf(user, repository);
    const [login = '', name = ''] = repository.fullName.split('/');
    return {
      id: repository.id,
      name,
      full_name: repository.fullName,
      owner: { login, id: [...github.users.values()].find((one) => one.login === login)?.id ?? 1, type: 'User' },
      private: repository.isPrivate,
      visibility: repository.isPrivate ? 'private' : 'public',
      default_branch: repository.defaultBranch,
      clone_url: repository.cloneUrl,
      ssh_url: `git@forge.example:${repository.fullName}.git`,
      permissions: { admin: may === 'admin', push: may === 'admin' || may === 'push', pull: may !== 'nothing' },
    };
  };

  server.route(
    'GET',
    '/user',
    asUser((user) => ({ status: 200, body: { id: user.id, login: user.login, email: user.email ?? null, type: 'User' } })),
  );

  server.route(
    'GET',
    '/user/repos',
    asUser((user, { query, path }) => {
      const all = [...github.repositories.values()].filter((one) => one.may.has(user.id) && github.mayOf(user, one) !== 'nothing');
      return paged(
        all.map((one) => shown(one, user)),
        query,
        `${server.url}${path}`,
      );
    }),
  );

  const oneRepository = onRepository('pull', (repository, _request, user) => ({ status: 200, body: shown(repository, user) }));
  server.route('GET', '/repositories/:id', oneRepository);
  server.route('GET', '/repos/:owner/:name', oneRepository);

  const lists = [
    { kind: 'hooks', all: github.hooks as Map<number, { readonly id: number; readonly repository: number }> },
    { kind: 'keys', all: github.keys as Map<number, { readonly id: number; readonly repository: number }> },
  ];
  for (const { kind, all } of lists) {
    const of = ({ id }: GithubRepository) => [...all.values()].filter((one) => one.repository === id);
    server.route(
      'GET',
      `/repos/:owner/:name/${kind}`,
      onRepository('admin', (repository, { query, path }) => paged(of(repository), query, `${server.url}${path}`)),
    );
    server.route(
      'DELETE',
      `/repos/:owner/:name/${kind}/:which`,
      onRepository('admin', (repository, { params }) => {
        const found = of(repository).find(({ id }) => String(id) === params.which);
        return found !== undefined && all.delete(found.id) ? { status: 204 } : notFound;
      }),
    );
  }

  server.route(
    'POST',
    '/repos/:owner/:name/hooks',
    onRepository('admin', (repository, { body }) => {
      const asked = JSON.parse(body.toString()) as Pick<GithubHook, 'config' | 'events'>;
      if ([...github.hooks.values()].some((one) => one.repository === repository.id && one.config.url === asked.config.url)) {
        return { status: 422, body: { message: 'Validation Failed', errors: [{ message: 'Hook already exists on this repository' }] } };
      }
      const hook: GithubHook = { id: ++last, repository: repository.id, events: asked.events, config: asked.config };
      github.hooks.set(hook.id, hook);
      return { status: 201, body: { id: hook.id, active: true, events: hook.events, config: { ...hook.config, secret: '********' } } };
    }),
  );

  server.route(
    'POST',
    '/repos/:owner/:name/keys',
    onRepository('admin', (repository, { body }) => {
      const asked = JSON.parse(body.toString()) as Pick<GithubKey, 'title' | 'key'> & { readonly read_only?: boolean };
      if ([...github.keys.values()].some(({ key }) => key === asked.key)) {
        return { status: 422, body: { message: 'Validation Failed', errors: [{ message: 'key is already in use' }] } };
      }
      const key: GithubKey = {
        id: ++last,
        repository: repository.id,
        title: asked.title,
        key: asked.key,
        read_only: asked.read_only ?? false,
      };
      github.keys.set(key.id, key);
      return { status: 201, body: key };
    }),
  );

  return github;
};

const notFound: StandInAnswer = { status: 404, body: { message: 'Not Found' } };

const paged = (all: readonly object[], query: URLSearchParams, url: string): StandInAnswer => {
  const size = Math.min(100, Number(query.get('per_page') ?? 30));
  const page = Number(query.get('page') ?? 1);
  const more = all.length > page * size;
  const next = new URLSearchParams({ ...Object.fromEntries(query), page: String(page + 1) });
  return {
    status: 200,
    body: all.slice((page - 1) * size, page * size),
    ...(more ? { headers: { link: `<${url}?${next.toString()}>; rel="next"` } } : {}),
  };
};
