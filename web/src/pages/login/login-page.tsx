import { useEffect, useRef, useState, type FormEvent } from 'react';
import { Button, Input, Label, Text, TextField } from 'react-aria-components';

import type { Api, Person } from '../../api';
import { useI18n } from '../../i18n/i18n';
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

  const submit = async (event: FormEvent) => {
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
        <TextField className="field" value={username} onChange={setUsername} isInvalid={missing.username} autoComplete="username" name="username">
          <Label>{t('login.username')}</Label>
          <Input className="input" autoCapitalize="none" spellCheck={false} maxLength={100} />
          {missing.username && <Text slot="description" className="field-error">{t('login.username-missing')}</Text>}
        </TextField>
        <TextField className="field" value={password} onChange={setPassword} isInvalid={missing.password} type="password" autoComplete="current-password" name="password">
          <Label>{t('login.password')}</Label>
          <Input className="input" ref={passwordField} maxLength={200} />
          {missing.password && <Text slot="description" className="field-error">{t('login.password-missing')}</Text>}
        </TextField>
        <Button type="submit" className="button button-primary button-wide" data-busy={busy || undefined}>{t(busy ? 'login.busy' : 'login.submit')}</Button>
      </form>
    </GatePage>
  );
}
