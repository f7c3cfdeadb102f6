import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';

import { createClient, problemOf, type Api, type Person } from './api';
import { browserBox, clearBox, clearOthers, personBox, tab } from './base/device';
import { earlyPerson } from './base/early';
import { later } from './base/later';
import { onwardOf } from './base/onward';
import { go, leaveFor, liesOver, usePath } from './base/router';
import { useI18n } from './i18n/i18n';
import { isLanguage } from './i18n/language';
import { ClientPage } from './pages/client/client-page';
import { LoginPage } from './pages/login/login-page';
import { PasswordPage } from './pages/password/password-page';

const DeskPage = later(() => import('./pages/desk/desk-page'));
const AccountPage = later(() => import('./pages/account/account-page'));
const OfficePage = later(() => import('./pages/office/office-page'));

export interface Session {
  api: Api;
  // For calls that must outlive the page.
  leavingApi: Api;
  person: Person;
  // The session has ended by itself: everything unsent stays on the device for the next login.
  onOver(): void;
  // The person leaves; what the device knows of them goes.
  logout(): void;
}

const accountPath = '/account';
liesOver(accountPath);

// Who was here last: lets the page show their conversations before the server has confirmed the session.
const device = browserBox();
const rememberedPerson = (): Person | null => {
  try {
    return JSON.parse(device.get('who') ?? 'null') as Person | null;
  } catch {
    return null;
  }
};

const placeOf = (person: Person | null) => person && { personId: person.id, path: location.pathname };

// Kept for as long as the page is: what a person was sent here for.
const onward = location.pathname === '/login' ? onwardOf(location.search, location.origin) : null;
const goOnward = (path: string) => location.replace(path);

type Who = { kind: 'asking' } | { kind: 'nobody'; expired: boolean } | { kind: 'person'; person: Person };

export function App() {
  const { t, language, setLanguage } = useI18n();
  const path = usePath();
  const spoken = useRef(language);
  spoken.current = language;
  const api = useMemo(() => createClient(() => spoken.current), [spoken]);
  const leavingApi = useMemo(() => createClient(() => spoken.current, { keepalive: true }), [spoken]);
  const [who, setWho] = useState<Who>(() => {
    if (onward?.again) return { kind: 'nobody', expired: false };
    if (onward) return { kind: 'asking' };
    const known = earlyPerson();
    if (known === 'nobody') return { kind: 'nobody', expired: rememberedPerson() !== null };
    const person = known ?? rememberedPerson();
    return person ? { kind: 'person', person } : { kind: 'asking' };
  });

  const here = useRef(who.kind === 'person' ? who.person : null);
  const enter = useCallback((person: Person) => {
    here.current = person;
    device.set('who', JSON.stringify(person));
    setWho({ kind: 'person', person });
  }, []);
  // Where somebody was when their session ended by itself: there they go on.
  const interrupted = useRef(who.kind === 'nobody' && who.expired ? placeOf(rememberedPerson()) : null);
  const leave = useCallback((expired: boolean) => {
    if (!expired) interrupted.current = null;
    else if (here.current) interrupted.current = placeOf(here.current);
    here.current = null;
    device.remove('who');
    setWho({ kind: 'nobody', expired });
  }, []);

  // Not after the next picture: on a slow device each one is felt.
  useLayoutEffect(() => {
    if (onward?.again) return undefined;
    let current = true;
    api.sessions.getCurrent({}).then(
      (reply) => {
        if (current && onward) goOnward(onward.path);
        else if (current) enter(reply.user);
      },
      (error: unknown) => {
        if (current && onward) setWho({ kind: 'nobody', expired: false });
        else if (current && (problemOf(error)?.status === 401 || !rememberedPerson())) leave(rememberedPerson() !== null);
      },
    );
    return () => {
      current = false;
    };
  }, [api, enter, leave]);

  const personId = who.kind === 'person' ? who.person.id : null;
  const session = useMemo<Session | null>(() => {
    if (who.kind !== 'person') return null;
    return {
      api,
      leavingApi,
      person: who.person,
      onOver: () => leave(true),
      logout: () => leaveFor(() => {
        clearBox(personBox(tab, who.person.id));
        void api.sessions.endCurrent({}).catch(() => undefined).finally(() => leave(false));
      }),
    };
    // The same person again (a confirmed session) must not start the pages anew.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [api, leavingApi, personId, leave]);

  // The account lies over the page that the person was at, which goes on below.
  const account = path === accountPath && session !== null;
  const below = useRef('/');
  if (path !== accountPath) below.current = path;
  const page = pageOf(account ? below.current : path, who);
  useEffect(() => {
    if (!account && page.path !== path) go(page.path, { replace: true });
  }, [account, page.path, path]);

  const loading = <Loading text={t('loading')} />;
  return (
    <>
      {page.kind === 'password' && <PasswordPage api={api} onDone={() => go('/login')} />}
      {page.kind === 'login' && (
        <LoginPage api={api} expired={who.kind === 'nobody' && who.expired} onLogin={(person) => {
          if (isLanguage(person.language) && !device.get('setting:language')) setLanguage(person.language);
          if (onward) {
            goOnward(onward.path);
            return;
          }
          clearOthers(tab, person.id);
          enter(person);
          go(interrupted.current?.personId === person.id ? interrupted.current.path : '/');
          interrupted.current = null;
        }} />
      )}
      {page.kind === 'asking' && loading}
      {session && page.kind === 'client' && <ClientPage session={session} />}
      {session && page.kind === 'desk' && <DeskPage waiting={loading} properties={{ session, path: page.path }} />}
      {session && page.kind === 'office' && <OfficePage waiting={loading} properties={{ session, path: page.path }} />}
      {account && <AccountPage waiting={null} properties={{ session, onClose: () => go(page.path) }} />}
    </>
  );
}

type Page = { kind: 'password' | 'login' | 'asking' | 'client' | 'desk' | 'office'; path: string };

// Which page an address means to this person; an address that is not theirs leads to their own first page.
export function pageOf(path: string, who: Who): Page {
  if (path === '/password') return { kind: 'password', path };
  if (who.kind === 'asking') return { kind: 'asking', path };
  if (who.kind === 'nobody') return { kind: 'login', path: '/login' };
  if (who.person.type === 'client') return { kind: 'client', path: '/' };
  const inside = (root: string) => path === root || path.startsWith(`${root}/`);
  const manages = who.person.type === 'supervisor' || who.person.type === 'administrator';
  if (manages) return { kind: 'office', path: inside('/office') ? path : '/office' };
  return { kind: 'desk', path: inside('/desk') ? path : '/desk' };
}

function Loading({ text }: { text: string }) {
  return <main className="loading" aria-busy="true"><span className="spinner" aria-hidden="true" /><h1 className="visually-hidden">{text}</h1></main>;
}
