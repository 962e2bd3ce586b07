/** What a variable is when the plan is made: its value, that it is there outside, or nothing. */
export type Known = (name: string) => string | { readonly kind: 'outside' | 'secret'; readonly name: string } | undefined;

/** With the values of `$NAME` and `${NAME}`; `later` names those that only a run knows. */
export const filled = (
  text: string,
  known: Known,
): { readonly text: string; readonly later: readonly string[]; readonly unknown: readonly string[] } => {
  const later: string[] = [];
  const unknown: string[] = [];
  const done = text.replace(variable, (whole: string, braced: string | undefined, bare: string | undefined) => {
    const name = braced ?? bare ?? '';
    const value = known(name);
    if (typeof value === 'string') return value;
    (value === undefined ? unknown : later).push(name);
    return value === undefined ? '' : whole;
  });
  return { text: done, later, unknown };
};

const variable = /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g;

/** The name in a text that is one variable and nothing else. */
export const onlyVariable = (text: string): string | undefined => {
  const [, braced, bare] = /^\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))$/.exec(text) ?? [];
  return braced ?? bare;
};
