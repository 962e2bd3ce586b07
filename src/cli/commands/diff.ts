import { deployedAt } from '../../local/ledger.ts';
import { differencesOf } from '../../run/deployment-difference.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { looks } from '../looks.ts';
import { type DeploymentRow, deployments } from '../printers/deployments.ts';
import { visible } from '../printers/visible.ts';
import { Refusal } from '../refusal.ts';
import { isRemote, openRemoteProject, type RemoteOptions } from '../remote/open-remote.ts';
import { writeLines } from '../write.ts';
import { historyHere } from './deployments.ts';

export type DiffOptions = RemoteOptions & { readonly json?: true };

type Difference = {
  readonly from: DeploymentRow;
  readonly to: DeploymentRow;
  readonly differs: readonly ('commit' | 'changedFiles' | 'image')[];
};

/** What differs between what is at two environments now (R-CIO-18). */
export const diff = async (context: Context, one: string, other: string, { json, ...options }: DiffOptions): Promise<ExitCode> => {
  const difference = isRemote(options) ? await differenceOn(context, one, other, options) : await differenceHere(context, one, other);
  const { from, to, differs } = difference;
  const lines = [...deployments([from, to], Date.now(), looks(context)), '', ...sentencesOf(difference)];
  await writeLines(context.stdout, json ? [JSON.stringify({ from, to, differs })] : lines);
  return exitCodes.passed;
};

const differenceOn = async (context: Context, one: string, other: string, options: RemoteOptions): Promise<Difference> => {
  const { api, project } = await openRemoteProject(context, options);
  return api.difference(project, one, other);
};

const differenceHere = async (context: Context, one: string, other: string): Promise<Difference> => {
  const history = await historyHere(context);
  const at = (environment: string): DeploymentRow => {
    const found = deployedAt(history, environment);
    if (found !== undefined) return found;
    throw new Refusal(
      'ENVIRONMENT_UNKNOWN',
      `Nothing was deployed to ${JSON.stringify(environment)} yet.`,
      '"cion deployments" lists what was.',
    );
  };
  const [from, to] = [at(one), at(other)];
  return { from, to, differs: differencesOf(from, to) };
};

const sentencesOf = ({ from, to, differs }: Difference): readonly string[] => {
  const [one, other] = [visible(from.environment), visible(to.environment)];
  if (differs.length === 0) return [`The same is at ${one} and ${other}.`];
  const isKnown = from.commit !== undefined && to.commit !== undefined && differs.includes('commit');
  return [
    `${one} and ${other} differ in ${differs.map((what) => words[what]).join(' and ')}.`,
    ...(isKnown ? [`The commits between: git log ${from.commit?.slice(0, 12)}...${to.commit?.slice(0, 12)}`] : []),
  ];
};

const words = { commit: 'the commit', changedFiles: 'changed files', image: 'the image' } as const;
