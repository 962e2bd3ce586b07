import type { StandInHook, StandInKey, StandInStatus } from './forge-stand-in.ts';
import { type StandInAnswer, type StandInHandler, type StandInRequest, type StandInServer, standInServer } from './stand-in-server.ts';

/** What GitLab and Gitea of the tests share: accounts, repositories, and what these have. */
export type StandInRepository = {
  readonly id: string;
  name: string;
  readonly isPrivate: boolean;
  readonly admins: ReadonlySet<string>;
  readonly hooks: Map<string, StandInHook>;
  readonly keys: Map<string, StandInKey>;
};

export type RepositoriesStandIn = {
  readonly server: StandInServer;
  readonly repositories: Map<string, StandInRepository>;
  readonly statuses: StandInStatus[];
  next(): string;
  token(login: string): string;
  add(name: string, how: { readonly admins: readonly string[]; readonly isPrivate?: boolean }): string;
  rename(id: string, name: string): void;
  delete(id: string): void;
  hooks(id: string): readonly StandInHook[];
  keys(id: string): readonly StandInKey[];
  /** Answers for who may administer the repository that `find` finds; others are told that there is none. */
  onOwn(
    find: (request: StandInRequest) => StandInRepository | undefined,
    answer: (repository: StandInRepository, request: StandInRequest) => StandInAnswer,
  ): StandInHandler;
  loginOf(request: StandInRequest): string | undefined;
};

export const notThere: StandInAnswer = { status: 404, body: { message: '404 Not Found' } };

export const repositoriesStandIn = async (): Promise<RepositoriesStandIn> => {
  const server = await standInServer();
  const repositories = new Map<string, StandInRepository>();
  const tokens = new Map<string, string>();
  let last = 100;
  const next = (): string => String(++last);
  const loginOf = ({ headers }: StandInRequest): string | undefined =>
    tokens.get(/^(?:Bearer|token) (\S+)$/.exec(headers.authorization ?? '')?.[1] ?? '');

  return {
    server,
    repositories,
    statuses: [],
    next,
    loginOf,
    token: (login) => {
      const token = `token-of-${login}-${'x'.repeat(20)}`;
      tokens.set(token, login);
      return token;
    },
    add: (name, { admins, isPrivate = false }) => {
      const id = next();
      repositories.set(id, { id, name, isPrivate, admins: new Set(admins), hooks: new Map(), keys: new Map() });
      return id;
    },
    rename: (id, name) => {
      const repository = repositories.get(id);
      if (repository !== undefined) repository.name = name;
    },
    delete: (id) => void repositories.delete(id),
    hooks: (id) => [...(repositories.get(id)?.hooks.values() ?? [])],
    keys: (id) => [...(repositories.get(id)?.keys.values() ?? [])],
    onOwn: (find, answer) => (request) => {
      const login = loginOf(request);
      if (login === undefined) return { status: 401, body: { message: '401 Unauthorized' } };
      const found = find(request);
      return found === undefined || !found.admins.has(login) ? notThere : answer(found, request);
    },
  };
};

export const pageOf = <T>(
  all: readonly T[],
  query: URLSearchParams,
  size: { readonly name: string; readonly most: number },
): readonly T[] => {
  const count = Math.min(size.most, Number(query.get(size.name) ?? 20));
  const page = Number(query.get('page') ?? 1);
  return all.slice((page - 1) * count, page * count);
};
