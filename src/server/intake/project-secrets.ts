/** Under which names the secrets of a project are sealed. */
export const webhookContext = (project: string): string => `project/${project}/webhook`;
export const credentialContext = (project: string): string => `project/${project}/credential`;
export const deployKeyContext = (project: string): string => `project/${project}/deploy-key`;
