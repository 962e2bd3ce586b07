import type { FastifyRequest } from 'fastify';
import type { Clock } from '../../lib/clock.ts';
import type { Sealer } from '../../secrets/sealer.ts';
import type { DeliveryStore } from '../../store/deliveries.ts';
import type { ProjectStore } from '../../store/projects.ts';
import type { RunStore } from '../../store/run-store.ts';
import type { Actor, Guard } from '../actor.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import type { ForgeApi, OpenForgeApi } from '../forges/forge-api.ts';
import type { Forge, ForgeKind } from '../forges/forge.ts';
import type { BeginRun } from '../runs/begin-run.ts';
import type { StatusDeps } from './report-statuses.ts';

/** A forge that this server was set up for: there is one of each kind, and no other address is ever asked (atk-67). */
export type ForgeSite = {
  readonly kind: Exclude<ForgeKind, 'git'>;
  /** Of its API. */
  readonly url: string;
  readonly open: OpenForgeApi;
};

export type IntakeDeps = {
  readonly projects: ProjectStore;
  readonly deliveries: DeliveryStore;
  readonly runs: Pick<RunStore, 'list'>;
  readonly dispatcher: Pick<Dispatcher, 'watch' | 'state' | 'policyChanged'>;
  readonly beginRun: BeginRun;
  /** How each kind of forge tells of commits. */
  readonly forges: readonly Forge[];
  readonly sites: readonly ForgeSite[];
  /** Of an account at a forge; `undefined`: it has no login there. */
  readonly tokenOf: (account: string, site: Pick<ForgeSite, 'kind' | 'url'>) => Promise<string | undefined>;
  readonly actorOf: (request: FastifyRequest) => Promise<Actor>;
  readonly guard: Guard;
  readonly sealer: Pick<Sealer, 'seal' | 'open'>;
  readonly clock: Clock;
  /** Our own address, as forges and browsers reach it. */
  readonly publicUrl: string;
  readonly pageOf: StatusDeps['pageOf'];
  /** Repositories on the server's own machine can be connected, too: `file://`. */
  readonly allowFiles?: boolean;
  readonly warn: (text: string) => void;
};

/** The API of a forge for an account; `undefined` where the server is not set up for that forge, or the account has no login there. */
export type ApiFor = (forge: Pick<ForgeSite, 'kind' | 'url'> | undefined, account: string | undefined) => Promise<ForgeApi | undefined>;
