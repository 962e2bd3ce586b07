import type { NewSecret } from '../../store/secrets.ts';

/** What a value is sealed as: it can be read in this place alone. */
export const secretContext = ({ project, name, id }: Pick<NewSecret, 'project' | 'name' | 'id'>): string =>
  `secret/${project}/${name}/${id}`;
