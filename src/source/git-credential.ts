/** What a git server asks for over https: a password, or a token in its place. `origin`: `https://host:port`, the only one that is told of it. */
export type Credential = { readonly origin: string; readonly user: string; readonly secret: string };

/** For one start of git: settings that say where it is, and the bytes that its file descriptor 3 has. */
export type CredentialForGit = { readonly settings: Readonly<Record<string, string>>; readonly pipe: Uint8Array };

/** Prints what file descriptor 3 has, which whoever starts git gives it, when git asks for a login; remembers and forgets nothing. */
const helper = '!f() { test "$1" = get && exec cat <&3; }; f';

/**
 * Hands it to git and to nothing else: it is in no command line, variable or file, git asks for it for its own origin alone, and redirects are not followed (atk-59).
 * `undefined` where the address is another one.
 */
export const credentialFor = (url: string, credential: Credential | undefined): CredentialForGit | undefined => {
  if (credential === undefined || originOf(url) !== credential.origin) return undefined;
  return {
    settings: { [`credential.${credential.origin}.helper`]: helper, 'http.followRedirects': 'false' },
    pipe: Buffer.from(`username=${credential.user}\npassword=${credential.secret}\n`),
  };
};

/** Where a credential for this address is taken; `undefined`: it is none of https. */
export const originOf = (url: string): string | undefined => {
  const parsed = URL.parse(url);
  return parsed?.protocol === 'https:' ? parsed.origin : undefined;
};

/** What git and its server said: a server may repeat what it was sent. */
export const withoutCredential = (text: string, credential: Credential | undefined): string => {
  if (credential === undefined) return text;
  const { user, secret } = credential;
  const forms = [secret, encodeURIComponent(secret), Buffer.from(`${user}:${secret}`).toString('base64')];
  return forms.reduce((cleaned, form) => cleaned.replaceAll(form, '*'), text);
};
