import type { OpenForgeApi } from '../forge-api.ts';
import type { StandInServer } from './stand-in-server.ts';

/** What is the same of all forges that tests have: real servers that answer as the APIs of the forges do. */
export type ForgeStandIn = {
  readonly kind: 'github' | 'gitlab' | 'gitea';
  readonly server: StandInServer;
  /** Of its API. */
  readonly url: string;
  readonly open: OpenForgeApi;
  /** A new account's. */
  token(login: string): string;
  /** Answers its number. `admins`: the accounts that may administer it. */
  add(name: string, how: { readonly admins: readonly string[]; readonly isPrivate?: boolean }): string;
  rename(id: string, name: string): void;
  delete(id: string): void;
  hooks(id: string): readonly StandInHook[];
  keys(id: string): readonly StandInKey[];
  readonly statuses: StandInStatus[];
};

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
