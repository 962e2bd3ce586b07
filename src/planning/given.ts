import type { Given, GivenSource } from '../dialects/dialect.ts';
import type { RunState } from '../run/run-state.ts';

/** What the person asked for. */
export type Asked = Pick<Given, 'pipeline' | 'target' | 'lastBuild'>;

/** Names, and what they are worth. */
export type Variables = { readonly names: readonly string[]; variable(name: string): string | undefined };

type Known = Asked & {
  readonly project: string;
  readonly source: GivenSource;
  readonly variables: Variables;
  readonly run?: Pick<RunState, 'run' | 'number' | 'trigger' | 'createdAt'>;
  readonly build?: string;
  readonly pages?: Given['pages'];
};

/** What a dialect is told of a run, or of a plan that is only looked at. */
export const givenOf = ({ project, source, variables, run, build, pages, pipeline, target, lastBuild }: Known): Given => ({
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
  ...(pages === undefined ? {} : { pages }),
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
