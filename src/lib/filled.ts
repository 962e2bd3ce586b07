/**
 * `$NAME` and `${NAME}` become what the variable is, or nothing where there is none. All else is left as it stands, also `$$`, `$1` and
 * `${X:-y}`; what a variable holds is not filled again, and nothing is ever executed.
 */
export const filled = (text: string, env: Readonly<Record<string, string>>): string =>
  text.replace(/\$\$|\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})/g, (whole: string, bare?: string, braced?: string) => {
    const name = bare ?? braced;
    if (name === undefined) return whole;
    return Object.hasOwn(env, name) ? (env[name] ?? '') : '';
  });
