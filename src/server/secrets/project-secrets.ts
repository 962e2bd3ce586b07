import { randomUUID } from 'node:crypto';
import { isTooShort, shortestSecretBytes } from '../../engine/redact/forms.ts';
import type { Clock } from '../../lib/clock.ts';
import { size } from '../../lib/quantities.ts';
import { recipientOf } from '../../secrets/age.ts';
import { keyLines } from '../../secrets/key-lines.ts';
import type { Sealer } from '../../secrets/sealer.ts';
import type { NewSecret, SecretStore } from '../../store/secrets.ts';
import { secretContext } from './secret-context.ts';
import { SecretError } from './secret-error.ts';

export type ProjectSecretsDeps = { readonly store: SecretStore; readonly sealer: Sealer; readonly clock: Pick<Clock, 'now'> };

/** What its owners see of a secret: never its value. */
export type ShownSecret = Pick<NewSecret, 'name' | 'kind' | 'scope' | 'by' | 'at'>;

/** What owners of projects do with secrets: they write and remove them, and see their names. */
export type ProjectSecrets = {
  /** Rejects with SecretError when name or value are none that a stage can be given. */
  put(wanted: WantedSecret): Promise<void>;
  list(project: string): Promise<readonly ShownSecret[]>;
  /** `false`: there is none. */
  remove(project: string, name: string): Promise<boolean>;
  /**
   * Seals again what is sealed with an older key, of all projects, and answers how many. Rejects with SealError when one cannot be opened at all: then the
   * server was given the wrong key.
   */
  reseal(): Promise<number>;
  /** Forgets what was replaced or removed before the oldest run began that is still alive; `undefined`: none is. */
  forget(oldestRunAt: number | undefined): Promise<void>;
};

export type WantedSecret = Pick<NewSecret, 'project' | 'name' | 'kind' | 'scope' | 'by'> & { readonly value: string };

const mostBytes = 64 * 1024;
const pageSize = 50;

export const projectSecrets = ({ store, sealer, clock }: ProjectSecretsDeps): ProjectSecrets => ({
  put: async ({ value, ...wanted }) => {
    const wrong = await mistakeIn(wanted, value);
    if (wrong !== undefined) throw new SecretError('SECRET_INVALID', wrong);
    const id = randomUUID();
    const sealed = sealer.seal(value, secretContext({ ...wanted, id }));
    await store.put({ ...wanted, id, sealed, at: clock.now() });
  },
  list: async (project) =>
    (await store.list(project))
      .filter(({ retiredAt }) => retiredAt === undefined)
      .map(({ name, kind, scope, by, at }) => ({ name, kind, scope, by, at })),
  remove: (project, name) => store.remove(project, name, clock.now()),
  reseal: async () => {
    let resealed = 0;
    for (let page = await store.page('', pageSize); page.length > 0; page = await store.page(page.at(-1)?.id ?? '', pageSize)) {
      for (const secret of page) {
        const context = secretContext(secret);
        const value = sealer.open(secret.sealed, context);
        if (!sealer.isOld(secret.sealed)) continue;
        await store.reseal(secret.id, secret.sealed, sealer.seal(value, context));
        resealed++;
      }
    }
    return resealed;
  },
  forget: (oldestRunAt) => store.forget(oldestRunAt ?? clock.now() + 1),
});

const mistakeIn = async ({ name, kind }: Omit<WantedSecret, 'value'>, value: string): Promise<string | undefined> => {
  const bytes = Buffer.byteLength(value);
  if (!/^[A-Za-z_][A-Za-z0-9_.-]{0,199}$/.test(name)) {
    return 'A name has letters, digits, "_", "." and "-", begins with a letter or "_", and is at most 200 long.';
  }
  if (bytes > mostBytes) return `The value of ${name} is larger than ${size(mostBytes)}.`;
  if (value.includes('\0')) return `The value of ${name} has a zero byte, which no variable can have.`;
  if (!value.isWellFormed()) return `The value of ${name} is no text: half of a character cannot be given to a stage.`;
  if (kind === 'secret' && isTooShort(value)) {
    return `${name} is shorter than ${shortestSecretBytes} bytes: it could not be kept out of a log. What is no secret can be a variable.`;
  }
  if (kind !== 'identity') return undefined;
  const keys = keyLines(value).map(({ key }) => key);
  const areAll = keys.length > 0 && (await Promise.all(keys.map(recipientOf))).every((recipient) => recipient !== undefined);
  return areAll ? undefined : `${name} is no age identity: it is a line that begins with AGE-SECRET-KEY-1.`;
};
