import { problemOf } from '../api';
import { useI18n } from '../i18n/i18n';
import { Icon } from './icon';

// What went wrong, in the server's words when it gave some, with the number by which support finds it in the log.
export function ProblemNotice({ error }: { error: unknown }) {
  const { t } = useI18n();
  const problem = problemOf(error);
  return (
    <div className="notice notice-danger" role="alert">
      <Icon name="alert" />
      <div>
        <p>{problem?.title || t(problem ? 'problem.unknown' : 'problem.unreachable')}</p>
        {problem?.requestId && <p className="notice-detail">{t('problem.request', { id: problem.requestId })}</p>}
      </div>
    </div>
  );
}
