import { createHash, randomBytes } from 'node:crypto';
import type { RateLimitOptions } from '@fastify/rate-limit';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { Clock } from '../../lib/clock.ts';
import type { Sealer } from '../../secrets/sealer.ts';
import type { DeliveryStore } from '../../store/deliveries.ts';
import type { Project, ProjectStore } from '../../store/projects.ts';
import type { Guard } from '../actor.ts';
import type { Forge, HookRequest } from '../forges/forge.ts';
import { IntakeError } from './intake-error.ts';
import { webhookContext } from './project-secrets.ts';

export type HookDeps = {
  readonly projects: Pick<ProjectStore, 'get'>;
  readonly deliveries: Pick<DeliveryStore, 'add'>;
  readonly forges: readonly Forge[];
  readonly sealer: Pick<Sealer, 'open'>;
  readonly guard: Pick<Guard, 'note'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Something came in. */
  readonly wake: () => void;
  /** Of a body, in bytes. */
  readonly largestBody?: number;
};

/** GitHub sends at most 25 MiB. */
const largestBody = 25 * 1024 * 1024;
/** What a delivery says of its own time may be as far from ours (atk-02). */
const windowMs = 5 * 60_000;
/** In a minute: what comes beyond that is refused without an entry of its own in the audit. */
const mostNotes = 60;

/**
 * `POST /hooks/<forge>/<project>`: checked over the raw bytes, kept, and only then answered with 202; what follows from it follows later. Whatever is wrong is
 * answered in the same way: who asks learns neither whether there is such a project nor what was wrong (atk-01).
 */
export const hookRoutes = ({ projects, deliveries, forges, sealer, guard, clock, wake, ...limits }: HookDeps): FastifyPluginAsync => {
  const noMans = randomBytes(32).toString('base64');
  const noteRefused = limitedNotes(guard, clock);

  const secretOf = (project: Project): string => sealer.open(project.webhookSecret, webhookContext(project.name)).toString('utf8');

  /** Checks the same for a project that is not there, and takes as long. */
  const whyNot = (project: Project | undefined, forge: Forge, request: HookRequest): string | undefined => {
    const { genuine, signedAt } = forge.verify(request, project === undefined ? noMans : secretOf(project));
    if (project === undefined) return 'no project has this name';
    if ((project.forge?.kind ?? 'git') !== forge.kind) return 'the project is of another kind of forge';
    if (!genuine) return 'the signature is missing or wrong';
    if (signedAt !== undefined && Math.abs(clock.now() - signedAt) > windowMs) return 'it was signed too long ago, or in the future';
    return project.forge?.goneAt === undefined ? undefined : 'the repository was deleted';
  };

  return async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: limits.largestBody ?? largestBody }, (_request, body, done) =>
      done(null, body),
    );

    app.post<{ Params: { kind: string; '*': string } }>('/hooks/:kind/*', { config: { rateLimit } }, async (request, reply) => {
      const { kind, '*': name } = request.params;
      const forge = forges.find((one) => one.kind === kind);
      const project = name.length > longestName || name.includes('\0') ? undefined : await projects.get(name);
      const sent: HookRequest = { headers: headersOf(request), body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0) };
      const refused = forge === undefined ? 'there is no such kind of forge' : whyNot(project, forge, sent);
      if (forge === undefined || project === undefined || refused !== undefined) {
        await noteRefused({ project: project?.name, address: request.ip, why: refused ?? '' });
        throw new IntakeError('HOOK_REFUSED', 'This is no delivery that we take.');
      }
      const digest = createHash('sha256').update(sent.body).digest('hex');
      const id = forge.delivery(sent)?.slice(0, longestId) ?? digest;
      const isNew = await deliveries.add({
        project: project.name,
        id: id === '' ? digest : id,
        digest,
        headers: Object.fromEntries(
          forge.headers.flatMap((header) => (sent.headers[header] === undefined ? [] : [[header, sent.headers[header]]])),
        ),
        body: sent.body,
        at: clock.now(),
      });
      if (isNew) wake();
      return reply.code(202).send({ delivery: id, known: !isNew });
    });
  };
};

/** Of each project and sender: the forge tells of all projects from a few addresses, and one that is flooded must not use up what others have (atk-08). */
const rateLimit: RateLimitOptions = { max: 3000, timeWindow: 60_000, keyGenerator: ({ ip, url }) => `${ip} ${url}` };

const longestName = 512;
const longestId = 200;

const headersOf = ({ headers }: FastifyRequest): HookRequest['headers'] =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]));

type Refused = { readonly project: string | undefined; readonly address: string; readonly why: string };

/** A flood of forged deliveries must not become a flood of the audit. */
const limitedNotes = (guard: HookDeps['guard'], clock: HookDeps['clock']) => {
  let [minute, count] = [0, 0];
  return async ({ project, address, why }: Refused): Promise<void> => {
    const now = Math.floor(clock.now() / 60_000);
    if (now !== minute) [minute, count] = [now, 0];
    if (++count > mostNotes) return;
    const detail = { address, why, ...(count === mostNotes ? { more: 'further ones of this minute are not noted' } : {}) };
    await guard.note({
      actor: { kind: 'anonymous' },
      action: 'webhook.refused',
      outcome: 'refused',
      detail,
      ...(project === undefined ? {} : { project }),
    });
  };
};
