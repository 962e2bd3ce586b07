import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

/** In `directory`: an authority (`ca.pem`), a server's pair and, under the names that docker expects, a client's (`cert.pem`, `key.pem`). */
export const makeCertificates = async (directory: string, address: string): Promise<void> => {
  const openssl = (...args: string[]) => execa('openssl', args, { cwd: directory });
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl('req', '-x509', ...curve, '-keyout', 'ca-key.pem', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=test authority');

  const sign = async (name: string, key: string, cert: string, extensions: string) => {
    await writeFile(join(directory, `${name}.ext`), extensions);
    await openssl('req', ...curve, '-keyout', key, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const authority = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial'];
    await openssl('x509', '-req', '-in', `${name}.csr`, ...authority, '-out', cert, '-days', '2', '-extfile', `${name}.ext`);
  };
  await sign('server', 'server-key.pem', 'server-cert.pem', `subjectAltName=IP:${address}\nextendedKeyUsage=serverAuth\n`);
  await sign('client', 'key.pem', 'cert.pem', 'extendedKeyUsage=clientAuth\n');
};
