import type { Given } from '../dialects/dialect.ts';
import { type Asked, givenOf, type Variables } from '../planning/given.ts';
import { originOf } from '../source/origin.ts';
import type { Context } from './context.ts';

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
