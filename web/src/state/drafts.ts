// What a person was writing in each conversation; survives a reload.
import type { Box } from '../base/device';

const prefix = 'draft:';
export const longestText = 4000;

export const readDraft = (box: Box, channelId: string): string => box.get(prefix + channelId) ?? '';

export function writeDraft(box: Box, channelId: string, text: string) {
  if (text.trim() === '') box.remove(prefix + channelId);
  else box.set(prefix + channelId, text);
}
