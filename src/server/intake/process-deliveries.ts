import type { Clock } from '../../lib/clock.ts';
import type { Delivery, DeliveryResult, DeliveryStore } from '../../store/deliveries.ts';
import type { Project, ProjectStore } from '../../store/projects.ts';
import type { Guard } from '../actor.ts';
import type { ForgeEvent } from '../forges/forge-event.ts';
import type { Forge } from '../forges/forge.ts';
import type { BeginRun } from '../runs/begin-run.ts';
import { followedUrl } from './followed-url.ts';
import { wantedRuns } from './wanted-runs.ts';

export type DeliveryDeps = {
  readonly deliveries: Pick<DeliveryStore, 'take' | 'settle' | 'forget'>;
  readonly projects: Pick<ProjectStore, 'get' | 'change'>;
  readonly forges: readonly Forge[];
  readonly beginRun: BeginRun;
  readonly guard: Pick<Guard, 'note'>;
  readonly clock: Clock;
  /** For who runs the server; no secrets. */
  readonly warn: (text: string) => void;
};

/** Works on what came in, also on what a server before left. */
export type DeliveryWork = {
  /** Something came in. */
  wake(): void;
  /** Until the signal aborts; what is under way then is finished first. */
  run(signal: AbortSignal): Promise<void>;
};

const projectsAtOnce = 8;
const takenOfProject = 4;
/** Also without being woken: some are tried again. */
const restMs = 5000;
const mostTries = 12;
/** Bodies are kept for those who look for what went wrong. */
const bodiesKeptMs = 7 * 24 * 3_600_000;
const sweepMs = 3_600_000;

/**
 * Each project has its own turn, so that a flood of one delays nobody else (atk-08), and within a project it goes in order. What cannot be read is refused and
 * recorded; what fails on our side is tried again, and is given up in the end; neither holds up what came after it.
 */
export const processDeliveries = (deps: DeliveryDeps): DeliveryWork => {
  const { deliveries, clock, warn } = deps;
  const busy = new Map<string, Promise<void>>();
  let woken = Promise.withResolvers<void>();
  let sweptAt = Number.NEGATIVE_INFINITY;

  const settle = async (delivery: Delivery): Promise<void> => {
    try {
      const result = await workOn(deps, delivery);
      await deliveries.settle(delivery, { ...result, at: clock.now() });
    } catch (error) {
      warn(`Delivery ${delivery.id} of ${delivery.project} is tried again: ${error instanceof Error ? error.message : 'it failed'}.`);
    }
  };

  const begin = (project: string, taken: readonly Delivery[]): void => {
    const work = (async () => {
      for (const delivery of taken) await settle(delivery);
    })().finally(() => {
      busy.delete(project);
      woken.resolve();
    });
    busy.set(project, work);
  };

  const takeMore = async (): Promise<boolean> => {
    const projects = projectsAtOnce - busy.size;
    if (projects <= 0) return false;
    const taken = await deliveries.take({ now: clock.now(), projects, perProject: takenOfProject, except: [...busy.keys()] });
    for (const [project, own] of Map.groupBy(taken, (delivery) => delivery.project)) begin(project, own);
    return taken.length > 0;
  };

  const sweep = async (): Promise<void> => {
    const now = clock.now();
    if (now - sweptAt < sweepMs) return;
    sweptAt = now;
    await deliveries.forget(now - bodiesKeptMs);
  };

  const rest = async (): Promise<void> => {
    const cancel = clock.after(restMs, () => woken.resolve());
    await woken.promise;
    cancel();
    woken = Promise.withResolvers<void>();
  };

  return {
    wake: () => woken.resolve(),
    run: async (signal) => {
      const stop = (): void => woken.resolve();
      signal.addEventListener('abort', stop);
      while (!signal.aborted) {
        try {
          if (await takeMore()) continue;
          await sweep();
        } catch (error) {
          warn(`Deliveries cannot be taken now: ${error instanceof Error ? error.message : 'it failed'}`);
        }
        if (!signal.aborted) await rest();
      }
      signal.removeEventListener('abort', stop);
      await Promise.all(busy.values());
    },
  };
};

type Result = Omit<DeliveryResult, 'at'>;

const workOn = async (deps: DeliveryDeps, delivery: Delivery): Promise<Result> => {
  const { projects, forges, guard } = deps;
  const refuse = async (note: string): Promise<Result> => {
    const detail = { delivery: delivery.id, why: note };
    await guard.note({ actor: { kind: 'anonymous' }, action: 'delivery.refused', project: delivery.project, outcome: 'refused', detail });
    return { kind: 'refused', note, runs: [] };
  };

  if (delivery.tries > mostTries)
    return { kind: 'given-up', note: `It failed ${mostTries} times; the log of the server says why.`, runs: [] };
  const project = await projects.get(delivery.project);
  if (project === undefined) return { kind: 'ignored', note: 'The project is gone.', runs: [] };
  const forge = forges.find(({ kind }) => kind === (project.forge?.kind ?? 'git'));
  if (forge === undefined) return refuse('This server does not know this kind of forge.');
  const message = forge.read({ headers: delivery.headers, body: Buffer.from(delivery.body) });
  if (message.kind === 'unreadable') return refuse(message.reason);
  const isOwn = message.repository === project.forge?.repository || (message.repository === undefined && isOfNone(message.event));
  if (!isOwn) return refuse('It is about another repository than that of the project.');
  if (project.forge?.goneAt !== undefined) return { kind: 'ignored', note: 'The repository was deleted before.', runs: [] };
  await follow(deps, project, message.event);
  return beginRuns(deps, project, message.event);
};

/** A forge may send these about all repositories of somebody. */
const isOfNone = ({ kind }: ForgeEvent): boolean => kind === 'ping' || kind === 'other';

/** The project stays with its repository: it goes where that goes, and ends with it (atk-05). */
const follow = async ({ projects, guard, clock }: DeliveryDeps, { name }: Project, event: ForgeEvent): Promise<void> => {
  if (event.kind !== 'repository-deleted' && event.kind !== 'repository-renamed') return;
  await projects.change(name, (project) => {
    if (project.forge === undefined) return project;
    if (event.kind === 'repository-deleted') return { ...project, forge: { ...project.forge, goneAt: clock.now() } };
    return { ...project, cloneUrl: followedUrl(project.cloneUrl, event.cloneUrl) };
  });
  const action = event.kind === 'repository-deleted' ? 'repository.deleted' : 'repository.renamed';
  await guard.note({ actor: { kind: 'anonymous' }, action, project: name, outcome: 'done', detail: {} });
};

const beginRuns = async ({ beginRun }: DeliveryDeps, project: Project, event: ForgeEvent): Promise<Result> => {
  const wanted = wantedRuns(project, event);
  if (wanted.kind === 'none') return { kind: 'ignored', note: wanted.because, runs: [] };
  const begun = [];
  for (const request of wanted.requests) begun.push(await beginRun(request));
  const made = begun.filter(({ kind }) => kind === 'created').length;
  const note = `It made ${made === 1 ? 'a run' : `${made} runs`}${made < begun.length ? `; for ${begun.length - made} there was one` : ''}.`;
  return { kind: 'done', note, runs: begun.map(({ run }) => run) };
};
