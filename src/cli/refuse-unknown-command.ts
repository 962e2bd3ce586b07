import { didYouMean } from '../lib/did-you-mean.ts';

type Group = {
  readonly args: readonly string[];
  readonly commands: readonly { name(): string; aliases(): readonly string[] }[];
  error(message: string): never;
};

/** Where a group has a command that is meant without a word, a mistyped one is no argument of that. */
export const refuseUnknownCommand = (group: Group): void => {
  const [word] = group.args;
  if (word === undefined || word.startsWith('-')) return;
  const known = group.commands.flatMap((command) => [command.name(), ...command.aliases()]);
  if (known.includes(word)) return;
  group.error(`error: unknown command ${JSON.stringify(word)}. ${didYouMean(word, known) ?? ''}`);
};
