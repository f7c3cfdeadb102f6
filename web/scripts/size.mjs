// How much a client's browser loads before the page works, compressed. Over the limit fails: a slow mobile line carries 200 kB a second,
// and a client should be able to write within one (tests/load/page_bench.mjs measures it). The limit is what it weighs, and a little:
// raise it by a decision, not by the way.
import { readFile, readdir } from 'node:fs/promises';
import { brotliDecompressSync, gzipSync } from 'node:zlib';

const limit = 44_000;
const assets = new URL('../dist/assets/', import.meta.url);
const names = await readdir(assets);
const text = async (name) => readFile(new URL(name, assets), 'utf8');
const page = await readFile(new URL('../dist/index.ru.html', import.meta.url), 'utf8');

// The page's own files, which name one language's texts, and everything that these import at once.
const wanted = new Set([...page.matchAll(/\/assets\/([\w.-]+)/g)].map((match) => match[1]));
for (const name of wanted) {
  if (!name.endsWith('.js')) continue;
  for (const [, found] of (await text(name)).matchAll(/(?:import|from)\s*"\.\/([\w.-]+)"/g)) wanted.add(found);
}
// What is served to browsers that take it must be the file itself.
const packed = names.filter((name) => name.endsWith('.br'));
const different = [];
for (const name of packed) if (brotliDecompressSync(await readFile(new URL(name, assets))).toString() !== (await text(name.slice(0, -3)))) different.push(name);
console.log(different.length > 0 || packed.length < 5 ? `FAIL compressed files: ${packed.length} of them, not the same: ${different}` : 'PASS compressed files');
let total = gzipSync(page).length;
for (const name of [...wanted].sort()) {
  const bytes = gzipSync(await text(name)).length;
  total += bytes;
  console.log(`${String(bytes).padStart(8)}  ${name}`);
}
console.log(`${String(total).padStart(8)}  together, of ${limit} allowed`);
console.log(total > limit ? `FAIL size of the first load: ${total} bytes` : 'PASS size of the first load');
process.exitCode = total > limit || different.length > 0 || packed.length < 5 ? 1 : 0;
