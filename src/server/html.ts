import { printable } from '../lib/printable.ts';

/** Text that a browser may be sent as it is. */
export type Html = { readonly html: string };

type Value = string | number | undefined | Html | readonly Html[];

/** What is put into it is shown, whatever it is: only `Html` is taken as such. */
export const html = (texts: TemplateStringsArray, ...values: readonly Value[]): Html => ({
  html: texts.reduce((before, text, i) => `${before}${written(values[i - 1])}${text}`),
});

const written = (value: Value): string => {
  if (value === undefined) return '';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return printable(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  return 'html' in value ? value.html : value.map((each) => each.html).join('');
};
