import '../../design/account.css';

import { useCallback, useEffect, useState } from 'preact/hooks';

import { problemOf, type Session as Login } from '../../api';
import type { Session } from '../../app';
import { dayAndTime } from '../../base/time';
import { browserOf, systemOf } from '../../base/user-agent';
import { useI18n, type Translate } from '../../i18n/i18n';
import { Ask } from '../../ui/ask';
import { Button } from '../../ui/button';
import { Icon } from '../../ui/icon';
import { ProblemNotice } from '../../ui/problem-notice';
import { ChangePassword } from './change-password';

// Where one is logged in, and the password. It lies over the person's own page, which goes on: a consultant stays online.
export default function AccountPage({ session, onClose }: { session: Session; onClose: () => void }) {
  const { t } = useI18n();
  const logins = useLogins(session);
  return (
    <Ask title={t('account.title')} open onClose={onClose} size="large">
      <p className="account-who"><strong>{session.person.displayName}</strong> <span>{session.person.username}</span></p>
      <section className="account-part" aria-label={t('account.sessions')}>
        <h3>{t('account.sessions')}</h3>
        <p className="account-lead">{t('account.sessions-lead')}</p>
        {logins.error !== null && <ProblemNotice error={logins.error} />}
        <Logins logins={logins} />
      </section>
      <section className="account-part" aria-label={t('account.password')}>
        <h3>{t('account.password')}</h3>
        <ChangePassword session={session} onChanged={() => void logins.load()} />
      </section>
      <div className="dialog-buttons"><Button className="button" onPress={onClose}>{t('card.close')}</Button></div>
    </Ask>
  );
}

function useLogins({ api, onOver }: Session) {
  const [items, setItems] = useState<readonly Login[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const attempt = useCallback(async (work: () => Promise<void>) => {
    setBusy(true);
    setError(null);
    try {
      await work();
      const reply = await api.sessions.listSessions();
      setItems([...reply.items].sort((left, right) => Number(right.current) - Number(left.current) || (left.lastUsedAt < right.lastUsedAt ? 1 : -1)));
    } catch (failure) {
      if (problemOf(failure)?.status === 401) onOver();
      else setError(failure);
    } finally {
      setBusy(false);
    }
  }, [api, onOver]);
  const load = useCallback(() => attempt(() => Promise.resolve()), [attempt]);
  // One that has ended by itself meanwhile is ended.
  const end = (ids: readonly string[]) => attempt(async () => {
    for (const id of ids) {
      await api.sessions.endSession({ id }).catch((failure: unknown) => {
        if (problemOf(failure)?.status !== 404) throw failure;
      });
    }
  });
  useEffect(() => {
    void load();
  }, [load]);
  return { items, error, busy, load, end };
}

function Logins({ logins: { items, busy, end } }: { logins: ReturnType<typeof useLogins> }) {
  const { t, language } = useI18n();
  if (items === null) return busy ? <span className="spinner" role="img" aria-label={t('loading')} /> : null;
  const others = items.filter((each) => !each.current).map((each) => each.id);
  return (
    <>
      <ul className="logins">
        {items.map((login) => {
          const name = nameOf(t, login.userAgent);
          const used = dayAndTime(login.lastUsedAt, language);
          return (
            <li key={login.id} data-session={login.current ? 'current' : 'other'}>
              <Icon name={/Android|iPhone/.test(login.userAgent) ? 'phone' : 'screen'} />
              <div className="login-words">
                <p><strong>{name}</strong> {login.current && <span className="chip" data-tone="good">{t('account.this-device')}</span>}</p>
                <p>{t('account.used', { time: used })}{login.remoteAddress && ` · ${login.remoteAddress}`}</p>
              </div>
              {!login.current && <Button className="button button-small" aria-label={t('account.end-named', { name, time: used })} data-busy={busy || undefined} onPress={() => void end([login.id])}>{t('account.end')}</Button>}
            </li>
          );
        })}
      </ul>
      {others.length > 1 && <Button className="button button-small" data-testid="end-others" data-busy={busy || undefined} onPress={() => void end(others)}><Icon name="exit" size={18} />{t('account.end-others', { count: others.length })}</Button>}
    </>
  );
}

function nameOf(t: Translate, userAgent: string): string {
  const browser = browserOf(userAgent);
  const system = systemOf(userAgent);
  if (browser && system) return t('account.browser', { browser, system });
  return browser ?? (userAgent.split(/[\s/(]/, 1)[0] || t('account.unknown'));
}
