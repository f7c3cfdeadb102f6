import { useEffect, useRef, useState } from 'preact/hooks';

import type { Api, Person } from '../../api';
import { useI18n } from '../../i18n/i18n';
import { Button } from '../../ui/button';
import { Field } from '../../ui/field';
import { GatePage } from '../../ui/gate-page';
import { Icon } from '../../ui/icon';
import { ProblemNotice } from '../../ui/problem-notice';

export function LoginPage({ api, expired, onLogin }: { api: Api; expired: boolean; onLogin: (person: Person) => void }) {
  const { t } = useI18n();
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [missing, setMissing] = useState<{ username: boolean; password: boolean }>({ username: false, password: false });
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const passwordField = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = t('login.page');
  }, [t]);

  const submit = async (event: Event) => {
    event.preventDefault();
    const lacks = { username: username.trim() === '', password: password === '' };
    setMissing(lacks);
    setError(null);
    if (lacks.username || lacks.password || busy) return;
    setBusy(true);
    try {
      const reply = await api.sessions.login({ username: username.trim(), password });
      onLogin(reply.user);
    } catch (failure) {
      setError(failure);
      setPassword('');
      passwordField.current?.focus();
    } finally {
      setBusy(false);
    }
  };

  return (
    <GatePage title={t('login.title')} lead={t('login.lead')}>
      {expired && !error && <p className="notice" role="status"><Icon name="info" />{t('login.expired')}</p>}
      {error !== null && <ProblemNotice error={error} />}
      <form className="form" onSubmit={(event) => void submit(event)} noValidate>
        <Field label={t('login.username')} value={username} onChange={setUsername} autoComplete="username" name="username" verbatim longest={100} error={missing.username ? t('login.username-missing') : null} />
        <Field label={t('login.password')} value={password} onChange={setPassword} type="password" autoComplete="current-password" name="password" inputRef={passwordField} error={missing.password ? t('login.password-missing') : null} />
        <Button type="submit" className="button button-primary button-wide" data-busy={busy || undefined}>{t(busy ? 'login.busy' : 'login.submit')}</Button>
      </form>
    </GatePage>
  );
}
