import { redactorsFor } from '../../engine/redact/redactor.ts';
import type { Sealer } from '../../secrets/sealer.ts';
import type { SecretStore } from '../../store/secrets.ts';
import { secretContext } from './secret-context.ts';

/** Takes all secrets of a project out of texts that leave the server, also those that were replaced and are remembered still. */
export const cleanerOf =
  ({ secrets, sealer }: { readonly secrets: Pick<SecretStore, 'list'>; readonly sealer: Pick<Sealer, 'open'> }) =>
  async (project: string): Promise<(text: string) => string> => {
    const kept = (await secrets.list(project)).filter(({ kind }) => kind !== 'variable');
    const values = kept.map((secret) => sealer.open(secret.sealed, secretContext(secret)).toString('utf8')).filter((value) => value !== '');
    const redactor = redactorsFor(values);
    return (text) => {
      const own = redactor();
      return Buffer.concat([own.push(Buffer.from(text)), own.end()]).toString('utf8');
    };
  };
