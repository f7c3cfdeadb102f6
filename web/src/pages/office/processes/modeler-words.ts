import type { Translate } from '../../../i18n/i18n';

// The modeler speaks English; what it says leads to a text of ours, where there is one.
export function inOurWords(t: Translate, english: string): string {
  const key = `processes.draw-${english.toLowerCase().replace(/[^a-z]+/g, '-').replace(/^-|-$/g, '')}`;
  const text = t(key);
  return text === key ? english : text;
}

// As BPMN names it: `bpmn:ServiceTask`
export const nameOfType = (t: Translate, type: string) => {
  const words = type.replace(/^bpmn:/, '').replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return inOurWords(t, words.charAt(0).toUpperCase() + words.slice(1));
};
