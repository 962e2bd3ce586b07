import { EngineError } from './engine-error.ts';

/** No connection came about. */
export const unreachable = (name: string, error: unknown): EngineError => {
  if (error instanceof EngineError) return error;
  return new EngineError('unreachable', `no Docker Engine answers at ${name} (${reasonOf(error)})`, { cause: error });
};

/** There was a connection, or there may have been. */
export const lost = (name: string, error: unknown): EngineError => {
  if (error instanceof EngineError) return error;
  if (isTlsFailure(error)) return unreachable(name, error);
  return new EngineError('lost', `the connection to the Docker Engine at ${name} was lost (${reasonOf(error)})`, { cause: error });
};

const untrusted = 'its certificate is not signed by an authority that is trusted here';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTSOCK: 'not a socket',
  EACCES: 'permission denied: only root and the group of the socket, usually docker, may use it',
  EPERM: 'permission denied',
  ECONNREFUSED: 'connection refused: nothing listens there',
  ECONNRESET: 'it was closed by the other side',
  EPIPE: 'it was closed by the other side',
  ECANCELED: 'it was closed',
  ENOTFOUND: 'unknown host',
  EAI_AGAIN: 'the host name cannot be looked up',
  ETIMEDOUT: 'no answer in time',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name',
};

const reasonOf = (error: unknown): string => {
  const code = codeOf(error);
  const known = code === undefined ? undefined : (reasons[code] ?? (isTlsFailure(error) ? handshakeReason(String(error)) : undefined));
  if (known !== undefined) return known;
  return error instanceof Error && error.message !== '' ? error.message.trim() : String(code ?? error);
};

/** The codes of these differ between releases of OpenSSL; its words do not. */
const handshakeReason = (text: string): string | undefined => {
  if (/wrong version number|packet length too long/i.test(text)) return 'it does not speak TLS';
  if (/alert (bad certificate|certificate|unknown ca|handshake failure)/i.test(text)) {
    return 'it asks for a client certificate that it trusts: cert.pem and key.pem';
  }
  return undefined;
};

const isTlsFailure = (error: unknown): boolean => /^(EPROTO$|ERR_(SSL|TLS)_)/.test(codeOf(error) ?? '');

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
