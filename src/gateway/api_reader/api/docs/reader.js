// Shows openapi.json as a page. Everything that comes out of the document becomes text, never markup.

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** `make('p', { class: 'quiet' }, 'text', node)` */
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) element.setAttribute(key, value);
  for (const child of children) if (child !== null && child !== undefined) element.append(child);
  return element;
}

/** Text whose `code` is kept, as nodes. */
const line = (text) =>
  String(text)
    .split('`')
    .map((piece, index) => (index % 2 === 1 ? make('code', {}, piece) : piece));

/** The same in paragraphs. */
const prose = (text) => String(text).split('\n\n').map((part) => make('p', {}, ...line(part)));

const anchor = (name) => 'type-' + name.replace(/[^A-Za-z0-9]/g, '-');

class Reader {
  constructor(api) {
    this.api = api;
  }

  resolve(value) {
    if (!value?.$ref) return value;
    return value.$ref
      .slice(2)
      .split('/')
      .reduce((node, name) => node?.[name], this.api);
  }

  /** A schema in one line; named ones as links to their table. */
  kind(schema) {
    if (!schema) return 'anything';
    if (schema.$ref) {
      const name = schema.$ref.split('/').pop();
      return make('a', { href: '#' + anchor(name) }, name);
    }
    if (schema.allOf?.length === 1) return this.kind(schema.allOf[0]);
    if (schema.anyOf || schema.oneOf) {
      return make('span', {}, ...(schema.anyOf ?? schema.oneOf).flatMap((one, index) => [index ? ' or ' : '', this.kind(one)]));
    }
    if (schema.type === 'array') return make('span', {}, 'list of ', this.kind(schema.items));
    const type = Array.isArray(schema.type) ? schema.type.join(' or ') : schema.type;
    if (schema.enum) return make('span', {}, ...schema.enum.flatMap((one, index) => [index ? ', ' : '', make('code', {}, String(one))]));
    return [type ?? 'anything', schema.format && `(${schema.format})`].filter(Boolean).join(' ');
  }

  rules(schema) {
    const one = schema ?? {};
    const rules = [];
    if (one.minLength !== undefined || one.maxLength !== undefined) rules.push(`${one.minLength ?? 0}…${one.maxLength ?? '∞'} characters`);
    if (one.minimum !== undefined || one.maximum !== undefined) rules.push(`${one.minimum ?? '−∞'}…${one.maximum ?? '∞'}`);
    if (one.minItems !== undefined || one.maxItems !== undefined) rules.push(`${one.minItems ?? 0}…${one.maxItems ?? '∞'} items`);
    if (one.pattern) rules.push(one.pattern);
    return rules.join(', ');
  }

  table(caption, rows) {
    const head = make('tr', {}, ...['Name', 'Type', 'Meaning'].map((text) => make('th', { scope: 'col' }, text)));
    const body = rows.map(({ name, needed, schema, where, text }) => {
      const meaning = [needed ? 'Required.' : '', where ? `In the ${where}.` : '', this.rules(schema), text ?? ''].filter(Boolean).join(' ');
      return make('tr', {}, make('th', { scope: 'row' }, make('code', {}, name)), make('td', {}, this.kind(schema)), make('td', {}, ...line(meaning)));
    });
    return [make('h3', {}, caption), make('table', {}, make('thead', {}, head), make('tbody', {}, ...body))];
  }

  members(schema) {
    const needed = schema.required ?? [];
    return Object.entries(schema.properties ?? {}).map(([name, member]) => ({
      name,
      needed: needed.includes(name),
      schema: member,
      text: member.description,
    }));
  }

  content(content) {
    const [type, body] = Object.entries(content ?? {})[0] ?? [];
    if (!type) return [];
    const out = [];
    if (body.schema?.properties) out.push(...this.table('Body, ' + type, this.members(body.schema)));
    else if (body.schema) out.push(make('p', {}, type + ': ', this.kind(body.schema)));
    if (body.example !== undefined) out.push(make('pre', { tabindex: '0', 'aria-label': 'Example' }, JSON.stringify(body.example, null, 2)));
    return out;
  }

  call(path, method, call) {
    const inside = make('div');
    if (call.description) inside.append(...prose(call.description));
    const permission = call['x-permission'];
    if (permission) inside.append(make('p', {}, 'Permission: ', make('code', {}, permission)));
    const parameters = (call.parameters ?? []).map((one) => this.resolve(one));
    if (parameters.length) {
      const rows = parameters.map((one) => ({ name: one.name, needed: one.required, schema: one.schema, where: one.in, text: one.description }));
      inside.append(...this.table('Parameters', rows));
    }
    inside.append(...this.content(this.resolve(call.requestBody)?.content));
    inside.append(make('h3', {}, 'Answers'));
    for (const [status, given] of Object.entries(call.responses ?? {})) {
      const answer = this.resolve(given);
      const block = make('div', {}, make('strong', {}, status), ...prose(answer.description ?? ''));
      if (status.startsWith('2')) block.append(...this.content(answer.content));
      inside.append(block);
    }
    const details = make(
      'details',
      { id: call.operationId },
      make('summary', {}, make('span', { class: 'method' }, method.toUpperCase()), ' ', make('code', {}, path), ' ', make('span', { class: 'quiet' }, call.summary ?? '')),
      inside,
    );
    details.dataset.words = [method, path, call.summary, call.operationId, permission, JSON.stringify(call.responses)].join(' ').toLowerCase();
    return details;
  }

  type(name, schema) {
    const inside = make('div');
    if (schema.description) inside.append(...prose(schema.description));
    if (schema.properties) inside.append(...this.table('Members', this.members(schema)));
    else inside.append(make('p', {}, this.kind(schema)));
    return make('details', { id: anchor(name) }, make('summary', {}, make('code', {}, name)), inside);
  }

  sections() {
    const byTag = new Map();
    for (const [path, item] of Object.entries(this.api.paths)) {
      for (const method of METHODS) {
        if (!item[method]) continue;
        const tag = item[method].tags?.[0] ?? 'other';
        if (!byTag.has(tag)) byTag.set(tag, []);
        byTag.get(tag).push(this.call(path, method, item[method]));
      }
    }
    const sections = [...byTag].map(([tag, calls]) =>
      make('section', { 'aria-labelledby': 'tag-' + tag }, make('h2', { id: 'tag-' + tag }, tag), ...calls),
    );
    const types = Object.entries(this.api.components?.schemas ?? {}).map(([name, schema]) => this.type(name, schema));
    sections.push(make('section', { 'aria-labelledby': 'tag-types' }, make('h2', { id: 'tag-types' }, 'types'), ...types));
    return sections;
  }
}

function filter(words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const section of document.querySelectorAll('main section')) {
    let any = false;
    for (const one of section.querySelectorAll(':scope > details')) {
      const text = one.dataset.words ?? one.id.toLowerCase();
      one.hidden = !wanted.every((word) => text.includes(word));
      any ||= !one.hidden;
      if (!one.hidden && one.dataset.words) ++shown;
    }
    section.hidden = !any;
  }
  document.getElementById('found').textContent = wanted.length ? `${shown} calls` : '';
}

/** A link into the page opens what it points to. */
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) {
    target.hidden = false;
    target.closest('section').hidden = false;
    target.open = true;
    target.scrollIntoView();
    target.querySelector('summary').focus({ preventScroll: true });
  }
}

async function start() {
  const state = document.getElementById('state');
  try {
    const answer = await fetch('/api/v1/openapi.json');
    if (!answer.ok) throw new Error(String(answer.status));
    const api = await answer.json();
    document.getElementById('about').textContent = api.info?.description ?? '';
    const sections = new Reader(api).sections();
    state.remove();
    document.querySelector('main').append(...sections);
    const links = sections.map((section) => section.querySelector('h2')).map((head) => make('li', {}, make('a', { href: '#' + head.id }, head.textContent)));
    document.getElementById('tags').append(make('ul', {}, ...links));
    document.getElementById('find').addEventListener('input', (event) => filter(event.target.value));
    addEventListener('hashchange', openTarget);
    openTarget();
  } catch {
    state.textContent = 'The description could not be loaded. Try again.';
  }
}

void start();
