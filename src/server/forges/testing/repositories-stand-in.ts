import type { StandInHook, StandInKey, StandInMay, StandInStatus, StandInUser } from './forge-stand-in.ts';
import { type OAuthKind, type OAuthPages, oauthPages } from './oauth-pages.ts';
import { type StandInAnswer, type StandInHandler, type StandInRequest, type StandInServer, standInServer } from './stand-in-server.ts';

/** What GitLab and Gitea of the tests share: people, repositories, and what these have. */
export type StandInRepository = {
  readonly id: string;
  name: string;
  readonly isPrivate: boolean;
  /** By the number of a user. */
  readonly may: Map<string, StandInMay>;
  readonly hooks: Map<string, StandInHook>;
  readonly keys: Map<string, StandInKey>;
};

export type RepositoriesStandIn = {
  readonly server: StandInServer;
  readonly oauth: OAuthPages;
  readonly repositories: Map<string, StandInRepository>;
  readonly statuses: StandInStatus[];
  next(): string;
  token(login: string): string;
  addUser(login: string): StandInUser;
  let(user: string, repository: string, may: StandInMay | undefined): void;
  add(name: string, how: { readonly admins: readonly string[]; readonly isPrivate?: boolean }): string;
  rename(id: string, name: string): void;
  delete(id: string): void;
  hooks(id: string): readonly StandInHook[];
  keys(id: string): readonly StandInKey[];
  /** Answers for who has a token that is good. */
  asUser(answer: (user: StandInUser, request: StandInRequest) => StandInAnswer): StandInHandler;
  /** Answers for who may administer the repository that `find` finds; others are told that there is none. */
  onOwn(
    find: (request: StandInRequest) => StandInRepository | undefined,
    answer: (repository: StandInRepository, request: StandInRequest) => StandInAnswer,
  ): StandInHandler;
};

export const notThere: StandInAnswer = { status: 404, body: { message: '404 Not Found' } };

export const repositoriesStandIn = async (kind: OAuthKind): Promise<RepositoriesStandIn> => {
  const server = await standInServer();
  const oauth = oauthPages(server, kind);
  const repositories = new Map<string, StandInRepository>();
  const users = new Map<string, StandInUser>();
  let last = 100;
  const next = (): string => String(++last);
  const addUser = (login: string): StandInUser => {
    const user = { id: next(), login };
    users.set(user.id, user);
    return user;
  };
  const called = (login: string): StandInUser => [...users.values()].find((user) => user.login === login) ?? addUser(login);
  const asUser: RepositoriesStandIn['asUser'] = (answer) => (request) => {
    const user = users.get(oauth.userOf(request) ?? '');
    return user === undefined ? { status: 401, body: { message: '401 Unauthorized' } } : answer(user, request);
  };

  return {
    server,
    oauth,
    repositories,
    statuses: [],
    next,
    addUser,
    asUser,
    token: (login) => {
      const token = `token-of-${login}-${'x'.repeat(20)}`;
      oauth.tokens.set(token, { user: called(login).id });
      return token;
    },
    let: (user, repository, may) => {
      if (may === undefined) repositories.get(repository)?.may.delete(user);
      else repositories.get(repository)?.may.set(user, may);
    },
    add: (name, { admins, isPrivate = false }) => {
      const id = next();
      const may = new Map(admins.map((login) => [called(login).id, 'admin' as const]));
      repositories.set(id, { id, name, isPrivate, may, hooks: new Map(), keys: new Map() });
      return id;
    },
    rename: (id, name) => {
      const repository = repositories.get(id);
      if (repository !== undefined) repository.name = name;
    },
    delete: (id) => void repositories.delete(id),
    hooks: (id) => [...(repositories.get(id)?.hooks.values() ?? [])],
    keys: (id) => [...(repositories.get(id)?.keys.values() ?? [])],
    onOwn: (find, answer) =>
      asUser((user, request) => {
        const found = find(request);
        return found === undefined || found.may.get(user.id) !== 'admin' ? notThere : answer(found, request);
      }),
  };
};

/** What somebody sees of it; `undefined`: nothing. */
export const mayOf = ({ may, isPrivate }: StandInRepository, { id }: StandInUser): StandInMay | undefined =>
  may.get(id) ?? (isPrivate ? undefined : 'pull');

export const pageOf = <T>(
  all: readonly T[],
  query: URLSearchParams,
  size: { readonly name: string; readonly most: number },
): readonly T[] => {
  const count = Math.min(size.most, Number(query.get(size.name) ?? 20));
  const page = Number(query.get('page') ?? 1);
  return all.slice((page - 1) * count, page * count);
};
