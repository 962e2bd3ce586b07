import { posix } from 'node:path';

/** The relative links of a Markdown page, as paths from the root. */
export const linksOf = (page: string, text: string): readonly string[] =>
  Array.from(text.replace(/```[^]*?```/g, '').matchAll(/\]\(([^)\s]+)\)/g), ([, link = '']) => link)
    .filter((link) => !/^(?:[a-z]+:|#)/.test(link))
    .map((link) => posix.join(posix.dirname(page), link.replace(/#.*$/, '')));
