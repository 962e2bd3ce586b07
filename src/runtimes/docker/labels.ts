/** What stands on everything that is made, so that it is found again. Wire format: names stay. */
export const label = {
  namespace: 'cion.namespace',
  run: 'cion.run',
  project: 'cion.project',
  stage: 'cion.stage',
  attempt: 'cion.attempt',
  /** Of a container that a step started: which. */
  step: 'cion.step',
  /** stage, done, service, probe, pause, spare, files, copy, network, stages, cache, build, run, shell */
  role: 'cion.role',
  /** Of a container that was started held: what its wrapper says when it was never let go. */
  nonce: 'cion.nonce',
  /** Of a container that runs steps: what its marks are known by. */
  marks: 'cion.marks',
} as const;

/** Of volumes that no run owns. */
export const cacheRole = 'cache';

export type Labels = Readonly<Record<string, string>>;

/** As the engine's lists take it. */
export const labelFilter = (labels: Labels): string =>
  JSON.stringify({ label: Object.entries(labels).map(([name, value]) => `${name}=${value}`) });
