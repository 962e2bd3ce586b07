import type { FastifyRequest } from 'fastify';
import type { Actor, AuditEntry, Guard, Right } from '../actor.ts';
import { HttpError } from '../http-error.ts';

/**
 * Who is who by their bearer token, or their cookie: `worker:one` is a worker, `account:ada` a person, `admin:root` one who may all. Persons may
 * what `grants` says; anybody may see what is public.
 */
export type TestGuard = Guard & {
  readonly notes: AuditEntry[];
  readonly grants: Map<string, ReadonlySet<Right>>;
  readonly public: Set<string>;
  grant(account: string, project: string, ...rights: readonly Right[]): void;
  actorOf(request: FastifyRequest): Promise<Actor>;
};

export const testGuard = (): TestGuard => {
  const notes: AuditEntry[] = [];
  const grants = new Map<string, ReadonlySet<Right>>();
  const open = new Set<string>();
  return {
    notes,
    grants,
    public: open,
    grant: (account, project, ...rights) => void grants.set(`${account} ${project}`, new Set(rights)),
    actorOf: async ({ headers }) => {
      const token = /^Bearer (.*)$/.exec(headers.authorization ?? '')?.[1] ?? /session=([^;]+)/.exec(headers.cookie ?? '')?.[1];
      if (token === undefined) return { kind: 'anonymous' };
      const [kind, name] = token.split(':');
      if (name === undefined) throw new HttpError('TOKEN_UNKNOWN', 401, 'This token is not one of ours.');
      if (kind === 'worker') return { kind: 'worker', worker: name };
      return { kind: 'account', account: name, name, isAdmin: kind === 'admin' };
    },
    may: async (actor, right, project) => {
      if (right === 'read' && project !== undefined && open.has(project)) return true;
      if (actor.kind !== 'account') return false;
      return actor.isAdmin || (grants.get(`${actor.account} ${project ?? ''}`)?.has(right) ?? false);
    },
    note: async (entry) => void notes.push(entry),
  };
};
