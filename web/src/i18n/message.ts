// ICU MessageFormat, the part that our catalogues use and that the server reads too (`src/base/message_catalogue.h`):
// `{name}`, `plural` with `=N` and `#`, and apostrophe quoting. A text outside this part is an error, which the test of
// the catalogues finds.
export type Parameters = Readonly<Record<string, string | number>>;

type Node =
  | { kind: 'text'; text: string }
  | { kind: 'value'; name: string }
  | { kind: 'count' }
  | { kind: 'plural'; name: string; cases: Map<string, Node[]> };

// Plurals within plurals.
const deepest = 4;

class Parser {
  private at = 0;

  constructor(private readonly source: string) {}

  parse(): Node[] {
    const nodes = this.nodes(false, 0);
    if (this.at < this.source.length) throw new Error(`unexpected "}" at ${this.at} in: ${this.source}`);
    return nodes;
  }

  private nodes(inPlural: boolean, depth: number): Node[] {
    if (depth > deepest) throw new Error(`nested too deeply: ${this.source}`);
    const nodes: Node[] = [];
    let text = '';
    const flush = () => {
      if (text) nodes.push({ kind: 'text', text });
      text = '';
    };
    while (this.at < this.source.length && this.source[this.at] !== '}') {
      const character = this.source[this.at] as string;
      if (character === "'") {
        text += this.quoted(inPlural);
      } else if (character === '{') {
        flush();
        nodes.push(this.argument(depth));
      } else if (character === '#' && inPlural) {
        flush();
        nodes.push({ kind: 'count' });
        this.at += 1;
      } else {
        text += character;
        this.at += 1;
      }
    }
    flush();
    return nodes;
  }

  // `''` is an apostrophe, in a quotation too; an apostrophe before a special character starts one; any other stands for itself.
  private quoted(inPlural: boolean): string {
    const next = this.source[this.at + 1];
    if (next === "'") {
      this.at += 2;
      return "'";
    }
    if (next !== '{' && next !== '}' && !(next === '#' && inPlural)) {
      this.at += 1;
      return "'";
    }
    let text = '';
    for (this.at += 1; this.at < this.source.length; this.at += 1) {
      const character = this.source[this.at] as string;
      if (character === "'" && this.source[this.at + 1] !== "'") break;
      if (character === "'") this.at += 1;
      text += character;
    }
    this.at += 1;
    return text;
  }

  private argument(depth: number): Node {
    this.at += 1;
    const name = this.word();
    if (this.take('}')) return { kind: 'value', name };
    this.expect(',');
    const kind = this.word();
    if (kind !== 'plural') throw new Error(`unknown format "${kind}" in: ${this.source}`);
    this.expect(',');
    const cases = new Map<string, Node[]>();
    while (!this.take('}')) {
      const label = this.word();
      this.expect('{');
      cases.set(label, this.nodes(true, depth + 1));
      this.expect('}');
    }
    if (!cases.has('other')) throw new Error(`no case "other" in: ${this.source}`);
    return { kind, name, cases };
  }

  private word(): string {
    this.space();
    const match = /^=?[A-Za-z0-9_-]+/.exec(this.source.slice(this.at));
    if (!match) throw new Error(`a name is missing at ${this.at} in: ${this.source}`);
    this.at += match[0].length;
    this.space();
    return match[0];
  }

  private space() {
    while (/\s/.test(this.source[this.at] ?? '')) this.at += 1;
  }

  private take(character: string): boolean {
    this.space();
    if (this.source[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  private expect(character: string) {
    if (this.source[this.at] !== character) throw new Error(`"${character}" is missing at ${this.at} in: ${this.source}`);
    this.at += 1;
  }
}

export class Message {
  private readonly nodes: Node[];

  constructor(source: string) {
    this.nodes = new Parser(source).parse();
  }

  format(language: string, parameters: Parameters): string {
    return write(this.nodes, language, parameters, 0);
  }

  // Every parameter that the text names, in order of the alphabet.
  parameters(): string[] {
    const names = new Set<string>();
    const visit = (nodes: Node[]) => {
      for (const node of nodes) {
        if ('name' in node) names.add(node.name);
        if ('cases' in node) for (const each of node.cases.values()) visit(each);
      }
    };
    visit(this.nodes);
    return [...names].sort();
  }

  // Labels of each plural, for the check that a language's forms are all there.
  pluralLabels(): string[][] {
    const found: string[][] = [];
    const visit = (nodes: Node[]) => {
      for (const node of nodes) {
        if (node.kind !== 'plural') continue;
        found.push([...node.cases.keys()]);
        for (const each of node.cases.values()) visit(each);
      }
    };
    visit(this.nodes);
    return found;
  }
}

function write(nodes: Node[], language: string, parameters: Parameters, count: number): string {
  let text = '';
  for (const node of nodes) {
    switch (node.kind) {
      case 'text':
        text += node.text;
        break;
      case 'count':
        text += new Intl.NumberFormat(language).format(count);
        break;
      case 'value':
        text += String(value(parameters, node.name));
        break;
      case 'plural': {
        const number = Number(value(parameters, node.name));
        const label = new Intl.PluralRules(language).select(number);
        const chosen = node.cases.get(`=${number}`) ?? node.cases.get(label) ?? node.cases.get('other') ?? [];
        text += write(chosen, language, parameters, number);
        break;
      }
    }
  }
  return text;
}

function value(parameters: Parameters, name: string): string | number {
  return parameters[name] ?? `{${name}}`;
}
