/** Who answers cannot show that it is the server: nothing was sent to it. */
export class UnverifiedError extends Error {
  readonly code = 'SERVER_UNVERIFIED';
  readonly hint =
    'Renew the certificate of the server, or correct the address. An authority of your own is known with NODE_EXTRA_CA_CERTS=FILE, its certificate in PEM.';

  constructor(url: string, reason: string, cause: unknown) {
    super(`${new URL(url).origin} cannot show that it is the server: ${reason}`, { cause });
    this.name = 'UnverifiedError';
  }
}

/** When a request failed because of the certificate of who answered; else `undefined`. */
export const unverified = (url: string, error: unknown): UnverifiedError | undefined => {
  for (let each = error, depth = 0; each instanceof Error && depth < 5; each = each.cause, depth++) {
    if (each instanceof UnverifiedError) return each;
    const code = 'code' in each && typeof each.code === 'string' ? each.code : '';
    const reason = Object.hasOwn(reasons, code) ? reasons[code] : undefined;
    if (reason !== undefined) return new UnverifiedError(url, `${reason} (${code})`, error);
  }
  return undefined;
};

const ofStranger = 'its certificate is signed by nobody that this machine trusts';

/** By the codes of OpenSSL and Node. */
const reasons: Readonly<Record<string, string | undefined>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: ofStranger,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ofStranger,
  UNABLE_TO_GET_ISSUER_CERT: ofStranger,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ofStranger,
  CERT_UNTRUSTED: ofStranger,
  CERT_SIGNATURE_FAILURE: ofStranger,
  INVALID_CA: ofStranger,
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; perhaps the clock of this machine is wrong',
  CERT_REVOKED: 'its certificate was revoked',
  INVALID_PURPOSE: 'its certificate is not for servers',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is of another host',
};
