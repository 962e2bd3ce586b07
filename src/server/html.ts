import { printable } from '../lib/printable.ts';

/** Text that a browser may be sent as it is. */
export type Html = { readonly html: string };

type Value = string | number | undefined | Html | readonly Html[];

/** What is put into it is shown, whatever it is: only `Html` is taken as such. */
export const html = (texts: TemplateStringsArray, ...values: readonly Value[]): Html => ({
  html: texts.reduce((before, text, i) => `${before}${written(values[i - 1])}${text}`),
});

export const pageType = 'text/html; charset=utf-8';

/** A whole page. */
export const pageOf = (title: string, content: Html): string =>
  html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title></head>
<body>${content}</body>
</html>
`.html;

const written = (value: Value): string => {
  if (value === undefined) return '';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return printable(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  return 'html' in value ? value.html : value.map((each) => each.html).join('');
};
