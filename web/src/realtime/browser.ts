// The connection with what a browser gives it.
import { problemOf, type Api } from '../api';
import { makeClientId } from '../base/identity';
import { Connection, type ConnectionPorts, type Socket } from './connection';
import { every } from './ticker';

export const later = (milliseconds: number, run: () => void) => {
  const timer = setTimeout(run, milliseconds);
  return () => clearTimeout(timer);
};

export const connectionOf = (api: Api, owner: Pick<ConnectionPorts, 'lastSeq' | 'onWelcome' | 'onEvent'>) =>
  new Connection({
    ...owner,
    open: openSocket,
    isSessionOver: () => isSessionOver(api),
    isOnline: () => navigator.onLine,
    now: () => Date.now(),
    chance: Math.random,
    later,
    every,
    makeId: makeClientId,
  });

// Tells the connection what the device says of its network; returns how to stop it.
export function followDevice(connection: Connection): () => void {
  const on = (target: EventTarget, name: string, run: () => void) => {
    target.addEventListener(name, run);
    return () => target.removeEventListener(name, run);
  };
  const undo = [
    on(window, 'online', () => connection.retryNow()),
    on(window, 'offline', () => connection.wentOffline()),
    on(document, 'visibilitychange', () => document.visibilityState === 'visible' && connection.retryNow()),
  ];
  return () => undo.forEach((each) => each());
}

async function isSessionOver(api: Api): Promise<boolean> {
  try {
    await api.sessions.getCurrent({});
    return false;
  } catch (error) {
    return problemOf(error)?.status === 401;
  }
}

function openSocket(after: number | null) {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const query = after === null ? '' : `?after=${after}`;
  return new WebSocket(`${scheme}://${location.host}/api/v1/events${query}`, 'consilium.v1') as unknown as Socket;
}
