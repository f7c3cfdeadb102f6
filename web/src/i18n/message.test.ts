import { expect, test } from 'vitest';

import { forRandom, type SeededRandom } from '../base/seeded-random';
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
  expect(format("'{it''s}'")).toBe("{it's}");
});

test('what a text needs', () => {
  expect(new Message('{b} {a, plural, one {{c}} other {#}}').parameters()).toEqual(['a', 'b', 'c']);
});

test.each(['{', '{name', '}', '{n, plural, one {x}}', '{n, date}', '{n, select, other {x}}', '{n, plural, other {x}'])('refuses %s', (source) => {
  expect(() => new Message(source)).toThrow();
});

// A pattern and what it says with the parameters below.
interface Written {
  source: string;
  says: string;
}
const parameters = { name: 'Anna {#}', n: 1, m: 5 };

// As a writer of catalogues may quote it: special characters in runs, or all from the first one on in one quotation.
function quoted(random: SeededRandom, text: string, inPlural: boolean): string {
  const special = inPlural ? /[{}#]+/g : /[{}]+/g;
  if (!text.includes("'") && random.below(2) === 0) return text.replace(special, "'$&'");
  const first = text.search(special);
  const doubled = (part: string) => part.replace(/'/g, "''");
  return first < 0 ? doubled(text) : `${doubled(text.slice(0, first))}'${doubled(text.slice(first))}'`;
}

function anyPattern(random: SeededRandom, depth: number, count: number | null): Written {
  let source = '';
  let says = '';
  const add = (written: Written) => {
    source += written.source;
    says += written.says;
  };
  for (let parts = random.below(5); parts > 0; parts -= 1) {
    const kind = random.below(depth < 3 ? 4 : 3);
    if (kind === 0) add({ source: '{ name }', says: parameters.name });
    else if (kind === 1 && count !== null) add({ source: '#', says: String(count) });
    else if (kind === 3) {
      const name = random.one(['n', 'm'] as const);
      const one = anyPattern(random, depth + 1, parameters[name]);
      const other = anyPattern(random, depth + 1, parameters[name]);
      add({ source: `{${name}, plural, one {${one.source}} =7 {never} other {${other.source}}}`, says: parameters[name] === 1 ? one.says : other.says });
    } else {
      // Two quotations in a row would be one with an apostrophe in it.
      const text = `.${random.text(['{', '}', '#', "'", 'a', ' ', 'я', "it's"], 6)}.`;
      const before = source.endsWith("'") ? '-' : '';
      add({ source: before + quoted(random, text, count !== null), says: before + text });
    }
  }
  return { source, says };
}

test('any pattern says what its writer meant, and needs what it names', () => {
  forRandom(3000, (random) => anyPattern(random, 0, null), ({ source, says }) => {
    const message = new Message(source);
    expect(message.format('en', parameters)).toBe(says);
    for (const name of message.parameters()) expect(['m', 'n', 'name']).toContain(name);
  });
});

test('any text is a pattern or an error', () => {
  const pieces = ['{', '}', '#', "'", "''", ',', 'plural', 'select', 'one', 'other', '=1', 'n', ' ', 'x', '😀', '\n', '-'];
  forRandom(5000, (random) => random.text(pieces, 20), (source) => {
    let message: Message;
    try {
      message = new Message(source);
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
      return;
    }
    expect(typeof message.format('en', parameters)).toBe('string');
    expect(message.pluralLabels().every((labels) => labels.includes('other'))).toBe(true);
  });
});
