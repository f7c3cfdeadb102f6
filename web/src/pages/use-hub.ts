import { useLayoutEffect, useState } from 'preact/hooks';

import type { Post, Task } from '../api';
import type { Session } from '../app';
import { Hub } from '../state/hub';

export interface HubNews {
  onAssigned?(task: Task): void;
  onPost?(post: Post): void;
}

// The hub of the session, living as long as the page; `news` must not change between renders.
export function useHub(session: Session, news?: HubNews): Hub | null {
  const [hub, setHub] = useState<Hub | null>(null);
  useLayoutEffect(() => {
    const made = new Hub({ api: session.api, leavingApi: session.leavingApi, person: session.person, onSessionOver: session.onOver, ...news });
    made.start();
    setHub(made);
    return () => made.stop();
  }, [session, news]);
  return hub;
}
