import { DockerConfigError } from './docker-config.ts';

/** What a DOCKER_HOST says. `secure`: it asks for TLS by itself (`https://`). */
export type Address =
  | { readonly kind: 'unix'; readonly path: string }
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number | undefined;
      readonly basePath: string;
      readonly secure: boolean;
    }
  | { readonly kind: 'ssh'; readonly host: string; readonly user?: string; readonly port?: number; readonly path?: string };

/** `saidBy` begins the sentence of a complaint. */
export const parseHost = (text: string, saidBy: string): Address => {
  const wrong = (why: string) => new DockerConfigError(`${saidBy} is ${JSON.stringify(withoutPassword(text))}: ${why}`);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) throw wrong('it must begin with unix://, tcp://, ssh://, http:// or https://');
  const rest = text.slice(scheme.length + '://'.length);
  switch (scheme) {
    case 'unix':
      if (!rest.startsWith('/')) throw wrong('unix:// takes the absolute path of a socket, as in unix:///var/run/docker.sock');
      return { kind: 'unix', path: rest };
    case 'tcp':
    case 'http':
    case 'https': {
      const url = parseUrl(/^([:/]|$)/.test(rest) ? `localhost${rest}` : rest);
      if (url === undefined || url.search !== '' || url.hash !== '') throw wrong(`${scheme}:// takes a host and a port`);
      if (url.username !== '' || url.password !== '') throw wrong('a user is possible with ssh:// only');
      const basePath = url.pathname.replace(/\/+$/, '');
      return { kind: 'tcp', host: hostOf(url), port: portOf(url) ?? webPorts[scheme], basePath, secure: scheme === 'https' };
    }
    case 'ssh': {
      const url = parseUrl(rest);
      if (url === undefined || hostOf(url) === '' || url.search !== '' || url.hash !== '')
        throw wrong('ssh:// takes [user@]host[:port][/socket]');
      if (url.password !== '') throw wrong('a password has no place in it; ssh logs in with a key');
      const [host, user, port, path] = [hostOf(url), decoded(url.username), portOf(url), decoded(url.pathname)];
      if (host.startsWith('-') || user.startsWith('-')) throw wrong('no host and no user begins with a hyphen');
      if (/[\0-\x20]/.test(host + user) || path.includes('\0')) throw wrong('it has odd characters in it');
      return {
        kind: 'ssh',
        host,
        ...(user === '' ? {} : { user }),
        ...(port === undefined ? {} : { port }),
        ...(path === '' || path === '/' ? {} : { path }),
      };
    }
    default:
      throw wrong(`${scheme}:// is not supported; unix://, tcp://, ssh://, http:// and https:// are`);
  }
};

/** With a scheme of no meaning, so that no default port and no other rule of the web's applies. */
const parseUrl = (rest: string): URL | undefined => URL.parse(`engine://${rest}`) ?? undefined;

const webPorts: Readonly<Record<string, number>> = { http: 80, https: 443 };

const hostOf = (url: URL): string => decoded(url.hostname.replace(/^\[(.*)\]$/, '$1'));

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

const portOf = (url: URL): number | undefined => (url.port === '' ? undefined : Number(url.port));

const withoutPassword = (text: string): string => text.replace(/:[^:@/]*@/, ':…@');
