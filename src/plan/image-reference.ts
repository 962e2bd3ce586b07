/**
 * An image as registries and engines name it, in full. `tag` or `digest` or both; where the text has neither, the tag is `latest`.
 * `repository` is `library/…` for Docker Hub's official images.
 */
export type ImageReference = {
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  /** `sha256:` and 64 hex digits. */
  readonly digest?: string;
};

export type ParsedReference =
  | { readonly ok: true; readonly image: ImageReference }
  /** The message goes on after the reference in quotes. */
  | { readonly ok: false; readonly message: string };

export const dockerHub = 'docker.io';

export const parseImageReference = (text: string): ParsedReference => {
  const no = (message: string): ParsedReference => ({ ok: false, message });
  if (text === '') return no('is empty');
  if (/\s/.test(text)) return no('has white space in it');
  if (/^[a-z]+:\/\//i.test(text)) return no('is an address; an image reference has no scheme, as in registry.example.com/team/image:tag');
  if (/^[0-9a-f]{64}$/.test(text)) return no('is an image id, not a reference');

  const [beforeDigest = '', digest, ...more] = text.split('@');
  if (more.length > 0) return no('has more than one @');
  if (digest !== undefined && !/^sha256:[0-9a-f]{64}$|^sha512:[0-9a-f]{128}$/.test(digest)) {
    return no('has a digest that is not sha256: and 64 hex digits in lower case');
  }

  const { host, path } = splitHost(beforeDigest);
  const colon = path.indexOf(':');
  const name = colon < 0 ? path : path.slice(0, colon);
  const tag = colon < 0 ? undefined : path.slice(colon + 1);
  if (tag !== undefined && !/^\w[\w.-]{0,127}$/.test(tag)) {
    return no(
      tag === '' ? 'has nothing after the colon' : `has the tag ${JSON.stringify(tag)}: a tag is up to 128 letters, digits, _ . and -`,
    );
  }

  if (host !== undefined && !isHost(host)) return no(`has the registry ${JSON.stringify(host)}, which is no host with an optional port`);
  if (name === '') return no('has no name');
  const wrong = name.split('/').find((part) => !/^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/.test(part));
  if (wrong !== undefined) {
    return no(
      wrong === ''
        ? 'has an empty part between slashes'
        : /[A-Z]/.test(wrong)
          ? `has capital letters in ${JSON.stringify(wrong)}; names are in lower case`
          : `has ${JSON.stringify(wrong)} in its name: letters and digits, with single . _ or hyphens between them`,
    );
  }

  const registry = host === undefined || host === 'index.docker.io' ? dockerHub : host;
  const repository = registry === dockerHub && !name.includes('/') ? `library/${name}` : name;
  if (registry.length + 1 + repository.length > 255) return no('is longer than 255 characters');
  return {
    ok: true,
    image: {
      registry,
      repository,
      ...(tag === undefined ? (digest === undefined ? { tag: 'latest' } : {}) : { tag }),
      ...(digest === undefined ? {} : { digest }),
    },
  };
};

/** The shortest that means the same, with its tag or digest; the form in which engines list images. */
export const formatImageReference = (image: ImageReference): string =>
  `${familiarName(image)}${image.tag === undefined ? '' : `:${image.tag}`}${image.digest === undefined ? '' : `@${image.digest}`}`;

/** The same without tag and digest. */
export const familiarName = ({ registry, repository }: ImageReference): string =>
  registry === dockerHub ? repository.replace(/^library\/(?=[^/]+$)/, '') : `${registry}/${repository}`;

/** What stands before the first slash is a registry when it cannot be a part of a name. */
const splitHost = (text: string): { readonly host?: string; readonly path: string } => {
  const slash = text.indexOf('/');
  const first = slash < 0 ? '' : text.slice(0, slash);
  const isRegistry = /[.:]/.test(first) || first === 'localhost' || /[A-Z]/.test(first);
  return isRegistry ? { host: first, path: text.slice(slash + 1) } : { path: text };
};

const isHost = (text: string): boolean => {
  const match =
    /^(\[[0-9a-fA-F:]+\]|(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*)(?::([0-9]+))?$/.exec(
      text,
    );
  return match !== null && (match[2] === undefined || Number(match[2]) <= 65_535);
};
