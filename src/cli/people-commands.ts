import { Option } from '@commander-js/extra-typings';
import type { AccountChangeJson } from '../api/auth.ts';
import { jsonOption, onServer, someServerOption } from './program-options.ts';
import type { CommandMaker } from './server-commands.ts';

const roles = ['owner', 'writer', 'reader'] as const;

const generateOption = () => new Option('--generate', 'make a password, and print it this once, alone on stdout');
const namedAccount = 'as "cion accounts" lists it';

const changes = [
  [
    'close',
    'let it in no more; what it did stays in the audit',
    { isClosed: true },
    'may not log in any more, and its tokens are good for nothing',
  ],
  ['reopen', 'let it in again', { isClosed: false }, 'may log in again'],
  ['promote', 'make an admin of it', { isAdmin: true }, 'is an admin now'],
  ['demote', 'make it no admin any more', { isAdmin: false }, 'is no admin any more'],
] as const satisfies readonly (readonly [string, string, AccountChangeJson, string])[];

/** Who is let into a server, and who has a part in which project. */
export const peopleCommands = ({ command, context, finish }: CommandMaker): void => {
  const accounts = command('accounts', 'list, make and change the accounts of a server, as an admin; and take another password');
  accounts
    .command('list', { isDefault: true })
    .summary('list them')
    .addOption(someServerOption())
    .addOption(jsonOption('print JSON lines'))
    .action(async (options) => finish(await (await import('./commands/accounts.ts')).accountList(context(), options)));
  accounts
    .command('add')
    .summary('make one; its first password is read from stdin or typed unseen')
    .argument('<name>', 'small letters, digits and . _ - between them')
    .option('--admin', 'an admin of the server')
    .addOption(generateOption())
    .addOption(someServerOption())
    .action(async (name, options) => finish(await (await import('./commands/accounts.ts')).accountAdd(context(), name, options)));
  accounts
    .command('password')
    .summary('take another password yourself')
    .description(
      'Takes another password for your own account. That of now and the new one are typed unseen; where stdin is no terminal they are its two lines.',
    )
    .option('--account <name>', 'whose (default: of who is logged in here)')
    .addOption(someServerOption())
    .action(async (options) => finish(await (await import('./commands/own-password.ts')).ownPassword(context(), options)));
  accounts
    .command('reset')
    .summary('give an account another password, read from stdin or typed unseen; its sessions end')
    .argument('<name>', namedAccount)
    .addOption(generateOption())
    .addOption(someServerOption())
    .action(async (name, options) => finish(await (await import('./commands/accounts.ts')).accountReset(context(), name, options)));
  for (const [name, summary, change, said] of changes) {
    accounts
      .command(name)
      .summary(summary)
      .argument('<name>', namedAccount)
      .addOption(someServerOption())
      .action(async (account, options) =>
        finish(await (await import('./commands/accounts.ts')).accountChange(context(), account, options, change, said)),
      );
  }

  const members = command('members', 'list, add and remove who has a role in a project of a server');
  onServer(
    members.command('list', { isDefault: true }).summary('list those that were given one').addOption(jsonOption('print JSON lines')),
  ).action(async (options) => finish(await (await import('./commands/members.ts')).memberList(context(), options)));
  onServer(
    members
      .command('add')
      .summary('give somebody a role, or another one')
      .argument('<name>', 'the account')
      .addOption(
        new Option('--role <role>', 'reader: look; writer: also run, cancel and decide; owner: also secrets, settings and members')
          .choices(roles)
          .makeOptionMandatory(),
      ),
  ).action(async (name, options) => finish(await (await import('./commands/members.ts')).memberAdd(context(), name, options)));
  onServer(members.command('remove').summary('take the role away').argument('<name>', 'as "cion members" lists it')).action(
    async (name, options) => finish(await (await import('./commands/members.ts')).memberRemove(context(), name, options)),
  );
};
