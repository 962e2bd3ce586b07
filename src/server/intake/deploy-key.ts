import { generateKeyPairSync, randomBytes } from 'node:crypto';

/** Both halves as OpenSSH has them in its files: `ssh-ed25519 AAAA… <comment>`, and a private key without a passphrase. */
export type DeployKey = { readonly public: string; readonly private: string };

/** An ed25519 key. The comment is one word. */
export const newDeployKey = (comment: string): DeployKey => {
  const { x = '', d = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const [point, seed] = [Buffer.from(x, 'base64url'), Buffer.from(d, 'base64url')];
  const publicKey = Buffer.concat([field(kind), field(point)]);
  const check = randomBytes(4);
  const secret = padded(Buffer.concat([check, check, publicKey, field(Buffer.concat([seed, point])), field(comment)]));
  const oneKey = Buffer.from([0, 0, 0, 1]);
  const file = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    field('none'),
    field('none'),
    field(''),
    oneKey,
    field(publicKey),
    field(secret),
  ]);
  const lines = file.toString('base64').match(/.{1,70}/g) ?? [];
  return {
    public: `${kind} ${publicKey.toString('base64')} ${comment}`,
    private: ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n'),
  };
};

const kind = 'ssh-ed25519';

/** With its length before it. */
const field = (bytes: Uint8Array | string): Buffer => {
  const content = Buffer.from(bytes as Uint8Array);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
};

/** With 1, 2, 3, … up to whole blocks of eight. */
const padded = (bytes: Buffer): Buffer => {
  const missing = (8 - (bytes.length % 8)) % 8;
  return Buffer.concat([bytes, Buffer.from(Array.from({ length: missing }, (_, i) => i + 1))]);
};
