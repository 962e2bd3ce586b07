import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type RegistryKey, registryKey } from '../registry-key.ts';

export type Signing = {
  readonly pem: string;
  readonly key: RegistryKey;
  /** The file of what the registry has of it. */
  readonly certificate: string;
  remove(): Promise<void>;
};

/** As docs/registry.md says to make it. */
export const makeSigning = async (...more: readonly string[]): Promise<Signing> => {
  const directory = await mkdtemp(join(tmpdir(), 'cion-registry-key-'));
  const [certificate, own] = [join(directory, 'registry.crt'), join(directory, 'registry.key')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const args = ['req', '-x509', ...(more.length > 0 ? more : curve), '-nodes', '-days', '3650', '-subj', '/CN=cion'];
  await promisify(execFile)('openssl', [...args, '-keyout', own, '-out', certificate]);
  const pem = (await readFile(own, 'utf8')) + (await readFile(certificate, 'utf8'));
  const remove = (): Promise<void> => rm(directory, { recursive: true });
  try {
    return { pem, key: registryKey(pem), certificate, remove };
  } catch (error) {
    await remove();
    throw error;
  }
};
