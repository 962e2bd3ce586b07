import assert from 'node:assert/strict';

/** Becomes the admin with the token that the server printed, and makes a token with all rights. */
export const firstAdmin = async (url: string, { said }: { said(): string }): Promise<string> => {
  const [setup] = /\bcion_setup_\S+/.exec(said()) ?? [];
  const headers = { 'content-type': 'application/json', 'x-cion': '1', origin: url };
  const post = async (path: string, body: object, cookie = ''): Promise<Response> => {
    const answer = await fetch(new URL(path, url), { method: 'POST', headers: { ...headers, cookie }, body: JSON.stringify(body) });
    assert.equal(answer.status, 201, `${path}: ${await answer.clone().text()}`);
    return answer;
  };
  const admin = await post('/api/auth/setup', { token: setup, name: 'ada', password: 'correct horse battery staple' });
  const cookie = admin.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ');
  const scopes = ['read', 'run', 'decide', 'secrets', 'settings', 'admin'];
  const { token } = (await (await post('/api/auth/tokens', { name: 'e2e', scopes }, cookie)).json()) as { readonly token: string };
  return token;
};
