import type { Opened } from './opened.ts';

/** age (age-encryption.org), loaded when it is first needed. Errors never say anything of a plaintext or a key. */
const load = () => import('age-encryption');

/** Armored or binary, as the `age` command writes them. */
export const open = async (encrypted: Uint8Array, identities: readonly string[]): Promise<Opened> => {
  if (identities.length === 0) return { ok: false, why: 'no-key' };
  const { armor, Decrypter } = await load();
  const decrypter = new Decrypter();
  try {
    for (const identity of identities) decrypter.addIdentity(identity);
  } catch {
    return { ok: false, why: 'bad-key' };
  }
  try {
    const bytes = isBinary(encrypted) ? encrypted : armor.decode(Buffer.from(encrypted).toString('latin1'));
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await decrypter.decrypt(bytes));
    return text.includes('\0') ? { ok: false, why: 'damaged' } : { ok: true, text };
  } catch (error) {
    return { ok: false, why: error instanceof Error && error.message.startsWith('no identity matched') ? 'other-key' : 'damaged' };
  }
};

const isBinary = (encrypted: Uint8Array): boolean =>
  Buffer.from(encrypted.subarray(0, 22)).toString('latin1').startsWith('age-encryption.org/');

/** Armored, with a line break at its end. */
export const seal = async (text: string, recipients: readonly string[]): Promise<string> => {
  const { armor, Encrypter } = await load();
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return `${armor.encode(await encrypter.encrypt(text)).trimEnd()}\n`;
};

export const newIdentity = async (): Promise<string> => (await load()).generateX25519Identity();

/** The public half of an identity; `undefined` when it is none. */
export const recipientOf = async (identity: string): Promise<string | undefined> =>
  (await load()).identityToRecipient(identity).catch(() => undefined);

export const isRecipient = async (text: string): Promise<boolean> => {
  const { Encrypter } = await load();
  try {
    new Encrypter().addRecipient(text);
    return true;
  } catch {
    return false;
  }
};
