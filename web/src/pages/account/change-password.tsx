import { useState } from 'preact/hooks';

import type { Session } from '../../app';
import { useI18n } from '../../i18n/i18n';
import { Button } from '../../ui/button';
import { Field } from '../../ui/field';
import { Icon } from '../../ui/icon';
import { NewPassword, problemOfPassword, type PasswordProblem } from '../../ui/new-password';
import { ProblemNotice } from '../../ui/problem-notice';

export function ChangePassword({ session, onChanged }: { session: Session; onChanged: () => void }) {
  const { t } = useI18n();
  const [current, setCurrent] = useState('');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const [missing, setMissing] = useState(false);
  const [problem, setProblem] = useState<PasswordProblem>(null);
  const [error, setError] = useState<unknown>(null);
  const [state, setState] = useState<'asking' | 'busy' | 'done'>('asking');

  const submit = async (event: Event) => {
    event.preventDefault();
    const wrong = problemOfPassword(password, again);
    setMissing(current === '');
    setProblem(wrong);
    setError(null);
    if (current === '' || wrong || state === 'busy') return;
    setState('busy');
    try {
      await session.api.sessions.changePassword({ currentPassword: current, newPassword: password });
      for (const clear of [setCurrent, setPassword, setAgain]) clear('');
      setState('done');
      onChanged();
    } catch (failure) {
      setError(failure);
      setState('asking');
    }
  };

  return (
    <form className="form" onSubmit={(event) => void submit(event)} noValidate>
      {state === 'done' && <p className="notice" role="status"><Icon name="done" />{t('account.password-done')}</p>}
      {error !== null && <ProblemNotice error={error} />}
      <Field label={t('account.password-current')} value={current} onChange={(text) => { setCurrent(text); setMissing(false); }} type="password" autoComplete="current-password" name="current-password" error={missing ? t('login.password-missing') : null} />
      <NewPassword password={password} again={again} problem={problem} onPassword={setPassword} onAgain={setAgain} />
      <div><Button type="submit" className="button button-primary" data-busy={state === 'busy' || undefined}><Icon name="lock" />{t('account.password-submit')}</Button></div>
    </form>
  );
}
