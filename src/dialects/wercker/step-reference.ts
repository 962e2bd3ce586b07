/** What a step is called in the text, apart from where its code comes from. */
export type StepName = { readonly owner?: string; readonly name: string };

/** Of `name`, `owner/name`, either with `@version`, and of a name with an address in quotes behind it. */
export const stepNameOf = (reference: string): StepName => {
  const [named = ''] = /^\S+/.exec(reference.trim()) ?? [];
  const slash = named.indexOf('/');
  const [owner, rest] = slash < 0 ? [undefined, named] : [named.slice(0, slash), named.slice(slash + 1)];
  const at = rest.indexOf('@');
  const name = at < 0 ? rest : rest.slice(0, at);
  return owner === undefined ? { name } : { owner, name };
};

export const isReference = (text: string): boolean =>
  /^(?:[\w.-]+\/)?[\w.-]+(?:@\S+)?(?:\s+(["']?)(?:file|https?):\/\/\S.*\1)?$/.test(text.trim());
