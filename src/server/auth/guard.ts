import type { Clock } from '../../lib/clock.ts';
import type { AccountStore } from '../../store/accounts.ts';
import type { AuditRecord, AuditStore } from '../../store/audit.ts';
import type { MemberStore, Role } from '../../store/members.ts';
import type { ProjectStore } from '../../store/projects.ts';
import type { Actor, Guard, Right } from '../actor.ts';
import type { ForgeAccess } from './forge-access.ts';

export type GuardDeps = {
  readonly accounts: Pick<AccountStore, 'get'>;
  readonly projects: Pick<ProjectStore, 'get'>;
  readonly members: Pick<MemberStore, 'roleOf'>;
  readonly audit: Pick<AuditStore, 'append'>;
  readonly forge: ForgeAccess;
  readonly clock: Pick<Clock, 'now'>;
};

/**
 * Admins may all. Who was made a member has the rights of that role; else, who came from the project's forge, those that they have there. Whom
 * the forge does not let see the repository any more is nobody here either, member or not (atk-63).
 */
export const guardOf = ({ accounts, projects, members, audit, forge, clock }: GuardDeps): Guard => {
  const roleIn = async (project: string, actor: AccountActor): Promise<Role | undefined> => {
    const [found, account, given] = await Promise.all([
      projects.get(project),
      accounts.get(actor.account),
      members.roleOf(project, actor.account),
    ]);
    if (found === undefined || account === undefined || account.isClosed) return undefined;
    if (account.isAdmin) return 'owner';
    const there = await forge.roleOf(account, found);
    if (there === 'unlinked') return given;
    return there === 'none' ? undefined : (given ?? there);
  };

  return {
    may: async (actor, right, project) => {
      if (project === undefined) return mayWithout(actor, right);
      if (right === 'read' && (await projects.get(project))?.visibility === 'public') return true;
      if (actor.kind !== 'account' || right === 'admin' || !isIn(actor, right, project)) return false;
      const role = await roleIn(project, actor);
      return role !== undefined && rights[role].has(right);
    },
    note: ({ actor, action, project, outcome, detail }) =>
      audit.append({
        at: clock.now(),
        actor: recorded(actor),
        action,
        outcome,
        detail,
        ...(project === undefined ? {} : { project }),
      }),
  };
};

type AccountActor = Extract<Actor, { readonly kind: 'account' }>;

const rights: Readonly<Record<Role, ReadonlySet<Right>>> = {
  owner: new Set(['read', 'run', 'decide', 'secrets', 'settings']),
  writer: new Set(['read', 'run', 'decide']),
  reader: new Set(['read']),
};

const mayWithout = (actor: Actor, right: Right): boolean => {
  if (actor.kind !== 'account' || actor.project !== undefined || !(actor.scopes?.includes(right) ?? true)) return false;
  return actor.isAdmin || right === 'read' || right === 'settings';
};

const isIn = ({ scopes, project: only }: AccountActor, right: Right, project: string): boolean =>
  (scopes === undefined || scopes.includes(right)) && (only === undefined || only === project);

const recorded = (actor: Actor): AuditRecord['actor'] =>
  actor.kind === 'account' ? { kind: 'account', account: actor.account, name: actor.name } : actor;
