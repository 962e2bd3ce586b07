import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ProjectStore } from '../../store/projects.ts';
import type { Actor, Guard } from '../actor.ts';
import { HttpError } from '../http-error.ts';
import type { LeaseCheck } from '../lease-check.ts';
import { jobUser } from './job-images.ts';
import type { JobTicket, RegistryTokens } from './registry-tokens.ts';
import { narrow, parseScopes, projectOf, type RegistryAction } from './scopes.ts';

export type RegistryPluginDeps = {
  readonly tokens: Pick<RegistryTokens, 'access' | 'readTicket'>;
  /** What the registry calls itself. */
  readonly service: string;
  /** Before the names of projects in those of repositories; may be empty. */
  readonly prefix: string;
  readonly projects: Pick<ProjectStore, 'list'>;
  readonly leases: LeaseCheck;
  readonly actorOf: (request: FastifyRequest) => Promise<Actor>;
  readonly guard: Guard;
};

const texts = z.union([z.string().max(4000), z.array(z.string().max(4000)).max(50)]).default([]);
const query = z.object({ service: z.string().max(300).optional(), scope: texts });
const answer = z.object({ token: z.string(), access_token: z.string(), expires_in: z.int(), issued_at: z.string() });

/** Who asks for a token: somebody with rights, or an attempt that runs. */
type Client = { readonly kind: 'actor'; readonly actor: Actor } | { readonly kind: 'job'; readonly ticket: JobTicket };

/**
 * The token server of our registry (R-WRK-54), as its clients know it from the challenge of the registry: GET with `service`, `scope` and Basic. The
 * password is an API token, whatever the name; or an attempt's ticket. What is not allowed is left out of the token, and the registry then refuses.
 */
export const registryPlugin = (deps: RegistryPluginDeps): FastifyPluginAsync => {
  const { tokens, guard } = deps;

  const clientOf = async (request: FastifyRequest): Promise<Client> => {
    const { authorization } = request.headers;
    if (authorization === undefined) return { kind: 'actor', actor: { kind: 'anonymous' } };
    const login = basicOf(authorization);
    if (login === undefined) throw refused();
    if (login.user === jobUser) {
      const ticket = await tokens.readTicket(login.password);
      if (ticket === undefined || !(await deps.leases.held(ticket))) throw refused();
      return { kind: 'job', ticket };
    }
    request.headers.authorization = `Bearer ${login.password}`;
    const actor = await deps.actorOf(request);
    if (actor.kind !== 'account') throw refused();
    return { kind: 'actor', actor };
  };

  const may = (client: Client, action: RegistryAction, project: string): Promise<boolean> => {
    if (client.kind === 'actor') return guard.may(client.actor, action === 'push' ? 'run' : 'read', project);
    if (client.ticket.project === project) return Promise.resolve(true);
    return action === 'push' ? Promise.resolve(false) : guard.may({ kind: 'anonymous' }, 'read', project);
  };

  return async (root) => {
    const app = root.withTypeProvider<ZodTypeProvider>();
    app.get('/api/registry/token', { schema: { querystring: query, response: { 200: answer } } }, async (request, reply) => {
      const { service = deps.service, scope } = request.query;
      if (service !== deps.service) {
        throw new HttpError('REGISTRY_UNKNOWN', 400, `This server gives no tokens for the registry ${JSON.stringify(service)}.`);
      }
      const client = await clientOf(request);
      const names = (await deps.projects.list()).map(({ name }) => name);
      const ownerOf = (repository: string): string | undefined => projectOf(repository, names, deps.prefix);
      const { granted, refused: left } = await narrow(parseScopes([scope].flat()), async (action, repository) => {
        const project = ownerOf(repository);
        return project !== undefined && (await may(client, action, project));
      });
      for (const { repository, actions } of left) await note(client, ownerOf(repository), repository, actions);
      const made = await tokens.access(subjectOf(client), granted);
      return reply.header('cache-control', 'no-store').send({
        token: made.token,
        access_token: made.token,
        expires_in: made.expiresInSeconds,
        issued_at: new Date(made.issuedAt).toISOString(),
      });
    });
  };

  async function note(client: Client, project: string | undefined, repository: string, actions: readonly RegistryAction[]): Promise<void> {
    const actor: Actor = client.kind === 'job' ? { kind: 'worker', worker: client.ticket.worker } : client.actor;
    if (actor.kind === 'anonymous') return;
    const job: Readonly<Record<string, string>> = client.kind === 'job' ? { item: client.ticket.item } : {};
    for (const action of actions) {
      await guard.note({
        actor,
        action: `registry.${action}`,
        outcome: 'refused',
        detail: { repository, ...job },
        ...(project === undefined ? {} : { project }),
      });
    }
  }
};

const basicOf = (authorization: string): { readonly user: string; readonly password: string } | undefined => {
  const [, encoded] = /^Basic +([A-Za-z0-9+/_=-]+) *$/i.exec(authorization) ?? [];
  if (encoded === undefined) return undefined;
  const plain = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = plain.indexOf(':');
  if (colon < 0) return undefined;
  const [user, password] = [plain.slice(0, colon), plain.slice(colon + 1)];
  return /^[\x21-\x7e]+$/.test(password) ? { user, password } : undefined;
};

const subjectOf = (client: Client): string => {
  if (client.kind === 'job') return client.ticket.item;
  return client.actor.kind === 'account' ? client.actor.name : '';
};

const refused = (): HttpError =>
  new HttpError(
    'REGISTRY_LOGIN_REFUSED',
    401,
    'The password is no token of this server, or it is not good any more.',
    'Log in with an API token as password.',
  );
