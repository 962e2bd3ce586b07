import { join } from 'node:path';
import { systemClock } from '../../lib/clock.ts';
import { makeProjectDir } from '../../local/project-dir.ts';
import { treeStore } from '../../local/tree-store.ts';
import { type Ask, type Downloader, downloader } from '../../steps/download.ts';
import { type StepIndex, stepIndex } from '../../steps/step-index.ts';
import { stepRegistry } from '../../steps/step-registry.ts';
import { type StepPolicy, type StepSource, stepSource } from '../../steps/step-source.ts';
import type { Context } from '../context.ts';
import type { Project } from '../project.ts';
import { Refusal } from '../refusal.ts';

export type StepOptions = { readonly stepsRegistry?: string };

export type OpenSteps = { readonly source: StepSource; readonly index: StepIndex; readonly download: Downloader };

/** `ask`: how places are asked for it, given the registry; absent: all alike. */
export type StepPlaces = Pick<StepPolicy, 'directories'> & { readonly ask?: (registry: URL | undefined) => Ask };

/** Where the code of steps comes from in a project; without `--steps-registry` and STEPS_REGISTRY no registry is asked. */
export const openSteps = async (
  context: Context,
  { root, stateDir }: Pick<Project, 'root' | 'stateDir'>,
  options: StepOptions,
  note: (line: string) => void,
  { ask, ...policy }: StepPolicy & StepPlaces = { production: false },
): Promise<OpenSteps> => {
  const url = registryAddress(context, options);
  const token = context.env.STEPS_REGISTRY_TOKEN;
  const download = downloader(systemClock, undefined, ask?.(url));
  const index = stepIndex(join(stateDir, 'steps.json'));
  await makeProjectDir(root);
  const source = stepSource({
    project: root,
    trees: treeStore(stateDir),
    index,
    download,
    policy,
    clock: systemClock,
    note,
    ...(url === undefined ? {} : { registry: stepRegistry({ url, download, ...(token ? { token } : {}) }) }),
  });
  return { source, index, download };
};

export const registryAddress = ({ env }: Pick<Context, 'env'>, { stepsRegistry }: StepOptions): URL | undefined => {
  const text = stepsRegistry ?? env.STEPS_REGISTRY;
  if (text === undefined || text === '') return undefined;
  const url = URL.parse(text);
  if (url !== null && (url.protocol === 'https:' || url.protocol === 'http:')) return url;
  throw new Refusal('USAGE', `"${text}" is no address of a registry of steps.`, 'Give one like https://steps.example.org.');
};
