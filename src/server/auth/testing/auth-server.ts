import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { randomBytes } from 'node:crypto';
import { virtualClock } from '../../../lib/virtual-clock.ts';
import { sealerOf } from '../../../secrets/sealer.ts';
import { defaultSettings, type Project } from '../../../store/projects.ts';
import { sqlAccounts } from '../../../store/sql/accounts.ts';
import { sqlAudit } from '../../../store/sql/audit.ts';
import { sqlMembers } from '../../../store/sql/members.ts';
import { sqlSessions } from '../../../store/sql/sessions.ts';
import { testDatabases } from '../../../store/sql/testing/databases.ts';
import { sqlTokens } from '../../../store/sql/tokens.ts';
import type { Right } from '../../actor.ts';
import type { ForgeStandIn } from '../../forges/testing/forge-stand-in.ts';
import { authOf } from '../auth.ts';
import { forgeAccessOf } from '../forge-access.ts';
import { callbackOf, type ForgeApp, forgeLoginOf } from '../forge-login.ts';
import { forgeTokensOf } from '../forge-tokens.ts';
import { guardOf } from '../guard.ts';
import { passwordsOf } from '../password.ts';
import { setupTokenOf } from '../setup-token.ts';
import { browserOf } from './browser.ts';

export const publicUrl = 'https://ci.example.org';
export const goodPassword = 'correct horse battery';

export type AuthServer = Awaited<ReturnType<typeof authServer>>;

/**
 * Logins over real HTTP in a bare fastify, with a database of their own. Beside them `GET /may/:right?project=…` says whether who asks may,
 * and `POST /change` stands for all that changes something; `GET /form` answers what a form of ours would have.
 */
export const authServer = async (
  options: { readonly forges?: readonly ForgeStandIn[]; readonly join?: ForgeApp['join']; readonly url?: string } = {},
) => {
  const [pglite] = testDatabases;
  if (pglite === undefined) throw new Error('there is no database');
  const test = await pglite.make();
  const { database } = test;
  const clock = virtualClock({ startAt: Date.UTC(2026, 10, 21) });
  const sealer = sealerOf([randomBytes(32)]);
  const stores = {
    accounts: sqlAccounts(database),
    members: sqlMembers(database),
    sessions: sqlSessions(database),
    tokens: sqlTokens(database),
    audit: sqlAudit(database),
  };
  const projects = new Map<string, Project>();
  const logins = (options.forges ?? []).map(({ login, server, url, oauth }) => {
    oauth.clock.now = clock.now;
    const app = { ...oauth.app, url: server.url, apiUrl: url, join: options.join ?? 'everybody' };
    return forgeLoginOf(login, app, callbackOf(publicUrl, login.kind), clock);
  });
  const forgeTokens = forgeTokensOf({ ...stores, sealer, clock, logins });
  const guard = guardOf({
    ...stores,
    projects: { get: (name) => Promise.resolve(projects.get(name)) },
    forge: forgeAccessOf(logins, { tokens: forgeTokens, clock }),
    clock,
  });
  const setup = await setupTokenOf(stores.accounts);
  const passwords = passwordsOf({ memory: 64, passes: 1, parallelism: 1 });
  const auth = authOf({ ...stores, guard, sealer, clock, setup, passwords, publicUrl: options.url ?? publicUrl, logins, forgeTokens });

  const changing: string[] = [];
  const app = fastify();
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) if (!['GET', 'HEAD', 'OPTIONS'].includes(one)) changing.push(`${one} ${url}`);
  });
  app.get<{ Params: { right: Right }; Querystring: { project?: string } }>('/may/:right', async (request) =>
    guard.may(await auth.actorOf(request), request.params.right, request.query.project),
  );
  app.get('/who', (request) => auth.actorOf(request));
  app.post('/change', (request) => auth.actorOf(request));
  app.get('/form', async (request) => ({ page: await auth.formTokenOf(request) }));
  await app.register(auth.plugin);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;

  return {
    ...stores,
    url,
    clock,
    guard,
    sealer,
    forgeTokens,
    setup,
    database,
    /** `POST /api/…`, of all routes that change something. */
    changing,
    browser: () => browserOf(url, options.url ?? publicUrl),
    /** A browser that is logged in. */
    login: async (name: string, isAdmin = false) => {
      const id = `acc_${name}`;
      await stores.accounts.add({
        id,
        name,
        isAdmin,
        isClosed: false,
        password: await passwords.hash(goodPassword),
        forges: [],
        createdAt: clock.now(),
      });
      const browser = browserOf(url, options.url ?? publicUrl);
      const answer = await browser.post('/api/auth/login', { name, password: goodPassword });
      if (answer.status !== 200) throw new Error(`the login of ${name} was answered with ${answer.status}: ${JSON.stringify(answer.body)}`);
      return { ...browser, id };
    },
    addProject: (name: string, more: Partial<Project> = {}) => {
      projects.set(name, {
        name,
        cloneUrl: `https://git.example.org/${name}`,
        defaultBranch: 'main',
        visibility: 'private',
        webhookSecret: '',
        settings: defaultSettings,
        createdAt: clock.now(),
        ...more,
      });
      return name;
    },
    close: async () => {
      await app.close();
      await test.close();
    },
  };
};
