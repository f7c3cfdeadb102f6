import { useEffect, useState } from 'preact/hooks';

import type { Api } from '../../api';
import { useI18n } from '../../i18n/i18n';
import { Button } from '../../ui/button';
import { GatePage } from '../../ui/gate-page';
import { Icon } from '../../ui/icon';
import { NewPassword, problemOfPassword, type PasswordProblem } from '../../ui/new-password';
import { ProblemNotice } from '../../ui/problem-notice';

// The token of the one-time link stands behind `#`, so it is in no server's log; it leaves the address bar at once.
function takeToken(): string {
  const token = location.hash.slice(1);
  if (token) history.replaceState(null, '', location.pathname);
  return token;
}

let taken: string | null = null;

export function PasswordPage({ api, onDone }: { api: Api; onDone: () => void }) {
  const { t } = useI18n();
  const [token] = useState(() => (taken = takeToken() || taken || ''));
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const [wrong, setWrong] = useState<PasswordProblem>(null);
  const [error, setError] = useState<unknown>(null);
  const [state, setState] = useState<'asking' | 'busy' | 'done'>('asking');
  useEffect(() => {
    document.title = t('password.page');
  }, [t]);

  const submit = async (event: Event) => {
    event.preventDefault();
    const problem = problemOfPassword(password, again);
    setWrong(problem);
    setError(null);
    if (problem || state === 'busy') return;
    setState('busy');
    try {
      await api.sessions.setPassword({ token, password });
      taken = null;
      setState('done');
    } catch (failure) {
      setError(failure);
      setState('asking');
    }
  };

  if (state === 'done') {
    return (
      <GatePage title={t('password.done')} lead={t('password.done-lead')}>
        <Button className="button button-primary button-wide" onPress={onDone} autoFocus>{t('password.to-login')}</Button>
      </GatePage>
    );
  }
  if (token === '') {
    return (
      <GatePage title={t('password.title')} lead={t('password.no-link')}>
        <Button className="button button-wide" onPress={onDone}>{t('password.to-login')}</Button>
      </GatePage>
    );
  }
  return (
    <GatePage title={t('password.title')} lead={t('password.lead')}>
      {error !== null && <ProblemNotice error={error} />}
      <form className="form" onSubmit={(event) => void submit(event)} noValidate>
        <NewPassword password={password} again={again} problem={wrong} onPassword={setPassword} onAgain={setAgain} />
        <Button type="submit" className="button button-primary button-wide" data-busy={(state === 'busy') || undefined}><Icon name="lock" />{t('password.submit')}</Button>
      </form>
    </GatePage>
  );
}
