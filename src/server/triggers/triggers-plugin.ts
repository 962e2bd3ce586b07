import { randomUUID } from 'node:crypto';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { projectParams } from '../../api/project-name.ts';
import {
  madeAnswer,
  scheduleChange,
  scheduleRequest,
  scheduleRow,
  triggerParams,
  upstreamRequest,
  upstreamRow,
} from '../../api/triggers.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Sealer } from '../../secrets/sealer.ts';
import type { PackageWatch, Schedule, ScheduleStore, WantedTarget } from '../../store/schedules.ts';
import type { UpstreamStore } from '../../store/upstreams.ts';
import type { ProjectStore } from '../../store/projects.ts';
import type { Actor, Guard } from '../actor.ts';
import { nameOf, type ProjectAccess } from '../project-access.ts';
import type { HasRef } from '../runs/project-repository.ts';
import { isPackageName, registryOf } from './latest-version.ts';
import { nextTime } from './next-time.ts';
import { scheduleContext } from './timers.ts';
import { TriggerError } from './trigger-error.ts';
import { begunBy, type CircleDeps, upstreamCircle } from './upstream-circle.ts';

export type TriggerRoutes = {
  readonly access: ProjectAccess;
  readonly guard: Guard;
  readonly projects: Pick<ProjectStore, 'get'>;
  readonly schedules: ScheduleStore;
  readonly upstreams: UpstreamStore;
  readonly hasRef: HasRef;
  /** Schedules were added, paused or resumed. */
  changed(): void;
  readonly sealer: Pick<Sealer, 'seal'>;
  readonly clock: Pick<Clock, 'now'>;
};

/** Of one project, of each kind. */
const most = 100;

/** What begins runs of a project by itself: who may change its settings sees and changes it. */
export const triggersPlugin =
  ({ access, guard, projects, schedules, upstreams, hasRef, changed, sealer, clock }: TriggerRoutes): FastifyPluginAsyncZod =>
  async (app) => {
    const base = '/api/projects/:owner/:name';
    const circleDeps: CircleDeps = {
      followers: (project) => upstreams.list({ after: project }),
      defaultBranchOf: async (project) => (await projects.get(project))?.defaultBranch,
    };
    /** Where nobody can say it now, its runs will. */
    const checkRef = async (project: string, { ref }: WantedTarget): Promise<void> => {
      if (ref === undefined || (await hasRef(project, ref)) !== false) return;
      const [, kind, name] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? [];
      const what = name === undefined ? ref : `${kind === 'heads' ? 'branch' : 'tag'} ${name}`;
      throw new TriggerError('TRIGGER_REF_UNKNOWN', `The repository of ${project} has no ${what}.`, {
        hint: 'Push it first, or correct the name.',
      });
    };
    /** Others came after what they may see, and who adds this one may not see them. */
    const shownTo = async (actor: Actor, link: Parameters<typeof begunBy>[0]): Promise<string> =>
      (await guard.may(actor, 'read', link.project)) ? begunBy(link) : 'a project that you may not see';

    app.get(
      `${base}/schedules`,
      { schema: { params: projectParams, response: { 200: scheduleRow.array().readonly() } } },
      async (request) => {
        const { project } = await access(request, 'settings');
        return (await schedules.list(project.name)).map(shown);
      },
    );

    app.post(
      `${base}/schedules`,
      { schema: { params: projectParams, body: scheduleRequest, response: { 201: madeAnswer } } },
      async (request, reply) => {
        const { actor, project } = await access(request, 'settings');
        const { cron, timeZone, wants, watch } = request.body;
        const now = clock.now();
        const dueAt = nextTime({ cron, timeZone }, now);
        const id = randomUUID();
        const watched = watch === undefined ? {} : { watch: checkedWatch(watch, sealer, scheduleContext(project.name, id)) };
        if ((await schedules.list(project.name)).length >= most) throw tooMany('schedules');
        await checkRef(project.name, wants);
        await schedules.add({
          id,
          project: project.name,
          cron,
          timeZone,
          wants,
          ...watched,
          by: nameOf(actor),
          createdAt: now,
          dueAt,
          tryAt: dueAt,
        });
        await guard.note({ actor, action: 'schedule.add', project: project.name, outcome: 'done', detail: { id, cron, timeZone } });
        changed();
        return reply.code(201).send({ id });
      },
    );

    /** What it missed is not begun: it goes on at the first of its times after now. */
    app.patch(
      `${base}/schedules/:id`,
      { schema: { params: triggerParams, body: scheduleChange, response: { 200: scheduleRow } } },
      async (request) => {
        const { actor, project } = await access(request, 'settings');
        const { id } = request.params;
        const { isPaused } = request.body;
        const find = async (): Promise<Schedule> => {
          const found = (await schedules.list(project.name)).find((one) => one.id === id);
          if (found === undefined) throw unknown('schedule');
          return found;
        };
        const before = await find();
        const now = clock.now();
        const isChanged = isPaused
          ? await schedules.pause(project.name, id, { at: now, by: nameOf(actor) })
          : await schedules.resume(project.name, id, nextTime(before, now));
        if (isChanged) {
          const action = isPaused ? 'schedule.pause' : 'schedule.resume';
          await guard.note({ actor, action, project: project.name, outcome: 'done', detail: { id } });
          changed();
        }
        return shown(await find());
      },
    );

    app.delete(`${base}/schedules/:id`, { schema: { params: triggerParams } }, async (request, reply) => {
      const { actor, project } = await access(request, 'settings');
      const { id } = request.params;
      if (!(await schedules.remove(project.name, id))) throw unknown('schedule');
      await guard.note({ actor, action: 'schedule.remove', project: project.name, outcome: 'done', detail: { id } });
      return reply.code(204).send();
    });

    app.get(
      `${base}/upstreams`,
      { schema: { params: projectParams, response: { 200: upstreamRow.array().readonly() } } },
      async (request) => {
        const { project } = await access(request, 'settings');
        return upstreams.list({ project: project.name });
      },
    );

    app.post(
      `${base}/upstreams`,
      { schema: { params: projectParams, body: upstreamRequest, response: { 201: madeAnswer } } },
      async (request, reply) => {
        const { actor, project } = await access(request, 'settings');
        const { after, wants } = request.body;
        if (!(await guard.may(actor, 'read', after.project))) {
          throw new TriggerError('UPSTREAM_UNKNOWN', `There is no project ${JSON.stringify(after.project)} here, or you may not see it.`);
        }
        const circle = await upstreamCircle({ project: project.name, after, wants }, circleDeps);
        if (circle !== undefined) throw inCircle(await Promise.all(circle.map((link) => shownTo(actor, link))));
        const id = randomUUID();
        if ((await upstreams.list({ project: project.name })).length >= most) throw tooMany('upstreams');
        await checkRef(project.name, wants);
        await upstreams.add({ id, project: project.name, after, wants, by: nameOf(actor), createdAt: clock.now() });
        await guard.note({ actor, action: 'upstream.add', project: project.name, outcome: 'done', detail: { id, after: after.project } });
        return reply.code(201).send({ id });
      },
    );

    app.delete(`${base}/upstreams/:id`, { schema: { params: triggerParams } }, async (request, reply) => {
      const { actor, project } = await access(request, 'settings');
      const { id } = request.params;
      if (!(await upstreams.remove(project.name, id))) throw unknown('upstream');
      await guard.note({ actor, action: 'upstream.remove', project: project.name, outcome: 'done', detail: { id } });
      return reply.code(204).send();
    });
  };

type AskedWatch = NonNullable<z.output<typeof scheduleRequest>['watch']>;

const checkedWatch = ({ package: name, registry, tag, token }: AskedWatch, sealer: Pick<Sealer, 'seal'>, context: string): PackageWatch => {
  if (!isPackageName(name)) throw new TriggerError('SCHEDULE_INVALID', `${JSON.stringify(name)} is no name of a package.`);
  return { package: name, registry: registryOf(registry), tag, ...(token === undefined ? {} : { token: sealer.seal(token, context) }) };
};

const shown = ({ watch, ...schedule }: Schedule): z.output<typeof scheduleRow> => ({
  ...schedule,
  ...(watch === undefined
    ? {}
    : { watch: { package: watch.package, registry: watch.registry, tag: watch.tag, hasToken: watch.token !== undefined } }),
});

/** `way`: from what would begin on, all that would begin then. */
const inCircle = (way: readonly string[]): TriggerError =>
  new TriggerError('UPSTREAM_CIRCLE', `${way[0]} would come after itself: ${[...way, way[0]].join(' → ')}.`, {
    hint: 'Pipelines of one project may follow one another: name both, the one that it comes after and the one that runs.',
  });

const tooMany = (what: string): TriggerError => new TriggerError('TRIGGER_LIMIT', `A project has at most ${most} ${what}.`);

const unknown = (what: string): TriggerError => new TriggerError('TRIGGER_UNKNOWN', `The project has no such ${what}.`);
