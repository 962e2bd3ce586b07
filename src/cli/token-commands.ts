import { type Command, Option, type OptionValues } from '@commander-js/extra-typings';
import type { TokenJson } from '../api/auth.ts';
import { atLeastOne, wordsOf } from './option-values.ts';
import { jsonOption, someServerOption } from './program-options.ts';
import type { CommandMaker } from './server-commands.ts';

const rights = ['read', 'run', 'decide', 'secrets', 'settings', 'admin', 'tokens'] as const satisfies TokenJson['scopes'];

/** What the commands share that need a login of their own, or a token with the right `tokens`. */
const asOwner = <Args extends unknown[], Opts extends OptionValues>(command: Command<Args, Opts>) =>
  command
    .addOption(someServerOption())
    .option(
      '--account <name>',
      'whose tokens (default: of who is logged in here); the password is read from stdin or typed unseen, unless the token here has the right tokens',
    );

/** Tokens of people and programs, and of workers. */
export const tokenCommands = ({ command, context, finish }: CommandMaker): void => {
  const tokens = command('tokens', 'make, list and revoke tokens of your account at a server');
  asOwner(tokens.command('list', { isDefault: true }).summary('list them, without what proves them'))
    .addOption(jsonOption('print JSON lines'))
    .action(async (options) => finish(await (await import('./commands/tokens.ts')).tokenList(context(), options)));
  asOwner(
    tokens
      .command('create')
      .summary('make one for a program or another machine; it is printed once, alone on stdout')
      .argument('<name>', 'what it is for')
      .addOption(new Option('--scopes <rights>', `what it may: ${rights.join(', ')}; with commas, or repeated`).argParser(wordsOf(rights)))
      .option('--on <project>', 'only in this project, OWNER/NAME')
      .addOption(new Option('--expires-in-days <n>', 'how long it is good').argParser(atLeastOne).default(90)),
  ).action(async (name, options) => finish(await (await import('./commands/tokens.ts')).tokenCreate(context(), name, options)));
  asOwner(tokens.command('revoke').summary('make one worthless at once').argument('<id>', 'as "cion tokens" lists it')).action(
    async (id, options) => finish(await (await import('./commands/tokens.ts')).tokenRevoke(context(), id, options)),
  );

  const worker = command('worker', 'let workers work for a server');
  const token = worker.command('token').summary('the tokens of workers');
  token
    .command('add')
    .summary('make the token of a worker; it is printed once')
    .argument('<name>', 'the worker that it is for')
    .addOption(new Option('--expires-in-days <n>', 'how long it is good (default: until it is revoked)').argParser(atLeastOne))
    .addOption(someServerOption())
    .action(async (name, options) => finish(await (await import('./commands/worker-token.ts')).workerTokenAdd(context(), name, options)));
  token
    .command('list', { isDefault: true })
    .summary('list them, without what proves them')
    .addOption(someServerOption())
    .addOption(jsonOption('print JSON lines'))
    .action(async (options) => finish(await (await import('./commands/worker-token.ts')).workerTokenList(context(), options)));
  token
    .command('revoke')
    .summary('make one worthless at once')
    .argument('<id>', 'as "cion worker token" lists it')
    .addOption(someServerOption())
    .action(async (id, options) => finish(await (await import('./commands/worker-token.ts')).workerTokenRevoke(context(), id, options)));
};
