import { randomBytes, randomUUID } from 'node:crypto';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import {
  letterMade,
  letterRow,
  subscriptionMade,
  subscriptionParams,
  subscriptionRequest,
  subscriptionRow,
} from '../../api/notifications.ts';
import { projectParams } from '../../api/project-name.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Sealer } from '../../secrets/sealer.ts';
import type { Letter, Outbox, Subscription, SubscriptionStore } from '../../store/notifications.ts';
import type { Guard } from '../actor.ts';
import { targetOf } from '../outgoing/outgoing.ts';
import { nameOf, type ProjectAccess } from '../project-access.ts';
import { makeTurns } from '../turns.ts';
import { sealTarget, type Target } from './target.ts';
import { SubscriptionError } from './subscription-error.ts';
import type { ToldOfTest } from './told.ts';

export type NotificationRoutes = {
  readonly access: ProjectAccess;
  readonly guard: Guard;
  readonly subscriptions: SubscriptionStore;
  readonly outbox: Pick<Outbox, 'list' | 'put'>;
  /** There are letters now. */
  written(): void;
  /** Whether the operator has named a mail server. */
  readonly hasMail: boolean;
  readonly sealer: Pick<Sealer, 'seal'>;
  readonly clock: Pick<Clock, 'now'>;
};

/** Of one project. */
const most = 50;
const lettersShown = 100;
/** Of one subscription: who may have letters sent to others is not to send many. */
const mostTests = 5;
const testsWithinMs = 10 * 60_000;

/** Who is told of a project's results: who may change its settings sees and changes it. What is sealed is not shown again. */
export const notificationsPlugin =
  ({ access, guard, subscriptions, outbox, written, hasMail, sealer, clock }: NotificationRoutes): FastifyPluginAsyncZod =>
  async (app) => {
    const base = '/api/projects/:owner/:name/subscriptions';
    /** So that none is sent beyond the limit by who asks for many at once. */
    const turns = makeTurns();

    const putTest = async ({ id: subscription, project }: Subscription, by: string): Promise<string> => {
      const at = clock.now();
      const isRecent = ({ event, createdAt }: Letter): boolean => event.startsWith('test/') && createdAt > at - testsWithinMs;
      if ((await outbox.list(subscription, lettersShown)).filter(isRecent).length >= mostTests) {
        throw new SubscriptionError(
          'TEST_LIMIT',
          `A subscription is tested at most ${mostTests} times in ${testsWithinMs / 60_000} minutes.`,
        );
      }
      const id = randomUUID();
      const body: ToldOfTest = { event: 'subscription.tested', project, subscription, at, by };
      await outbox.put([{ id, subscription, event: `test/${id}`, body, createdAt: at }], { aside: true });
      return id;
    };

    app.get(base, { schema: { params: projectParams, response: { 200: subscriptionRow.array().readonly() } } }, async (request) => {
      const { project } = await access(request, 'settings');
      return subscriptions.list(project.name);
    });

    app.post(
      base,
      { schema: { params: projectParams, body: subscriptionRequest, response: { 201: subscriptionMade } } },
      async (request, reply) => {
        const { actor, project } = await access(request, 'settings');
        const { target, wants } = request.body;
        if (target.way === 'mail' && !hasMail) throw new SubscriptionError('MAIL_NONE', 'This server has no mail server.');
        const place = placeOf(target);
        if ((await subscriptions.list(project.name)).length >= most) {
          throw new SubscriptionError('SUBSCRIPTION_LIMIT', `A project has at most ${most} subscriptions.`);
        }
        const id = randomUUID();
        const secret = target.way === 'http' ? { secret: randomBytes(32).toString('base64url') } : {};
        await subscriptions.add({
          id,
          project: project.name,
          way: target.way,
          target: sealTarget(sealer, { ...target, ...secret } as Target, { project: project.name, id }),
          place,
          wants,
          by: nameOf(actor),
          createdAt: clock.now(),
        });
        await guard.note({
          actor,
          action: 'subscription.add',
          project: project.name,
          outcome: 'done',
          detail: { id, way: target.way, place },
        });
        return reply.code(201).send({ id, ...secret });
      },
    );

    app.get(
      `${base}/:id/letters`,
      { schema: { params: subscriptionParams, response: { 200: letterRow.array().readonly() } } },
      async (request) => {
        const { project } = await access(request, 'settings');
        const { id } = request.params;
        if (!(await subscriptions.list(project.name)).some((one) => one.id === id)) throw unknown();
        return outbox.list(id, lettersShown);
      },
    );

    /** A real letter, whatever the subscription wants: its receiver sees what all others will look like, and how they are signed. */
    app.post(`${base}/:id/test`, { schema: { params: subscriptionParams, response: { 201: letterMade } } }, async (request, reply) => {
      const { actor, project } = await access(request, 'settings');
      const subscription = (await subscriptions.list(project.name)).find(({ id }) => id === request.params.id);
      if (subscription === undefined) throw unknown();
      const id = await turns(subscription.id, () => putTest(subscription, nameOf(actor)));
      await guard.note({
        actor,
        action: 'subscription.test',
        project: project.name,
        outcome: 'done',
        detail: { id: subscription.id, letter: id },
      });
      written();
      return reply.code(201).send({ id });
    });

    app.delete(`${base}/:id`, { schema: { params: subscriptionParams } }, async (request, reply) => {
      const { actor, project } = await access(request, 'settings');
      const { id } = request.params;
      if (!(await subscriptions.remove(project.name, id))) throw unknown();
      await guard.note({ actor, action: 'subscription.remove', project: project.name, outcome: 'done', detail: { id } });
      return reply.code(204).send();
    });
  };

/** Throws OutgoingError for what is no plain web address. Whether it is allowed is looked at when something is sent there: names change. */
const placeOf = (target: z.output<typeof subscriptionRequest>['target']): string => {
  if (target.way !== 'mail') return targetOf(target.url).host;
  return target.to.length === 1 ? '1 address' : `${target.to.length} addresses`;
};

const unknown = (): SubscriptionError => new SubscriptionError('SUBSCRIPTION_UNKNOWN', 'The project has no such subscription.');
