import { z } from 'zod';
import { accountChange, accountMade, accountRequest, accountRow, auditQuery, auditRow, memberRequest, memberRow } from '../../api/auth.ts';
import { projectOf, projectParams } from '../../api/project-name.ts';
import type { Account } from '../../store/accounts.ts';
import type { AuditFilter } from '../../store/audit.ts';
import type { Actor } from '../actor.ts';
import { type AuthContext } from './auth-context.ts';
import { AuthError, notFound } from './auth-error.ts';
import { newId } from './bearer.ts';
import { checkPassword } from './password.ts';
import { permit } from '../permit.ts';
import { empty, idParams, type Routes } from './routes.ts';

/** Accounts, for admins alone: nobody registers. Who has a part in a project, for its owners. The audit, for admins. */
export const accountRoutes =
  ({ accounts, members, sessions, audit, guard, passwords, clock, identityOf }: AuthContext): Routes =>
  async (app) => {
    app.get('/api/accounts', { schema: { response: { 200: accountRow.array() } } }, async (request) => {
      await permit(guard, (await identityOf(request)).actor, 'admin', { action: 'account.list' });
      return (await accounts.list()).map((account) => ({
        ...account,
        hasPassword: account.password !== undefined,
        forges: [...account.forges],
      }));
    });

    app.post('/api/accounts', { schema: { body: accountRequest, response: { 201: accountMade } } }, async (request, reply) => {
      const { actor } = await identityOf(request);
      await permit(guard, actor, 'admin', { action: 'account.make' });
      const { name, password, isAdmin } = request.body;
      checkPassword(password, name);
      const id = newId('acc');
      const account: Account = {
        id,
        name,
        isAdmin,
        isClosed: false,
        password: await passwords.hash(password),
        forges: [],
        createdAt: clock.now(),
      };
      if (!(await accounts.add(account))) throw new AuthError('ACCOUNT_EXISTS', `There is an account "${name}" already.`);
      await guard.note({ actor, action: 'account.make', outcome: 'done', detail: { account: id, name, isAdmin: String(isAdmin) } });
      return reply.code(201).send({ id });
    });

    app.patch(
      '/api/accounts/:id',
      { schema: { params: idParams, body: accountChange, response: { 204: empty } } },
      async (request, reply) => {
        const { actor } = await identityOf(request);
        const { id } = request.params;
        await permit(guard, actor, 'admin', { action: 'account.change' });
        const { password, isAdmin, isClosed } = request.body;
        const account = await accounts.get(id);
        if (account === undefined) throw notFound();
        if (actor.kind === 'account' && actor.account === id && (isAdmin === false || isClosed === true)) {
          throw new AuthError('OWN_ROLE', 'An admin cannot close or demote the own account: another one can, so that one always remains.');
        }
        if (password !== undefined) checkPassword(password, account.name);
        const hash = password === undefined ? {} : { password: await passwords.hash(password) };
        await accounts.change(id, (before) => ({
          ...before,
          ...hash,
          isAdmin: isAdmin ?? before.isAdmin,
          isClosed: isClosed ?? before.isClosed,
        }));
        if (password !== undefined || isClosed === true) await sessions.end({ account: id });
        const detail = {
          account: id,
          ...(isAdmin === undefined ? {} : { isAdmin: String(isAdmin) }),
          ...(isClosed === undefined ? {} : { isClosed: String(isClosed) }),
          ...(password === undefined ? {} : { password: 'changed' }),
        };
        await guard.note({ actor, action: 'account.change', outcome: 'done', detail });
        return reply.code(204).send();
      },
    );

    app.get(
      '/api/projects/:owner/:name/members',
      { schema: { params: projectParams, response: { 200: memberRow.array() } } },
      async (request) => {
        const project = projectOf(request.params);
        await permit(guard, (await identityOf(request)).actor, 'settings', { action: 'member.list', project });
        const names = new Map((await accounts.list()).map(({ id, name }) => [id, name]));
        return (await members.list(project)).map((member) => ({ ...member, name: names.get(member.account) ?? member.account }));
      },
    );

    app.put(
      '/api/projects/:owner/:name/members/:account',
      { schema: { params: memberParams, body: memberRequest, response: { 204: empty } } },
      async (request, reply) => {
        const { actor } = await identityOf(request);
        const project = projectOf(request.params);
        await permit(guard, actor, 'settings', { action: 'member.set', project });
        const account = await knownAs(request.params.account);
        if (request.body.role !== 'owner') mustStayOwner(actor, account);
        await members.set(project, account.id, request.body.role);
        await guard.note({
          actor,
          action: 'member.set',
          project,
          outcome: 'done',
          detail: { account: account.id, role: request.body.role },
        });
        return reply.code(204).send();
      },
    );

    app.delete(
      '/api/projects/:owner/:name/members/:account',
      { schema: { params: memberParams, response: { 204: empty } } },
      async (request, reply) => {
        const { actor } = await identityOf(request);
        const project = projectOf(request.params);
        await permit(guard, actor, 'settings', { action: 'member.remove', project });
        const account = await knownAs(request.params.account);
        mustStayOwner(actor, account);
        await members.remove(project, account.id);
        await guard.note({ actor, action: 'member.remove', project, outcome: 'done', detail: { account: account.id } });
        return reply.code(204).send();
      },
    );

    app.get('/api/audit', { schema: { querystring: auditQuery, response: { 200: auditRow.array() } } }, async (request) => {
      await permit(guard, (await identityOf(request)).actor, 'admin', { action: 'audit.list' });
      return [...(await audit.list(filterOf(request.query)))].map(({ detail, ...record }) => ({ ...record, detail: { ...detail } }));
    });

    async function knownAs(name: string): Promise<Account> {
      const account = await accounts.find({ name });
      if (account !== undefined) return account;
      throw new AuthError('ACCOUNT_UNKNOWN', `There is no account ${JSON.stringify(name)}.`, 'An admin makes it: cion accounts add NAME.');
    }
  };

/** Whoever may say who has a part in a project owns it; admins own it whatever is said. */
const mustStayOwner = (actor: Actor, account: Account): void => {
  if (actor.kind === 'account' && actor.account === account.id && !account.isAdmin) {
    throw new AuthError('OWN_ROLE', 'Owners do not take their own role away: another owner or an admin can, so that one always remains.');
  }
};

const memberParams = projectParams.extend({ account: z.string().max(100) });

const filterOf = ({ limit, ...asked }: z.infer<typeof auditQuery>): AuditFilter => ({
  limit,
  ...Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined)),
});
