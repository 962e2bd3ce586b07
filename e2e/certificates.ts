import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Certified = { readonly key: string; readonly cert: string };

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** An authority of its own in that directory, made by openssl; `pem` is the file of its certificate. */
export const authorityIn = (cwd: string) => {
  const openssl = (...args: readonly string[]): void => void execFileSync('openssl', args, { cwd, stdio: 'pipe' });
  const read = (file: string): string => readFileSync(join(cwd, file), 'utf8');
  openssl('req', '-x509', ...curve, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=an authority', '-days', '2');
  let made = 0;
  return {
    pem: join(cwd, 'ca.pem'),
    /** Of a host, for as many days from now; signed by the authority, or by itself. */
    certified: (host: string, { days = 2, byItself = false } = {}): Certified => {
      const id = `c${++made}`;
      const named = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`];
      if (byItself) openssl('req', '-x509', ...curve, '-keyout', `${id}.key`, '-out', `${id}.pem`, ...named, '-days', String(days));
      else {
        openssl('req', ...curve, '-keyout', `${id}.key`, '-out', `${id}.csr`, ...named);
        const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-copy_extensions', 'copyall', '-days', String(days)];
        openssl('x509', '-req', '-in', `${id}.csr`, ...signing, '-out', `${id}.pem`);
      }
      return { key: read(`${id}.key`), cert: read(`${id}.pem`) };
    },
  };
};
