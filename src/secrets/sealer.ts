import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

/**
 * Encrypts what a server keeps: AES-256-GCM under the newest of its keys. `context` says what the value is and whose (`project/x/deploy-key`): it is
 * authenticated, so that a value moved to another place cannot be read there.
 */
export type Sealer = {
  seal(plain: Uint8Array | string, context: string): string;
  /** Throws SealError: with another key, in another place, or when it was changed. */
  open(sealed: string, context: string): Buffer;
  /** Whether it was sealed with a key that is not the newest: seal it again. */
  isOld(sealed: string): boolean;
};

export class SealError extends Error {
  readonly code = 'SEALED_UNREADABLE';

  constructor(context: string) {
    super(`the value of ${context} cannot be read with the keys that the server was given`);
    this.name = 'SealError';
  }
}

/** `keys`: 32 bytes each, the newest first; the others only open. */
export const sealerOf = (keys: readonly [Uint8Array, ...Uint8Array[]]): Sealer => {
  const byName = new Map(keys.map((key) => [keyName(key), key]));
  const newest = keyName(keys[0]);
  return {
    seal: (plain, context) => {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', keys[0], nonce).setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(plain), cipher.final()]);
      return `v1.${newest}.${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')}`;
    },
    open: (sealed, context) => {
      const [version, name = '', text = ''] = sealed.split('.');
      const key = byName.get(name);
      const bytes = Buffer.from(text, 'base64url');
      if (version !== 'v1' || key === undefined || bytes.length < 28) throw new SealError(context);
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAAD(Buffer.from(context));
        decipher.setAuthTag(bytes.subarray(12, 28));
        return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]);
      } catch {
        throw new SealError(context);
      }
    },
    isOld: (sealed) => sealed.split('.')[1] !== newest,
  };
};

/** Says which key it was, and nothing about it. */
export const keyName = (key: Uint8Array): string => createHash('sha256').update('cion key name').update(key).digest('hex').slice(0, 8);
