import { instanceStates, type Instance } from '../../../api';

export interface InstanceFilter {
  processId: string;
  version: string;
  state: Instance['state'] | '';
  incident: 'true' | 'false' | '';
  elementId: string;
}
export const everything: InstanceFilter = { processId: '', version: '', state: '', incident: '', elementId: '' };

export const versionOf = (text: string) => (/^[1-9]\d{0,8}$/.test(text.trim()) ? text.trim() : '');

// As it stands in an address: `?process=p-order&incident=true`, or nothing.
export function queryOf({ processId, version, state, incident, elementId }: InstanceFilter): string {
  const told = Object.entries({ process: processId, version, state, incident, element: elementId }).filter(([, value]) => value !== '');
  return told.length === 0 ? '' : `?${new URLSearchParams(told).toString()}`;
}

// What is no such filter is left out.
export function filterOf(query: string): InstanceFilter {
  const told = new URLSearchParams(query);
  const text = (name: string) => (told.get(name) ?? '').trim();
  const state = instanceStates.find((each) => each === text('state')) ?? '';
  const incident = (['true', 'false'] as const).find((each) => each === text('incident')) ?? '';
  return { processId: text('process'), version: versionOf(text('version')), state, incident, elementId: text('element') };
}
