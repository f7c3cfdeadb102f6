import { useCallback, useEffect, useState } from 'preact/hooks';

import { problemOf, type ElementCount, type Instance } from '../../../api';
import type { Session } from '../../../app';
import type { Way } from './way';

// While the page is seen, what runs is looked at this often (milliseconds).
const lookEvery = 2000;
// So many steps of the way are shown before somebody asks for older ones.
const newest = 100;

export interface InstanceStory {
  instance: Instance;
  // The model as this instance has it.
  modelKey: string | null;
  xml: string | null;
  // Its newest part.
  way: Way;
  counts: readonly ElementCount[];
  // They are of the newest steps alone.
  isCountCut: boolean;
}

// An instance with its model and the newest part of its way, looked at again while it runs.
export function useInstance(session: Session, key: string) {
  const { api, onOver } = session;
  const [story, setStory] = useState<InstanceStory | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [last] = useState({ looking: 0, xml: null as string | null, modelKey: '' });
  const fail = useCallback((failure: unknown) => {
    if (problemOf(failure)?.status === 401) onOver();
    else setError(failure);
  }, [onOver]);
  const load = useCallback(async () => {
    const looking = (last.looking += 1);
    try {
      const [instance, elements, counts] = await Promise.all([api.processes.getInstance({ key }), api.processes.listElements({ key, limit: newest }), api.processes.countElements({ key })]);
      const modelKey = instance.modelKey ?? await keyOfModel(api, instance);
      if (modelKey !== null && modelKey !== last.modelKey) {
        last.xml = (await api.processes.getModel({ key: modelKey })).xml ?? null;
        last.modelKey = modelKey;
      }
      if (looking !== last.looking) return;
      setError(null);
      setStory({ instance, modelKey, xml: last.xml, way: { items: elements.items, cursor: elements.nextCursor ?? null }, counts: counts.items, isCountCut: counts.onlyNewest });
    } catch (failure) {
      if (looking === last.looking) fail(failure);
    }
  }, [api, key, last, fail]);
  useEffect(() => {
    void load();
  }, [load]);
  const runs = story?.instance.state === 'active';
  useEffect(() => {
    if (!runs) return undefined;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') void load();
    }, lookEvery);
    return () => clearInterval(timer);
  }, [runs, load]);
  return { story, error, load, fail };
}

// What has ended names no model: its version does.
async function keyOfModel(api: Session['api'], { processId, version }: Instance): Promise<string | null> {
  for (let cursor: string | null | undefined; ;) {
    const page = await api.processes.listModels({ processId, limit: 200, ...(cursor ? { cursor } : {}) });
    const found = page.items.find((model) => model.version === version);
    if (found || !page.nextCursor) return found?.key ?? null;
    cursor = page.nextCursor;
  }
}
