import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { describe, expect, test } from 'vitest';

import { Message } from './message';

const file = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const read = (language: string) => JSON.parse(readFileSync(file(`locales/${language}.json`), 'utf8')) as Record<string, string>;
const catalogues = { en: read('en'), ru: read('ru') };
const keys = Object.keys(catalogues.en).sort();

test('every text is there in both languages, and none is left over', () => {
  expect(Object.keys(catalogues.ru).sort()).toEqual(keys);
});

test.each(Object.entries(catalogues))('%s: every text can be read and is not blank', (language, texts) => {
  const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
  for (const [key, text] of Object.entries(texts)) {
    expect(text.trim(), key).not.toBe('');
    for (const labels of new Message(text).pluralLabels()) expect(labels, key).toEqual(expect.arrayContaining(forms));
  }
});

test('both languages name the same parameters', () => {
  for (const key of keys) expect(new Message(catalogues.ru[key] ?? '').parameters(), key).toEqual(new Message(catalogues.en[key] ?? '').parameters());
});

const contracts = readdirSync(file('api/consilium'), { recursive: true }).map(String).filter((name) => name.endsWith('.proto'));

describe.each(contracts)('%s', (name) => {
  const text = readFileSync(file(`api/consilium/${name}`), 'utf8');
  const service = /option \(options\.v1\.service\) = \{\s*name: "([a-z-]+)"/.exec(text)?.[1];
  const codes = [...text.matchAll(/errors: \{code: "([a-z-]+)"/g)].map((match) => match[1]);
  test.runIf(service)('each of its errors has a text', () => {
    for (const code of codes) expect(catalogues.en, `${service}.${code}`).toHaveProperty([`error.${service}.${code}`]);
  });
});

// Keys that the pages build from a value of the contract, by what they start with.
const built = ['language.', 'theme.', 'queue.reason-', 'status.', 'presence.', 'history.', 'feedback.', 'type.', 'user.', 'sex.', 'office.', 'return.reason-', 'processes.state-', 'processes.job-', 'processes.wait-', 'processes.panel-time', 'processes.panel-latest', 'processes.panel-deployment', 'processes.panel-versiontag', 'processes.policy-', 'processes.box-', 'processes.part-', 'processes.need-', 'processes.draw-'];

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true }).map(String)
    .filter((name) => /\.tsx?$/.test(name) && !name.includes('.test.') && !name.startsWith('generated'))
    .map((name) => readFileSync(`${folder}/${name}`, 'utf8'));
}

test('the pages use only texts that exist, and no text of theirs is forgotten', () => {
  const all = sources(file('web/src')).join('\n');
  const used = new Set([...all.matchAll(/'([a-z]+(?:\.[a-z-]+)+|loading)'/g)].map((match) => match[1] as string));
  const called = [...all.matchAll(/\bt\('([^']+)'/g)].map((match) => match[1] as string);
  for (const key of called) expect(keys, key).toContain(`web.${key}`);
  const own = keys.filter((key) => key.startsWith('web.')).map((key) => key.slice(4));
  expect(own.filter((key) => !used.has(key) && !built.some((start) => key.startsWith(start)))).toEqual([]);
});
