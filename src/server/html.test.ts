import assert from 'node:assert/strict';
import { test } from 'node:test';
import { html } from './html.ts';

test('what is put into a page is text, in elements and in attributes; only what is a page already stays as it is', () => {
  const evil = `<script>"'&</script>`;
  const escaped = '&#60;script&#62;&#34;&#39;&#38;&#60;/script&#62;';
  assert.equal(html`<a title="${evil}">${evil}</a>`.html, `<a title="${escaped}">${escaped}</a>`);
  assert.equal(html`${[html`<b>${1}</b>`, html`${undefined}`]}`.html, '<b>1</b>');
  assert.equal(html`${'a\u202eb\u001b[31m'}`.html, 'a\\u{202e}b␛[31m');
});
