import { open } from '../secrets/age.ts';
import { Refusal } from './refusal.ts';

/** The text of something encrypted, called `what` in the refusal. */
export const openOrRefuse = async (encrypted: Uint8Array, identities: readonly string[], what: string): Promise<string> => {
  const opened = await open(encrypted, identities);
  if (opened.ok) return opened.text;
  switch (opened.why) {
    case 'no-key':
      throw new Refusal(
        'SECRETS_UNREADABLE',
        `${what} cannot be read: there is no key.`,
        'Give --identity FILE, or set CION_AGE_KEY_FILE.',
      );
    case 'bad-key':
      throw new Refusal(
        'SECRETS_UNREADABLE',
        `${what} cannot be read: the key that was given is damaged.`,
        'See that its line is complete.',
      );
    case 'other-key':
      throw new Refusal(
        'SECRETS_UNREADABLE',
        `${what} is encrypted to other keys than the one that was given.`,
        'Give another key, or have it encrypted to this one too, by somebody who can read it.',
      );
    case 'damaged':
      throw new Refusal('SECRETS_UNREADABLE', `${what} is damaged, or no age text at all.`, 'Take it from an earlier commit.');
  }
};
