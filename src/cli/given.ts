import type { Given, GivenSource } from '../dialects/dialect.ts';
import type { RunState } from '../run/run-state.ts';
import { originOf } from '../source/origin.ts';
import type { Context } from './context.ts';

/** What the person asked for. */
export type Asked = Pick<Given, 'pipeline' | 'target' | 'lastBuild'>;

/** Names, and what they are worth. */
type Variables = { readonly names: readonly string[]; variable(name: string): string | undefined };

type Known = Asked & {
  readonly project: string;
  readonly source: GivenSource;
  readonly variables: Variables;
  readonly run?: Pick<RunState, 'run' | 'number' | 'trigger' | 'createdAt'>;
  readonly build?: string;
};

/** What a dialect is told of a run, or of a plan that is only looked at. */
export const givenOf = ({ project, source, variables, run, build, pipeline, target, lastBuild }: Known): Given => ({
  ...(run === undefined
    ? {}
    : {
        run: {
          id: run.run,
          number: run.number,
          startedBy: run.trigger.by,
          startedAt: run.createdAt,
          ...(build === undefined ? {} : { build }),
        },
      }),
  project,
  source,
  variables: variables.names,
  publicValues: publicValues(variables),
  ...(pipeline === undefined ? {} : { pipeline }),
  ...(target === undefined ? {} : { target }),
  ...(lastBuild === undefined ? {} : { lastBuild }),
  steps: new Map(),
});

const publicValues = ({ names, variable }: Variables): ReadonlyMap<string, string> =>
  new Map(names.filter((name) => name.startsWith('X_')).flatMap((name) => [[name, variable(name) ?? ''] as const]));

export const environmentVariables = (env: Context['env']): Variables => ({
  names: Object.keys(env),
  variable: (name) => env[name],
});

/** For a look at the text of a project, or of a commit of it. */
export const givenForLook = async (
  { env }: Pick<Context, 'env'>,
  { root, name, commit, ...asked }: Asked & { readonly root: string; readonly name: string; readonly commit?: string },
): Promise<Given> => givenOf({ ...asked, project: name, source: await originOf(root, commit), variables: environmentVariables(env) });

export type PipelineOptions = { readonly pipeline?: string; readonly target?: string };

export const askedOf = ({ pipeline, target }: PipelineOptions): Asked => ({
  ...(pipeline === undefined ? {} : { pipeline }),
  ...(target === undefined ? {} : { target }),
});
