import type { ReactNode } from 'react';

import { usePart } from '../base/use-part';

export interface Question {
  title: string;
  open: boolean;
  onClose: () => void;
  size?: 'small' | 'large';
  children: ReactNode;
}

const load = () => import('./ask-dialog');

// A question that must be answered before anything else. Escape and a press beside it mean "no".
export function Ask(question: Question) {
  const part = usePart(load, question.open);
  return part && <part.AskDialog {...question} />;
}
