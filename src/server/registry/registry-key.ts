import { createHash, createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';

/** What tokens for the registry are signed with; the registry has the certificate. */
export type RegistryKey = {
  readonly private: KeyObject;
  readonly public: KeyObject;
  /** As the registry calls the key. */
  readonly id: string;
  /** DER in base64, as `x5c` takes it. */
  readonly certificate: string;
};

/** The file of `--registry-key` cannot be used. */
export class RegistryKeyError extends Error {
  readonly code = 'REGISTRY_KEY';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RegistryKeyError';
  }
}

/** Of a PEM text with an EC key on P-256 and its certificate. Throws RegistryKeyError, which says nothing of the key. */
export const registryKey = (pem: string): RegistryKey => {
  const own = parsed('a private key', () => createPrivateKey(pem));
  const certificate = parsed('a certificate', () => new X509Certificate(pem));
  if (own.asymmetricKeyType !== 'ec' || own.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new RegistryKeyError('the key of the registry is no EC key on the curve P-256');
  }
  if (!certificate.checkPrivateKey(own)) throw new RegistryKeyError('the key of the registry and the certificate do not belong together');
  const shared = createPublicKey(own);
  return { private: own, public: shared, id: idOf(shared), certificate: certificate.raw.toString('base64') };
};

const parsed = <T>(what: string, parse: () => T): T => {
  try {
    return parse();
  } catch (error) {
    throw new RegistryKeyError(`the file with the key of the registry has not ${what} in PEM`, { cause: error });
  }
};

/** The first 240 bits of the hash of the public key, in twelve groups of base32. */
const idOf = (key: KeyObject): string => {
  const hash = createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 30);
  const bits = Array.from(hash, (byte) => byte.toString(2).padStart(8, '0')).join('');
  const letters = (bits.match(/.{5}/g) ?? []).map((five) => base32[Number.parseInt(five, 2)]).join('');
  return (letters.match(/.{4}/g) ?? []).join(':');
};

const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
