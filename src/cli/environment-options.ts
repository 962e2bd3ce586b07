import type { CommandUnknownOpts, Option } from '@commander-js/extra-typings';
import { Refusal } from './refusal.ts';

/** Options whose variable is not called after them. */
const names: Readonly<Record<string, string | undefined>> = {
  'run --commit': 'CION_REV',
  'build --commit': 'CION_IMAGE',
  'dev --commit': 'CION_IMAGE',
  'build --no-commit': 'CION_NO_IMAGE',
  'dev --no-commit': 'CION_NO_IMAGE',
  'serve --registry': 'CION_SERVER_REGISTRY',
  'serve --registry-key': 'CION_SERVER_REGISTRY_KEY',
};

/** Outside variables come from the environment as it is. */
const without: ReadonlySet<string> = new Set(['--env', '--help', '--version']);

const serverOptions: ReadonlySet<string> = new Set(['--server', '--on', '--ref', '--detach']);

const started: ReadonlySet<string> = new Set([
  'run',
  'build',
  'deploy',
  'dev',
  'fetch',
  'rerun',
  'resume',
  'serve',
  'work',
  'backup',
  'restore',
]);

/** The variable that says an option when the command line does not (R-WRK-77); none for commands that start no work. */
export const environmentName = (option: Option, command: CommandUnknownOpts): string | undefined => {
  const { long } = option;
  if (long === null || long === undefined || without.has(long)) return undefined;
  // Where a command works on this machine when nothing is said, only the command line sends it to a server.
  if (command.name() !== 'work' && serverOptions.has(long)) return undefined;
  if (command.parent !== null && !started.has(command.name())) return undefined;
  return names[`${command.name()} ${long}`] ?? `CION_${long.slice(2).toUpperCase().replaceAll('-', '_')}`;
};

type Environment = Readonly<Record<string, string | undefined>>;

/** Gives a command, and those around it, what the environment says of options that the command line leaves open. */
export const takeFromEnvironment = (command: CommandUnknownOpts, env: Environment): void => {
  for (const option of command.options) {
    const name = environmentName(option, command);
    const text = name === undefined ? undefined : env[name];
    if (name === undefined || text === undefined || text === '' || isSaid(command, option)) continue;
    if (contradictions(command, option).some((other) => isSaid(command, other))) continue;
    const value = valueOf(option, name, text);
    if (value !== undefined) command.setOptionValueWithSource(option.attributeName(), value, 'env');
  }
  if (command.parent !== null) takeFromEnvironment(command.parent, env);
};

const isSaid = (command: CommandUnknownOpts, option: Option): boolean => {
  const source = command.getOptionValueSource(option.attributeName());
  return source !== undefined && source !== 'default';
};

const contradictions = (command: CommandUnknownOpts, option: Option): readonly Option[] => {
  const { conflictsWith } = option as Option & { readonly conflictsWith?: readonly string[] };
  const names = new Set(conflictsWith ?? []);
  return command.options.filter((other) => {
    const theirs = (other as Option & { readonly conflictsWith?: readonly string[] }).conflictsWith ?? [];
    return names.has(other.attributeName()) || theirs.includes(option.attributeName());
  });
};

const valueOf = (option: Option, name: string, text: string): unknown => {
  if (!option.required && !option.optional) return isYes(name, text) ? !option.negate : undefined;
  if (option.optional && /^(?:1|true|yes|on|0|false|no|off)$/i.test(text)) return isYes(name, text) ? [true] : undefined;
  const { parseArg } = option;
  try {
    if (parseArg === undefined) return text;
    const parts = isRepeatable(option) ? text.split(/[,\n]/).map((part) => part.trim()) : [text];
    return parts.filter((part) => part !== '').reduce<unknown>((earlier, part) => parseArg(part, earlier as never), undefined);
  } catch (error) {
    throw new Refusal('USAGE', `${name} is ${JSON.stringify(text)}: ${error instanceof Error ? error.message : String(error)}`);
  }
};

export const isRepeatable = (option: Option): boolean => option.description.includes('(repeatable');

const isYes = (name: string, text: string): boolean => {
  if (/^(?:1|true|yes|on)$/i.test(text)) return true;
  if (/^(?:0|false|no|off)$/i.test(text)) return false;
  throw new Refusal('USAGE', `${name} is ${JSON.stringify(text)}.`, 'Write 1 for yes, or 0 for no.');
};
