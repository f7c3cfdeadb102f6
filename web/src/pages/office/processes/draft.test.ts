import { expect, test } from 'vitest';

import { memoryBox, personBox } from '../../../base/device';
import { draftOf } from './draft';

test('a drawing is kept for its person and its model alone, until it is dropped', () => {
  const tab = memoryBox();
  const mine = draftOf('ann', '5', tab);
  expect(mine.read()).toBeNull();
  mine.keep({ name: 'a.bpmn', xml: '<a/>' });
  mine.keep({ name: 'a.bpmn', xml: '<b/>' });
  expect(draftOf('ann', '5', tab).read()).toEqual({ name: 'a.bpmn', xml: '<b/>' });
  for (const other of [draftOf('ann', null, tab), draftOf('ann', '6', tab), draftOf('bob', '5', tab)]) expect(other.read()).toBeNull();
  mine.drop();
  expect(draftOf('ann', '5', tab).read()).toBeNull();
});

test('what cannot be read is none', () => {
  const tab = memoryBox();
  for (const damaged of ['{', '5', '{"name":"a"}', '{"name":1,"xml":"<a/>"}']) {
    personBox(tab, 'ann').set('drawing:new', damaged);
    expect(draftOf('ann', null, tab).read()).toBeNull();
  }
});
