import { expect, test } from 'vitest';

import { Message } from './message';

const format = (source: string, parameters = {}, language = 'en') => new Message(source).format(language, parameters);

test('named parameters', () => {
  expect(format('Hello, {name}!', { name: 'Anna' })).toBe('Hello, Anna!');
});

test('a value is never read as a pattern', () => {
  expect(format('{name}', { name: '{count} #' })).toBe('{count} #');
});

test('English plurals', () => {
  const text = '{n, plural, =0 {none} one {# unread message} other {# unread messages}}';
  expect(format(text, { n: 0 })).toBe('none');
  expect(format(text, { n: 1 })).toBe('1 unread message');
  expect(format(text, { n: 1200 })).toBe('1,200 unread messages');
});

test('Russian plurals', () => {
  const text = '{n, plural, one {# сообщение} few {# сообщения} many {# сообщений} other {# сообщения}}';
  expect([1, 3, 5, 11, 21].map((n) => format(text, { n }, 'ru'))).toEqual([
    '1 сообщение', '3 сообщения', '5 сообщений', '11 сообщений', '21 сообщение',
  ]);
});

test('nesting and quoting', () => {
  const text = "{n, plural, one {the bot''s {m, plural, one {word} other {words}}} other {it's '{'raw'}' '#'}}";
  expect(format(text, { n: 1, m: 2 })).toBe("the bot's words");
  expect(format(text, { n: 2, m: 2 })).toBe("it's {raw} #");
});

test('what a text needs', () => {
  expect(new Message('{b} {a, plural, one {{c}} other {#}}').parameters()).toEqual(['a', 'b', 'c']);
});

test.each(['{', '{name', '}', '{n, plural, one {x}}', '{n, date}', '{n, select, other {x}}', '{n, plural, other {x}'])('refuses %s', (source) => {
  expect(() => new Message(source)).toThrow();
});
