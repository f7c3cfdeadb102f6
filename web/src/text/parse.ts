// Text of a post → a tree of the few things that are shown. There is no HTML anywhere on the way: what is not in this
// list stays plain text. The subset of Markdown: **bold**, *italic* or _italic_, `code`, [text](address), bare
// addresses, lines that start with `- `, `* ` or `1. `.
export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'break' }
  | { kind: 'bold' | 'italic'; children: Inline[] }
  | { kind: 'code'; text: string }
  | { kind: 'link'; address: string; children: Inline[] };

export type Block =
  | { kind: 'paragraph'; children: Inline[] }
  | { kind: 'list'; ordered: boolean; start: number; items: Inline[][] };

// Marks within marks beyond this depth are shown as they were typed.
export const deepest = 4;
// A text is cut here before it is read; posts are bounded by the server far below.
export const longest = 20_000;

const bullet = /^\s{0,3}[-*•]\s+(.*)$/;
const numbered = /^\s{0,3}(\d{1,4})[.)]\s+(.*)$/;

export function parseText(source: string): Block[] {
  const blocks: Block[] = [];
  const lines = clean(source.slice(0, longest)).split('\n');
  let paragraph: string[] = [];
  const flush = () => {
    if (paragraph.length > 0) blocks.push({ kind: 'paragraph', children: parseInline(paragraph.join('\n'), 0, false) });
    paragraph = [];
  };
  for (const line of lines) {
    const number = numbered.exec(line);
    const item = number?.[2] ?? bullet.exec(line)?.[1];
    if (item !== undefined) {
      flush();
      const last = blocks.at(-1);
      const ordered = number !== null;
      const children = parseInline(item, 0, false);
      if (last?.kind === 'list' && last.ordered === ordered && !endsList.has(last)) last.items.push(children);
      else blocks.push({ kind: 'list', ordered, start: Number(number?.[1] ?? 1), items: [children] });
    } else if (line.trim() === '') {
      flush();
      const last = blocks.at(-1);
      if (last) endsList.add(last);
    } else {
      paragraph.push(line);
    }
  }
  flush();
  return blocks;
}

// Lists after which an empty line came: the next item starts a new list.
const endsList = new WeakSet<Block>();

// Line ends are made one kind. Control characters go; characters that turn the direction of what follows are put into
// balance: each line closes what it opens, so that no text changes how its surroundings read.
function clean(source: string): string {
  return source
    .replace(/\r\n?/g, '\n')
    .replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, (character) => (character === '\t' ? ' ' : ''))
    .split('\n')
    .map(withoutOverrides)
    .join('\n');
}

const opensEmbedding = /[\u202a\u202b\u202d\u202e]/;
const opensIsolate = /[\u2066-\u2068]/;

// Overrides (RLO, LRO) force the order of letters and serve to disguise addresses and file names: they are dropped with
// their end marks. Isolates are kept and closed.
function withoutOverrides(line: string): string {
  if (!/[\u202a-\u202e\u2066-\u2069]/.test(line)) return line;
  let open = 0;
  let text = '';
  for (const character of line) {
    if (opensEmbedding.test(character) || character === '\u202c') continue;
    if (opensIsolate.test(character)) open += 1;
    if (character === '\u2069') {
      if (open === 0) continue;
      open -= 1;
    }
    text += character;
  }
  return text + '\u2069'.repeat(open);
}

const bare = /^(?:https?:\/\/|mailto:)[^\s<>"'`\u2066-\u2069]+/i;

function parseInline(source: string, depth: number, inLink: boolean): Inline[] {
  const nodes: Inline[] = [];
  let text = '';
  const flush = () => {
    if (text) nodes.push({ kind: 'text', text });
    text = '';
  };
  const push = (node: Inline, length: number) => {
    flush();
    nodes.push(node);
    at += length;
  };
  let at = 0;
  while (at < source.length) {
    const character = source[at] as string;
    const rest = source.slice(at);
    if (character === '\n') {
      push({ kind: 'break' }, 1);
      continue;
    }
    if (character === '`') {
      const end = source.indexOf('`', at + 1);
      const code = end > at + 1 ? source.slice(at + 1, end) : '';
      if (code && !code.includes('\n')) {
        push({ kind: 'code', text: code }, code.length + 2);
        continue;
      }
    }
    if (depth < deepest) {
      const mark = readMark(source, at);
      if (mark) {
        push({ kind: mark.kind, children: parseInline(mark.inside, depth + 1, inLink) }, mark.length);
        continue;
      }
      if (!inLink && character === '[') {
        const link = /^\[([^\]\n]{1,500})\]\(([^()\s]{1,2000})\)/.exec(rest);
        const address = link && safeAddress(link[2] as string);
        if (link && address) {
          push({ kind: 'link', address, children: parseInline(link[1] as string, depth + 1, true) }, link[0].length);
          continue;
        }
      }
    }
    if (!inLink && (character === 'h' || character === 'H' || character === 'm' || character === 'M') && !/[\p{L}\p{N}_]/u.test(text.at(-1) ?? '')) {
      const found = bare.exec(rest)?.[0].replace(/[.,;:!?)\]}]+$/, '');
      const address = found && safeAddress(found);
      if (found && address) {
        push({ kind: 'link', address, children: [{ kind: 'text', text: found }] }, found.length);
        continue;
      }
    }
    text += character;
    at += 1;
  }
  flush();
  return nodes;
}

function readMark(source: string, at: number): { kind: 'bold' | 'italic'; inside: string; length: number } | null {
  const double = source.startsWith('**', at);
  const mark = double ? '**' : source[at] === '*' || source[at] === '_' ? (source[at] as string) : null;
  if (!mark) return null;
  const before = source[at - 1] ?? ' ';
  const first = source[at + mark.length] ?? ' ';
  if (/\s/.test(first) || (mark !== '**' && /[\p{L}\p{N}]/u.test(before))) return null;
  let end = source.indexOf(mark, at + mark.length + 1);
  while (end >= 0 && (/\s/.test(source[end - 1] as string) || (mark === '*' && source[end + 1] === '*'))) {
    end = source.indexOf(mark, end + (mark === '*' && source[end + 1] === '*' ? 2 : mark.length));
  }
  if (end < 0) return null;
  const inside = source.slice(at + mark.length, end);
  if (inside.includes('\n')) return null;
  if (mark === '_' && /[\p{L}\p{N}]/u.test(source[end + 1] ?? ' ')) return null;
  return { kind: double ? 'bold' : 'italic', inside, length: inside.length + 2 * mark.length };
}

// The address if it is one that may be followed from a post: absolute, http, https or mailto; else null.
export function safeAddress(text: string): string | null {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return null;
  }
  if (url.protocol === 'mailto:') return url.href;
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.username || url.password) return null;
  return url.href;
}
