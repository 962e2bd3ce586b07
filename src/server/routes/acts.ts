import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { projectParams } from '../../api/project-name.ts';
import { actedSchema, beginSchema, begunSchema, cancelSchema, decideSchema, rerunAnswerSchema, rerunSchema } from '../../api/acts.ts';
import { stagesAgain } from '../../engine/stages-again.ts';
import type { RunFact } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import type { Actor } from '../actor.ts';
import type { RouteDeps } from '../app-deps.ts';
import { cancelRun, decideGate } from '../dispatch/requests.ts';
import { HttpError } from '../http-error.ts';
import { accessOf } from './access.ts';
import { gateParams, runParams } from './params.ts';

/** What people do with runs. Nothing here is done by looking: GET never acts (atk-12), and no page of others can make a browser act (atk-62). */
export const actRoutes =
  (deps: RouteDeps): FastifyPluginAsyncZod =>
  async (app) => {
    const { dispatcher, guard, clock } = deps;
    const access = accessOf(deps);
    app.addHook('onRequest', async (request) => {
      if (request.headers.authorization === undefined && request.headers['x-cion'] === undefined) {
        throw new HttpError(
          'FOREIGN_REQUEST',
          403,
          'A request that changes something has to come from a page of this server, or with a token.',
        );
      }
    });
    const done = (actor: Actor, action: string, project: string, detail: Readonly<Record<string, string>>): Promise<void> =>
      guard.note({ actor, action, project, outcome: 'done', detail });

    app.post(
      '/runs',
      { schema: { params: projectParams, body: beginSchema, response: { 200: begunSchema, 201: begunSchema } } },
      async (request, reply) => {
        const { actor, project } = await access.project(request, 'run');
        const { branch, tag, once, ...rest } = request.body;
        const ref = refOf(branch, tag);
        const begun = await deps.beginRun({
          ...rest,
          ...ref,
          ...(once === undefined ? {} : { once: `by-hand/${once}` }),
          project: project.name,
          trigger: { kind: 'manual', by: nameOf(actor), ...ref },
        });
        const [row] = await deps.runs.list({ run: begun.run, limit: 1 });
        if (row === undefined) throw new HttpError('RUN_UNKNOWN', 404, 'The run was removed as soon as it was there.');
        await done(actor, 'run.begin', project.name, { run: begun.run });
        return reply.code(begun.kind === 'created' ? 201 : 200).send({ ...begun, number: row.number });
      },
    );

    app.post(
      '/runs/:number/cancel',
      { schema: { params: runParams, body: cancelSchema, response: { 200: actedSchema } } },
      async (request) => {
        const { actor, project, row } = await access.run(request, 'run');
        const { force } = request.body;
        const state = await dispatcher.report(row.run, (before) => {
          if (before.phase === 'finished') throw new HttpError('RUN_OVER', 409, `Run ${row.number} has ended: ${before.outcome}.`);
          return cancelRun(nameOf(actor), force)(before);
        });
        await done(actor, 'run.cancel', project.name, { run: row.run, force: String(force) });
        return { lastSeq: state.lastSeq };
      },
    );

    app.post(
      '/runs/:number/rerun',
      { schema: { params: runParams, body: rerunSchema, response: { 200: rerunAnswerSchema } } },
      async (request) => {
        const { actor, project, row } = await access.run(request, 'run');
        let stages: readonly string[] = [];
        await dispatcher.report(row.run, (state) => {
          stages = again(state, request.body.which);
          const trigger = { kind: 'manual', by: nameOf(actor) } as const;
          return stages.length === 0 ? [] : ([{ kind: 'run.rerun', stages, trigger }] satisfies readonly RunFact[]);
        });
        if (stages.length > 0) await done(actor, 'run.rerun', project.name, { run: row.run, which: request.body.which });
        return { stages };
      },
    );

    app.post(
      '/runs/:number/gates/:gate',
      { schema: { params: gateParams, body: decideSchema, response: { 200: actedSchema } } },
      async (request) => {
        const { actor, project, row } = await access.run(request, 'decide');
        const { gate } = request.params;
        const state = await dispatcher.report(row.run, (before) => decisionIn(before, gate, nameOf(actor), clock.now(), request.body));
        await done(actor, `gate.${request.body.decision}`, project.name, { run: row.run, gate });
        return { lastSeq: state.lastSeq };
      },
    );
  };

/** Bound to what was shown: the plan and this opening of the gate; and to those whom the plan asks. */
const decisionIn = (
  state: RunState,
  name: string,
  by: string,
  at: number,
  { decision, reason, digest, openedAt }: z.output<typeof decideSchema>,
): readonly RunFact[] => {
  const facts = decideGate(name, digest, { kind: decision, by, at, ...(reason === undefined ? {} : { reason }) })(state);
  const gate = state.nodes.get(name);
  const planned = state.plan?.nodes.find((node) => node.name === name);
  if (gate?.kind === 'gate' && gate.openedAt !== openedAt) {
    throw new HttpError('GATE_CHANGED', 409, `The gate ${JSON.stringify(name)} was opened anew since: look at the run again.`);
  }
  if (
    planned?.kind === 'gate' &&
    planned.waitsFor.kind === 'person' &&
    planned.waitsFor.who.length > 0 &&
    !planned.waitsFor.who.includes(by)
  ) {
    throw new HttpError(
      'GATE_NOT_YOURS',
      403,
      `The gate ${JSON.stringify(name)} waits for ${planned.waitsFor.who.join(' or ')}, not for ${by}.`,
      'Those whom a gate names decide it, and nobody in their place: admins neither.',
    );
  }
  return facts;
};

const again = (state: RunState, which: 'all' | 'failed'): readonly string[] => {
  if (state.phase !== 'finished')
    throw new HttpError('RUN_NOT_OVER', 409, `Run ${state.number} has not ended yet.`, 'Wait for its end, or cancel it.');
  if (state.plan === undefined)
    throw new HttpError('RUN_UNPLANNED', 409, `Run ${state.number} ended before it had a plan.`, 'Start a new one.');
  return stagesAgain(state.plan, state, which);
};

const refOf = (branch: string | undefined, tag: string | undefined): { readonly ref?: string } => {
  if (branch !== undefined) return { ref: `refs/heads/${branch}` };
  return tag === undefined ? {} : { ref: `refs/tags/${tag}` };
};

const nameOf = (actor: Actor): string => {
  if (actor.kind === 'account') return actor.name;
  return actor.kind === 'worker' ? actor.worker : 'somebody';
};
