import type { Context } from './context.ts';
import { Refusal } from './refusal.ts';

/** Whether what is sent there could be read, and answered, by somebody on the way. */
export const isOpenToAll = (url: string): boolean => {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !/^(?:localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
};

/** No token goes over a network without TLS, or to somebody who need not show who it is (atk-19). */
export const refuseInTheClear = ({ env }: Pick<Context, 'env'>, url: string, isAllowed = false): void => {
  if (isOpenToAll(url) && !isAllowed && !/^(?:1|true|yes|on)$/i.test(env.CION_INSECURE_HTTP ?? '')) {
    throw new Refusal(
      'SERVER_IN_THE_CLEAR',
      `Everybody between here and ${new URL(url).host} could read what is sent: there is no TLS.`,
      'Use its https:// address; or, in a network that you trust, --insecure-http or CION_INSECURE_HTTP=1.',
    );
  }
  if (new URL(url).protocol === 'https:' && env.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    throw new Refusal(
      'SERVER_UNVERIFIED',
      'With NODE_TLS_REJECT_UNAUTHORIZED=0 anybody could pass for the server.',
      'Unset it. An authority of your own is known with NODE_EXTRA_CA_CERTS=FILE, its certificate in PEM.',
    );
  }
};
