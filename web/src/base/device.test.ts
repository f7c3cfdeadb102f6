import { expect, test } from 'vitest';

import { clearBox, clearOthers, memoryBox, personBox } from './device';

test('what is one person\'s goes with them, or when somebody else comes', () => {
  const box = memoryBox();
  box.set('setting:language', 'ru');
  personBox(box, 'ann').set('a', '1');
  personBox(box, 'bob').set('b', '2');
  clearOthers(box, 'ann');
  expect(box.keys()).toEqual(['person:ann:a', 'setting:language']);
  clearBox(personBox(box, 'ann'));
  expect(box.keys()).toEqual(['setting:language']);
});
