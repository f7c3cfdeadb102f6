import { useI18n } from '../i18n/i18n';
import { Field } from './field';

export const shortestPassword = 10;

export type PasswordProblem = 'short' | 'differs' | null;

export const problemOfPassword = (password: string, again: string): PasswordProblem =>
  [...password].length < shortestPassword ? 'short' : password !== again ? 'differs' : null;

interface NewPasswordProps {
  password: string;
  again: string;
  problem: PasswordProblem;
  onPassword(password: string): void;
  onAgain(again: string): void;
}

// A new password, twice.
export function NewPassword({ password, again, problem, onPassword, onAgain }: NewPasswordProps) {
  const { t } = useI18n();
  const rule = t('password.rule', { count: shortestPassword });
  return (
    <>
      <Field label={t('password.new')} value={password} onChange={onPassword} type="password" autoComplete="new-password" name="new-password" error={problem === 'short' ? rule : null} hint={rule} />
      <Field label={t('password.again')} value={again} onChange={onAgain} type="password" autoComplete="new-password" name="repeat-password" error={problem === 'differs' ? t('password.differs') : null} />
    </>
  );
}
