import { ForgeError } from './forge-error.ts';

/** A part of a path, whatever is in it. */
export const part = (text: string): string => {
  if (/^\.{0,2}$/.test(text)) throw new ForgeError('FORGE_NOT_FOUND', 'A forge was asked for something without a name.');
  return encodeURIComponent(text);
};

/** `owner/name` as a path. */
export const namePath = (name: string): string => name.split('/').map(part).join('/');

/** What is no number is not asked for. */
export const idPart = (id: string): string => {
  if (!/^[1-9]\d{0,18}$/.test(id)) throw new ForgeError('FORGE_NOT_FOUND', 'A repository has a number at its forge, and this is none.');
  return id;
};

/** `undefined` for what the forge does not have. */
export const foundOr = async <T>(found: Promise<T>): Promise<T | undefined> => {
  try {
    return await found;
  } catch (error) {
    if (error instanceof ForgeError && error.code === 'FORGE_NOT_FOUND') return undefined;
    throw error;
  }
};
