import { createElement } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { describe, expect, test } from 'vitest';

import { forRandom } from '../base/seeded-random';
import { deepest, longest, parseText, safeAddress, type Inline } from './parse';
import { RichText } from './rich-text';

const html = (text: string) => renderToString(createElement(RichText, { text })).replace(/^<div class="rich-text" dir="auto">|<\/div>$/g, '');

describe('what is shown', () => {
  test('paragraphs and line breaks', () => {
    expect(html('one\ntwo\r\n\r\nthree')).toBe('<p>one<br/>two</p><p>three</p>');
  });

  test('bold, italic, code, and marks within marks', () => {
    expect(html('**b** *i* _i_ `c*d*`')).toBe('<p><strong>b</strong> <em>i</em> <em>i</em> <code>c*d*</code></p>');
    expect(html('**a *b* c**')).toBe('<p><strong>a <em>b</em> c</strong></p>');
  });

  test('marks that are none stay as they are', () => {
    expect(html('2 * 3 * 4, snake_case_name, a*b, ** x **, *')).toBe('<p>2 * 3 * 4, snake_case_name, a*b, ** x **, *</p>');
  });

  test('lists', () => {
    expect(html('take:\n- one\n- **two**\n\n3. three\n4) four')).toBe('<p>take:</p><ul><li>one</li><li><strong>two</strong></li></ul><ol start="3"><li>three</li><li>four</li></ol>');
  });

  test('addresses', () => {
    const link = (address: string, text = address) => `<a href="${address}" target="_blank" rel="noopener noreferrer nofollow"><bdi>${text}</bdi></a>`;
    expect(html('see https://example.org/a?b=1, please')).toBe(`<p>see ${link('https://example.org/a?b=1')}, please</p>`);
    expect(html('[the page](https://example.org/)')).toBe(`<p>${link('https://example.org/', 'the page')}</p>`);
    expect(html('mailto:a@example.org')).toBe(`<p>${link('mailto:a@example.org')}</p>`);
  });
});

describe('what is never more than text', () => {
  test.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '<a href="javascript:alert(1)">x</a>',
    '<svg/onload=alert(1)>',
    '<iframe srcdoc="<script>alert(1)</script>">',
    '&lt;script&gt;',
    '<style>*{display:none}</style>',
  ])('%s', (text) => {
    const shown = html(text);
    expect(shown.match(/<[a-z/][^>]*>/gi)).toEqual(['<p>', '</p>']);
    const back = shown.slice(3, -4).replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&quot;/g, '"').replace(/&#x27;/g, "'").replace(/&amp;/g, '&');
    expect(back).toBe(text);
  });

  test.each([
    '[x](javascript:alert(1))', '[x](JaVaScRiPt:alert)', '[x](data:text/html,x)', '[x](vbscript:x)', '[x](file:///etc/passwd)', '[x](//example.org)', '[x](/api/v1/sessions)',
    '[x](java\u0000script:alert)', '[x](https://user:secret@example.org)', 'javascript:alert(1)',
  ])('no link: %s', (text) => {
    expect(html(text)).not.toContain('<a ');
  });

  test('a link in a link', () => {
    expect(html('[a https://b.example](https://c.example/)').match(/<a /g)).toHaveLength(1);
  });

  test('handlers and quotes in an address', () => {
    const shown = html('https://example.org/" onmouseover="alert(1)');
    expect(shown).toContain('href="https://example.org/"');
    expect(shown).not.toMatch(/<a [^>]*onmouseover/);
  });
});

describe('direction', () => {
  test('overrides and embeddings are dropped', () => {
    expect(html('invoice\u202Efdp.exe\u202C')).toBe('<p>invoicefdp.exe</p>');
    expect(html('\u202Aa\u202Bb\u202Dc')).toBe('<p>abc</p>');
  });

  test('isolates are closed in their line, and lonely ends dropped', () => {
    expect(html('\u2067abc\nd\u2069e')).toBe('<p>\u2067abc\u2069<br/>de</p>');
  });

  test('the text is isolated from its surroundings', () => {
    expect(renderToString(createElement(RichText, { text: 'שלום' }))).toContain('dir="auto"');
  });
});

describe('bounds', () => {
  const depth = (nodes: Inline[]): number => Math.max(0, ...nodes.map((node) => ('children' in node ? 1 + depth(node.children) : 0)));

  test('nesting', () => {
    const nested = Array.from({ length: 200 }, (_, index) => (index % 2 ? '*' : '**')).join('');
    const [block] = parseText(`${nested}x${[...nested].reverse().join('')}`);
    expect(block?.kind === 'paragraph' && depth(block.children)).toBeLessThanOrEqual(deepest);
  });

  test.each(['*', '_', '`', '[', '**a', '[x](', 'h', 'https://', '- ', '\u2067'])('a long text of "%s" is read quickly', (piece) => {
    const started = performance.now();
    parseText(piece.repeat(Math.ceil(longest / piece.length)));
    expect(performance.now() - started).toBeLessThan(2000);
  });

  test('control characters are dropped', () => {
    expect(html('a\u0000b\u0007c\td\u0085')).toBe('<p>abc d</p>');
  });
});

test('safe addresses', () => {
  expect(safeAddress('https://example.org')).toBe('https://example.org/');
  expect(safeAddress('ftp://example.org')).toBeNull();
  expect(safeAddress('example.org')).toBeNull();
});

describe('any text', () => {
  const pieces = [
    '*', '**', '_', '`', '[', ']', '(', ')', '](', '- ', '* ', '• ', '1. ', '12) ', '\n', '\n\n', '\r\n', ' ', '\t', 'a', 'B', 'я', 'ש', '😀', '7', '.', ',', '!', '\\', '"', "'", '<', '>', '&',
    'https://example.org/a?b=1', 'HTTP://u:p@h/', 'mailto:a@b.org', 'javascript:alert(1)', 'data:x', '//h', '<script>', 'onload=', '\u0000', '\u0007', '\u0085', '\u2028', '\u00a0',
    '\u202a', '\u202c', '\u202e', '\u2066', '\u2067', '\u2069', '\ud83d', '\u0301',
  ];
  const shownOf = (nodes: Inline[]): string =>
    nodes.map((node) => (node.kind === 'break' ? '\n' : 'children' in node ? shownOf(node.children) : node.text)).join('');
  const every = (nodes: Inline[], visit: (node: Inline, depth: number, links: number) => void, depth = 0, links = 0) => {
    for (const node of nodes) {
      visit(node, depth, links);
      if ('children' in node) every(node.children, visit, depth + 1, links + (node.kind === 'link' ? 1 : 0));
    }
  };
  const linesOf = (text: string) => parseText(text).flatMap((block) => (block.kind === 'paragraph' ? [block.children] : block.items));

  test('is shown without losing its order, its bounds or its safety', () => {
    forRandom(3000, (random) => random.text(pieces, 40), (text) => {
      for (const line of linesOf(text)) {
        // What is shown is the text with some left out; ends of isolates may be added.
        let at = 0;
        for (const character of shownOf(line).replace(/\u2069/g, '')) {
          const found = character === ' ' ? text.slice(at).search(/[ \t]/) : character === '\n' ? text.slice(at).search(/[\r\n]/) : text.slice(at).indexOf(character);
          expect(found).toBeGreaterThanOrEqual(0);
          at += found + character.length;
        }
        every(line, (node, depth, links) => {
          expect(depth).toBeLessThanOrEqual(deepest);
          if (node.kind !== 'link') return;
          expect(links).toBe(0);
          expect(safeAddress(node.address)).toBe(node.address);
        });
        expect(shownOf(line)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
      }
      const tags = new Set([...html(text).matchAll(/<\/?([a-z]+)/g)].map((found) => found[1]));
      for (const tag of tags) expect(['p', 'br', 'strong', 'em', 'code', 'a', 'bdi', 'ul', 'ol', 'li']).toContain(tag);
    });
  });

  test('without marks is itself', () => {
    forRandom(1000, (random) => `x${random.text(['a', 'я', '😀', ' b', '7', ',', '<', '&', '"'], 30)}`, (text) => {
      expect(linesOf(text).map(shownOf)).toEqual([text]);
      expect(linesOf(linesOf(text).map(shownOf).join('\n'))).toEqual(linesOf(text));
    });
  });
});
