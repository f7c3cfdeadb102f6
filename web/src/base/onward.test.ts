import { expect, test } from 'vitest';

import { onwardOf } from './onward';
import { forRandom } from './seeded-random';

const origin = 'https://consilium.example';
const onward = (next: string, more = '') => onwardOf(`?next=${encodeURIComponent(next)}${more}`, origin);

test('a login leads on to a path of this server', () => {
  expect(onward('/oauth2/authorize?client_id=a&state=b%26c')).toEqual({ path: '/oauth2/authorize?client_id=a&state=b%26c', again: false });
  expect(onward('/oauth2/authorize?x=1', '&again=1')).toEqual({ path: '/oauth2/authorize?x=1', again: true });
  expect(onwardOf('', origin)).toBeNull();
});

test.each(['https://evil.example/', '//evil.example/', '/\\evil.example/', '/\t/evil.example', '\\\\evil.example', 'javascript:alert(1)', 'data:text/html,x', 'evil', '', '/login?next=%2Flogin', 'http://[', '/..//evil.example/', '/.//evil.example/', '/..\\/evil.example/'])(
  'and to no other site: %j',
  (next) => {
    expect(onward(next)).toBeNull();
  },
);

test('any address leads to this server or nowhere', () => {
  const pieces = ['/', '//', '\\', '.', '..', '%2f', '%5c', '?', '#', '&', '@', ':', 'login', 'oauth2', 'evil.example', 'http:', 'javascript:', ' ', '\t', '\n', '\u0000', 'ä', '=', 'next=', '%'];
  forRandom(5000, (random) => `${random.one(['/', ''])}${random.text(pieces, 10)}`, (next) => {
    const found = onwardOf(`?next=${encodeURIComponent(next)}`, origin);
    if (!found) return;
    expect(found.path.startsWith('/')).toBe(true);
    const address = new URL(found.path, origin);
    expect(address.origin).toBe(origin);
    expect(address.pathname).not.toBe('/login');
    expect(onwardOf(`?next=${encodeURIComponent(found.path)}`, origin)).toEqual(found);
  });
});
