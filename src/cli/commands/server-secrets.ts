import type { SecretRow } from '../../api/projects.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { looks } from '../looks.ts';
import { table } from '../printers/table.ts';
import { visible } from '../printers/visible.ts';
import { dateTime } from '../printers/words.ts';
import { readSecret } from '../read-secret.ts';
import { Refusal } from '../refusal.ts';
import { openRemoteProject, type RemoteOptions } from '../remote/open-remote.ts';
import { write, writeLines } from '../write.ts';

export type SecretSetOptions = RemoteOptions & {
  readonly variable?: true;
  readonly identity?: true;
  readonly pipeline?: readonly string[];
  readonly branch?: readonly string[];
  readonly environment?: readonly string[];
  readonly trigger?: readonly string[];
};

/** Gives a project of a server a secret; the value comes from stdin or is typed unseen, and is never shown again. */
export const secretSet = async (context: Context, named: string | undefined, options: SecretSetOptions): Promise<ExitCode> => {
  const kind = options.identity ? 'identity' : options.variable ? 'variable' : 'secret';
  const name = named ?? (kind === 'identity' ? 'identity' : undefined);
  if (name === undefined) throw new Refusal('USAGE', 'Which secret?', 'Write "cion secret set NAME".');
  const remote = await openRemoteProject(context, options);
  const value = await readSecret(context, `Value of ${name}: `, { mayBeShort: kind === 'variable' });
  const scope = {
    pipelines: options.pipeline ?? [],
    branches: options.branch ?? [],
    environments: options.environment ?? [],
    triggers: options.trigger ?? [],
  };
  const before = (await remote.api.secrets(remote.project)).find((one) => one.name === name);
  await remote.api.setSecret(remote.project, name, { value, kind, scope });
  const replaced =
    before === undefined ? '' : ` It takes the place of the one for ${scopeOf(before) || 'everything'}: there is one of a name.`;
  await write(
    context.stdout,
    `${remote.project} has the ${kind} ${visible(name)} now, for ${scopeOf({ scope }) || 'everything'}.${replaced}\n`,
  );
  return exitCodes.passed;
};

export const secretRemove = async (context: Context, name: string, options: RemoteOptions): Promise<ExitCode> => {
  const remote = await openRemoteProject(context, options);
  await remote.api.removeSecret(remote.project, name);
  await write(context.stdout, `${remote.project} has no secret ${visible(name)} any more.\n`);
  return exitCodes.passed;
};

/** Names and who is given them; nobody reads a value back. */
export const secretList = async (context: Context, { json, ...options }: RemoteOptions & { readonly json?: true }): Promise<ExitCode> => {
  const remote = await openRemoteProject(context, options);
  const secrets = await remote.api.secrets(remote.project);
  const look = looks(context);
  const rows = secrets.map((one) => [visible(one.name), one.kind, scopeOf(one), visible(one.by), dateTime(one.at, look.timeZone)]);
  const columns = [{ title: 'Name' }, { title: 'Kind' }, { title: 'Only for', min: 8 }, { title: 'By' }, { title: 'When' }];
  const lines = secrets.length === 0 ? [`${remote.project} has no secrets.`] : table(columns, rows, look);
  await writeLines(context.stdout, json ? secrets.map((one) => JSON.stringify(one)) : lines);
  return exitCodes.passed;
};

const scopeOf = ({ scope }: Pick<SecretRow, 'scope'>): string =>
  Object.entries(scope)
    .flatMap(([what, names]) => (names.length === 0 ? [] : [`${what} ${names.map((name) => visible(name)).join(', ')}`]))
    .join('; ');
