import { gitHubLikeLogin, type LoginWay } from '../login-way.ts';

/** Private repositories need the scope `repo`: there is no smaller one. */
export const gitHubLogin: LoginWay = {
  ...gitHubLikeLogin,
  kind: 'github',
  title: 'GitHub',
  scopes: ['public_repo', 'admin:repo_hook'],
};
