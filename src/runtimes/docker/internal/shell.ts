import { type Internal, type InternalContext, type Performed, say } from './context.ts';
import type { Options } from './options.ts';

/** A run has no terminal; a person opens a shell when they want one. */
export const shell = async (_step: Internal, _options: Options, context: InternalContext): Promise<Performed> => {
  const { stage } = context.item;
  await say(context, `cion: no shell is opened here, for a run has no terminal; open one beside it: cion shell last/${stage.name}`);
  return { code: 0 };
};
