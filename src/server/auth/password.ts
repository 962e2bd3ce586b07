import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { AuthError } from './auth-error.ts';

/** Hashes of passwords as `$argon2id$v=19$m=…,t=…,p=…$salt$hash`, so that the costs may grow and older ones stay readable. */
export type Passwords = {
  hash(password: string): Promise<string>;
  /** Without a hash (nobody has that name) it takes as long, and is `false`. */
  verify(password: string, hash: string | undefined): Promise<boolean>;
};

type Costs = { readonly memory: number; readonly passes: number; readonly parallelism: number };

const recommended: Costs = { memory: 19_456, passes: 2, parallelism: 1 };
const tagLength = 32;

export const passwordsOf = (costs: Costs = recommended): Passwords => {
  const nobody = randomBytes(tagLength);
  const nobodysNonce = randomBytes(16);
  return {
    hash: async (password) => {
      const nonce = randomBytes(16);
      const tag = await derive(password, nonce, costs);
      return `$argon2id$v=19$m=${costs.memory},t=${costs.passes},p=${costs.parallelism}$${unpadded(nonce)}$${unpadded(tag)}`;
    },
    verify: async (password, hash) => {
      const kept = hash === undefined ? undefined : parse(hash);
      const tag = await derive(password, kept?.nonce ?? nobodysNonce, kept?.costs ?? costs);
      const isSame = timingSafeEqual(tag, kept?.tag ?? nobody);
      return kept !== undefined && isSame;
    },
  };
};

/** Throws AuthError: too short to withstand guessing, or longer than any that is typed. */
export const checkPassword = (password: string, name: string): void => {
  if (password.length < 12 || password.length > 1024) {
    throw new AuthError('PASSWORD_REFUSED', 'A password has 12 to 1024 characters.');
  }
  const repeatsName = name.length > 2 && password.toLowerCase().includes(name.toLowerCase());
  if (repeatsName || new Set(password).size < 4) {
    throw new AuthError('PASSWORD_REFUSED', 'This password is too easy to guess: without your name, and of more than a few characters.');
  }
};

const derivation = promisify(argon2);

const derive = async (password: string, nonce: Uint8Array, costs: Costs): Promise<Buffer> =>
  derivation('argon2id', { message: password.normalize('NFKC'), nonce, tagLength, ...costs });

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');

const parse = (text: string): { readonly costs: Costs; readonly nonce: Buffer; readonly tag: Buffer } | undefined => {
  const [, memory, passes, parallelism, nonce = '', tag = ''] =
    /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(text) ?? [];
  const bytes = Buffer.from(tag, 'base64');
  if (bytes.length !== tagLength) return undefined;
  return {
    costs: { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
    nonce: Buffer.from(nonce, 'base64'),
    tag: bytes,
  };
};
