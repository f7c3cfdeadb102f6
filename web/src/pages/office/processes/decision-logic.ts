// What a file of decisions says, read from its XML as it stands there: the engine has checked it at its deployment.
export interface TableColumn {
  label: string;
  // Of an input: what is looked at, where the label is another.
  expression: string;
  type: string;
  // The values that it may have.
  allowed: string;
}
export interface DecisionTable {
  // DMN's word: `UNIQUE`, `RULE ORDER`
  policy: string;
  // `SUM`; empty: none.
  aggregation: string;
  inputs: readonly TableColumn[];
  outputs: readonly TableColumn[];
  // Heads of what is only said about rules.
  notes: readonly string[];
  rules: readonly { tests: readonly string[]; results: readonly string[]; notes: readonly string[] }[];
}

// What part of an expression something is, where it has no name of its own.
export type Role = 'result' | 'if' | 'then' | 'else' | 'in' | 'match' | 'return' | 'satisfies';
export interface Part {
  name: string;
  role?: Role;
  box: Box;
}
// A boxed expression.
export type Box =
  | { kind: 'text'; text: string }
  | { kind: 'table'; table: DecisionTable }
  | { kind: 'relation'; columns: readonly string[]; rows: readonly (readonly Box[])[] }
  | { kind: 'parts'; of: 'context' | 'list' | 'invocation' | 'function' | 'conditional' | 'filter' | 'for' | 'some' | 'every'; name: string; parts: readonly Part[] };

export interface Need {
  kind: 'decision' | 'input' | 'knowledge';
  id: string;
  name: string;
}
export interface DecisionLogic {
  needs: readonly Need[];
  box: Box | null;
}

// The namespace tells DMN's version, and the names are the same in all.
const childrenOf = (parent: Element | undefined, name: string) => [...(parent?.children ?? [])].filter((child) => child.localName === name);
const childOf = (parent: Element | undefined, name: string) => childrenOf(parent, name)[0];
const attribute = (element: Element | undefined, name: string) => element?.getAttribute(name) ?? '';
const textIn = (element: Element | undefined) => (childOf(element, 'text')?.textContent ?? '').trim();

const nothing: Box = { kind: 'text', text: '' };
const boxesIn = (parent: Element) => [...parent.children].flatMap((child) => {
  const read = readers[child.localName];
  return read ? [read(child)] : [];
});
const boxIn = (parent: Element | undefined): Box | null => (parent && boxesIn(parent)[0]) ?? null;
const partIn = (parent: Element, name: Role): Part => ({ name: '', role: name, box: boxIn(childOf(parent, name)) ?? nothing });

const readers: Partial<Record<string, (element: Element) => Box>> = {
  literalExpression: (element) => ({ kind: 'text', text: textIn(element) }),
  decisionTable: (element) => ({ kind: 'table', table: tableOf(element) }),
  relation: (element) => ({
    kind: 'relation',
    columns: childrenOf(element, 'column').map((column) => attribute(column, 'name')),
    rows: childrenOf(element, 'row').map(boxesIn),
  }),
  context: (element) => ({
    kind: 'parts', of: 'context', name: '',
    parts: childrenOf(element, 'contextEntry').map((entry): Part => {
      const name = attribute(childOf(entry, 'variable'), 'name');
      return { name, ...(name ? {} : { role: 'result' }), box: boxIn(entry) ?? nothing };
    }),
  }),
  list: (element) => ({ kind: 'parts', of: 'list', name: '', parts: boxesIn(element).map((box) => ({ name: '', box })) }),
  invocation: (element) => ({
    kind: 'parts', of: 'invocation', name: textIn(childOf(element, 'literalExpression')),
    parts: childrenOf(element, 'binding').map((binding) => ({ name: attribute(childOf(binding, 'parameter'), 'name'), box: boxIn(binding) ?? nothing })),
  }),
  functionDefinition: (element) => ({
    kind: 'parts', of: 'function', name: childrenOf(element, 'formalParameter').map((parameter) => attribute(parameter, 'name')).join(', '),
    parts: [{ name: '', role: 'result', box: boxIn(element) ?? nothing }],
  }),
  conditional: (element) => ({ kind: 'parts', of: 'conditional', name: '', parts: [partIn(element, 'if'), partIn(element, 'then'), partIn(element, 'else')] }),
  filter: (element) => ({ kind: 'parts', of: 'filter', name: '', parts: [partIn(element, 'in'), partIn(element, 'match')] }),
  for: (element) => ({ kind: 'parts', of: 'for', name: attribute(element, 'iteratorVariable'), parts: [partIn(element, 'in'), partIn(element, 'return')] }),
  some: (element) => ({ kind: 'parts', of: 'some', name: attribute(element, 'iteratorVariable'), parts: [partIn(element, 'in'), partIn(element, 'satisfies')] }),
  every: (element) => ({ kind: 'parts', of: 'every', name: attribute(element, 'iteratorVariable'), parts: [partIn(element, 'in'), partIn(element, 'satisfies')] }),
};

function tableOf(element: Element): DecisionTable {
  const rules = childrenOf(element, 'rule');
  // Modelers write what is said about a rule as its description, too.
  const isDescribed = rules.some((rule) => childOf(rule, 'description'));
  const said = childrenOf(element, 'annotation').map((annotation) => attribute(annotation, 'name'));
  return {
    policy: attribute(element, 'hitPolicy') || 'UNIQUE',
    aggregation: attribute(element, 'aggregation'),
    inputs: childrenOf(element, 'input').map((input) => {
      const asked = childOf(input, 'inputExpression');
      const expression = textIn(asked);
      const label = attribute(input, 'label') || expression;
      return { label, expression: label === expression ? '' : expression, type: attribute(asked, 'typeRef'), allowed: textIn(childOf(input, 'inputValues')) };
    }),
    outputs: childrenOf(element, 'output').map((output) => ({
      label: attribute(output, 'label') || attribute(output, 'name') || attribute(element, 'outputLabel'), expression: '', type: attribute(output, 'typeRef'), allowed: textIn(childOf(output, 'outputValues')),
    })),
    notes: [...said, ...(isDescribed ? [''] : [])],
    rules: rules.map((rule) => {
      const entries = childrenOf(rule, 'annotationEntry').map(textIn);
      return {
        tests: childrenOf(rule, 'inputEntry').map(textIn),
        results: childrenOf(rule, 'outputEntry').map(textIn),
        notes: [...said.map((_, at) => entries[at] ?? ''), ...(isDescribed ? [(childOf(rule, 'description')?.textContent ?? '').trim()] : [])],
      };
    }),
  };
}

const needKinds = [['requiredDecision', 'decision'], ['requiredInput', 'input'], ['requiredKnowledge', 'knowledge']] as const;

// undefined: the file has no such decision.
export function logicOf(xml: string, decisionId: string): DecisionLogic | undefined {
  const root = new DOMParser().parseFromString(xml, 'application/xml').documentElement;
  const decision = childrenOf(root, 'decision').find((each) => attribute(each, 'id') === decisionId);
  if (!decision) return undefined;
  const named = new Map([...root.children].map((each) => [attribute(each, 'id'), attribute(each, 'name')]));
  const needs = [...decision.children].flatMap((requirement) => needKinds.flatMap(([element, kind]) => childrenOf(requirement, element).map((needed): Need => {
    const id = attribute(needed, 'href').replace(/^.*#/, '');
    return { kind, id, name: named.get(id) || id };
  })));
  return { needs, box: boxIn(decision) };
}
