import { expect, it } from 'vitest';
import { wantsPage } from './data-or-page.js';

it.each([
  ['text/html', true],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', true],
  ['TEXT/HTML;q=0.5', true],
  ['application/json;q=0.5, text/html', true],
  [undefined, false],
  ['', false],
  ['*/*', false],
  ['application/json, text/plain, */*', false],
  ['text/html;q=0', false],
  ['text/html;q=x', false],
  ['text/html;q=0.4, application/json', false],
])('C6 Accept: %s asks for a page: %s', (accept, page) => expect(wantsPage(accept)).toBe(page));
