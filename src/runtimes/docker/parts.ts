import type { Clock } from '../../lib/clock.ts';
import type { RegistryLogins } from '../registry-logins.ts';
import type { Item } from '../runtime.ts';
import { makeAccounts } from './accounts.ts';
import { makeBoxes } from './boxes.ts';
import { makeBuilds } from './builds.ts';
import { makeCommits } from './commits.ts';
import type { Environment } from './engine/docker-config.ts';
import type { Engine } from './engine/engine.ts';
import { makeExits } from './exits.ts';
import { makeImages } from './images.ts';
import { type Labels, label } from './labels.ts';
import { makeLogDriver } from './log-driver.ts';
import { makeNames } from './names.ts';
import { makePauseImage } from './pause-image.ts';
import { makePauses } from './pauses.ts';
import { makePushes } from './pushes.ts';
import { makeReadiness } from './readiness.ts';
import { makeStageNetwork } from './stage-network.ts';
import { makeTrees } from './trees.ts';
import { makeVolumes } from './volumes.ts';

/** What the attempts of all runs share. */
export const makeParts = (given: {
  readonly engine: Engine;
  readonly namespace: string;
  readonly clock: Clock;
  readonly env: Environment;
  readonly logins: RegistryLogins;
}) => {
  const { engine, namespace, clock, env, logins } = given;
  const runLabels = (run: string, project: string): Labels => ({
    [label.namespace]: namespace,
    [label.run]: run,
    [label.project]: project,
  });
  const names = makeNames(namespace);
  const pauseImage = makePauseImage(engine, namespace, names.pauseImage);
  const exits = makeExits(engine, namespace, clock);
  const logDriver = makeLogDriver(engine);
  const stageNetwork = makeStageNetwork(engine, namespace);
  const pauses = makePauses(engine, stageNetwork, pauseImage, namespace, names, clock, runLabels);
  const trees = makeTrees(engine, names, pauseImage, clock);
  const volumes = makeVolumes(engine, names, trees, namespace);
  const accounts = makeAccounts(engine);
  const builds = makeBuilds({ engine, names, volumes, namespace, env, logins });
  const images = makeImages(engine, env, builds, logins);
  const runs = new Map<string, AbortController>();

  return {
    engine,
    clock,
    env,
    logins,
    namespace,
    names,
    pauseImage,
    stageNetwork,
    exits,
    logDriver,
    images,
    pauses,
    trees,
    volumes,
    accounts,
    commits: makeCommits(engine, names, namespace, logins, makePushes(engine, env, logins)),
    boxes: makeBoxes(engine, exits, logDriver, clock),
    readiness: makeReadiness(engine, exits, pauseImage, clock),
    labelsOf: (item: Item, role: string): Labels => ({
      ...runLabels(item.run, item.project),
      [label.stage]: item.stage.name,
      [label.attempt]: String(item.attempt),
      [label.role]: role,
    }),
    runs: {
      /** Aborts when the run is swept. */
      signal: (run: string): AbortSignal => {
        const controller = runs.get(run) ?? new AbortController();
        runs.set(run, controller);
        return controller.signal;
      },
      known: (): readonly string[] => [...new Set([...runs.keys(), ...volumes.runs()])],
      forget: async (run: string): Promise<void> => {
        runs.get(run)?.abort();
        runs.delete(run);
        images.forget(run);
        accounts.forget(run);
        await Promise.all([pauses.forget(run), volumes.forget(run)]);
      },
    },
  };
};

export type Parts = ReturnType<typeof makeParts>;
