import { type FastifyInstance, type FastifyPluginAsync, fastify } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { Actor, AuditEntry, Guard, Right } from '../actor.ts';
import type { ProjectAccess } from '../project-access.ts';

export type RouteApp = {
  readonly app: FastifyInstance;
  readonly audit: readonly AuditEntry[];
  /** Sends it as the account of that name. */
  ask(
    who: string,
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    url: string,
    body?: object,
  ): Promise<{ readonly status: number; readonly body: unknown; readonly text: string }>;
};

/** Routes on a real fastify, for accounts that have these rights: `{ ada: { 'ada/shop': ['read', 'settings'] } }`. */
export const routeApp = async (
  rights: Readonly<Record<string, Readonly<Record<string, readonly Right[]>>>>,
  plugins: (given: { readonly access: ProjectAccess; readonly guard: Guard }) => readonly FastifyPluginAsync[],
): Promise<RouteApp> => {
  const audit: AuditEntry[] = [];
  const guard: Guard = {
    may: async (actor, right, project = '') => actor.kind === 'account' && (rights[actor.name]?.[project] ?? []).includes(right),
    note: async (entry) => void audit.push(entry),
  };
  const access: ProjectAccess = async (request, right) => {
    const { owner, name } = request.params as { readonly owner: string; readonly name: string };
    const project = `${owner}/${name}`;
    const who = String(request.headers['x-who']);
    const actor: Actor = { kind: 'account', account: who, name: who, isAdmin: false };
    if (!(await guard.may(actor, 'read', project))) throw Object.assign(new Error('unknown'), { statusCode: 404, code: 'PROJECT_UNKNOWN' });
    if (!(await guard.may(actor, right, project))) throw Object.assign(new Error('no'), { statusCode: 403, code: 'FORBIDDEN' });
    return { actor, project: { name: project } };
  };
  const app = fastify();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  for (const plugin of plugins({ access, guard })) void app.register(plugin);
  await app.ready();
  return {
    app,
    audit,
    ask: async (who, method, url, body) => {
      const answer = await app.inject({ method, url, headers: { 'x-who': who }, ...(body === undefined ? {} : { payload: body }) });
      return { status: answer.statusCode, text: answer.body, body: answer.body === '' ? undefined : (JSON.parse(answer.body) as unknown) };
    },
  };
};
