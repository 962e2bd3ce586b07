import { gitHubLikeLogin, type LoginWay } from '../login-way.ts';

/** Also of Forgejo. An older one does not know scopes, and its tokens may all. */
export const giteaLogin: LoginWay = { ...gitHubLikeLogin, kind: 'gitea', title: 'Gitea', scopes: ['read:user', 'write:repository'] };
