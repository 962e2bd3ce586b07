import { ForgeError } from './forge-error.ts';

/** The hooks of a repository, as a forge keeps them. */
export type HooksOf = {
  list(): Promise<readonly { readonly id: string; readonly url: string }[]>;
  make(): Promise<string>;
  change(id: string): Promise<unknown>;
  remove(id: string): Promise<unknown>;
};

/** The deploy keys of a repository, as a forge keeps them: none can be changed. */
export type KeysOf = {
  list(): Promise<readonly { readonly id: string; readonly title: string; readonly key: string }[]>;
  make(): Promise<string>;
  remove(id: string): Promise<unknown>;
};

/** The hook with this address: made or changed; others with the same are removed. Answers its id. */
export const oneHook = async (hooks: HooksOf, url: string): Promise<string> => {
  const [first, ...more] = (await hooks.list()).filter((hook) => hook.url === url);
  for (const { id } of more) await gone(hooks.remove(id));
  if (first === undefined) return hooks.make();
  await hooks.change(first.id);
  return first.id;
};

/** The key with this title: kept or made; others with the same title are removed. Answers its id. */
export const oneKey = async (keys: KeysOf, wanted: { readonly title: string; readonly public: string }): Promise<string> => {
  const mine = (await keys.list()).filter(({ title }) => title === wanted.title);
  const same = mine.find(({ key }) => withoutComment(key) === withoutComment(wanted.public));
  for (const { id } of mine) if (id !== same?.id) await gone(keys.remove(id));
  return same?.id ?? keys.make();
};

/** Something is removed; that it was not there is no error. */
export const gone = async (removed: Promise<unknown>): Promise<void> => {
  try {
    await removed;
  } catch (error) {
    if (!(error instanceof ForgeError && error.code === 'FORGE_NOT_FOUND')) throw error;
  }
};

const withoutComment = (key: string): string => key.trim().split(/\s+/).slice(0, 2).join(' ');
