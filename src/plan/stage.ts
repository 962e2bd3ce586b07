import type { Command, EnvValue, ImageSource, Plan, Stage, Variable } from './plan.ts';

/** A Stage with every key, so that dialects state only what they mean (R-DCK-76). */
export const stage = (given: { readonly name: string; readonly image: ImageSource } & Partial<Stage>): Stage => ({
  kind: 'stage',
  needs: [],
  command: imageCommand,
  env: {},
  mounts: [],
  files: [],
  services: [],
  limits: {},
  timeouts: {},
  retry: { attempts: 1, on: [] },
  always: false,
  mayFail: false,
  sensitive: false,
  ...given,
});

export const imageCommand: Command = { kind: 'image' };

export const reference = (image: string): ImageSource => ({ kind: 'reference', reference: image });

/** Every value that a stage is given, in variables and in files. */
export const valuesOf = (stage: Stage): readonly EnvValue[] => namedValuesOf(stage).map(({ value }) => value);

/** The same with the name of the variable, or the path of the file. */
export const namedValuesOf = (stage: Stage): readonly NamedValue[] => [
  ...[stage.env, ...stage.services.map((service) => service.env)].flatMap((env) =>
    Object.entries(env).map(([name, value]) => ({ name, value })),
  ),
  ...stepVariablesOf(stage).flatMap(({ name, value }) => (value.kind === 'expanded' ? [] : [{ name, value }])),
  ...stage.files.map(({ path, value }) => ({ name: path, value })),
];

type NamedValue = { readonly name: string; readonly value: EnvValue };

const stepVariablesOf = ({ command, done }: Stage): readonly Variable[] =>
  [command, ...(done === undefined ? [] : [done.command])].flatMap((each) =>
    each.kind === 'steps' ? [...each.variables, ...[...each.steps, ...each.after].flatMap((step) => step.variables)] : [],
  );

/** The stages whose stdout a stage is given: as a value, as a file or as the name of an image. */
export const outputsAskedBy = (stage: Stage): readonly string[] => [
  ...valuesOf(stage).flatMap((value) => (value.kind === 'output' ? [value.stage] : [])),
  ...imagesOf(stage).flatMap((image) => (image.kind === 'output' ? [image.stage] : [])),
];

/** The images of a stage and its services. */
export const imagesOf = (stage: Stage): readonly ImageSource[] => [stage.image, ...stage.services.map((service) => service.image)];

/** The volumes from which images of a stage and its services are built. */
export const buildVolumesOf = (stage: Stage): readonly string[] =>
  imagesOf(stage).flatMap((image) => (image.kind === 'build' ? [image.volume] : []));

/** The stages whose artifacts another mounts. */
export const artifactsAskedBy = (stage: Stage): readonly string[] =>
  stage.mounts.flatMap((mount) => (mount.kind === 'artifacts' ? [mount.stage] : []));

/** What the log of a stage's `done` is called; no stage may have such a name beside it. */
export const doneName = (stage: string): string => `${stage}.done`;

/** The other way, for a name that is no stage's own. */
export const stageOfLog = (name: string): string => name.replace(/\.done$/, '');

export const stagesOf = (plan: Plan): readonly Stage[] => plan.nodes.filter((node) => node.kind === 'stage');
