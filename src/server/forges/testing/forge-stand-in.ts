import type { OpenForgeApi } from '../forge-api.ts';
import type { LoginWay } from '../login-way.ts';
import type { OAuthPages } from './oauth-pages.ts';
import type { StandInServer } from './stand-in-server.ts';

/** What is the same of all forges that tests have: real servers that answer as the APIs of the forges do. */
export type ForgeStandIn = {
  readonly kind: 'github' | 'gitlab' | 'gitea';
  readonly server: StandInServer;
  /** Of its API. */
  readonly url: string;
  readonly open: OpenForgeApi;
  readonly login: LoginWay;
  readonly oauth: OAuthPages;
  /** What is asked about somebody: who they are, and what they may. */
  readonly questions: { readonly person: string; readonly repository: (id: string) => string };
  /** A new account's. */
  token(login: string): string;
  /** Another one, also of a name that somebody had. */
  addUser(login: string): StandInUser;
  /** What somebody may there; `undefined`: what everybody may. */
  let(user: string, repository: string, may: StandInMay | undefined): void;
  /** Answers its number. `admins`: the accounts that may administer it. */
  add(name: string, how: { readonly admins: readonly string[]; readonly isPrivate?: boolean }): string;
  rename(id: string, name: string): void;
  delete(id: string): void;
  hooks(id: string): readonly StandInHook[];
  keys(id: string): readonly StandInKey[];
  readonly statuses: StandInStatus[];
};

/** `id` is a number. */
export type StandInUser = { readonly id: string; login: string; email?: string };
export type StandInMay = 'pull' | 'push' | 'admin';

export type StandInHook = { readonly id: string; readonly url: string; readonly secret: string; readonly events: readonly string[] };
export type StandInKey = { readonly id: string; readonly title: string; readonly key: string; readonly isReadOnly: boolean };
export type StandInStatus = {
  readonly repository: string;
  readonly commit: string;
  readonly state: string;
  readonly context: string;
  readonly description: string;
  readonly url: string;
};
