import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';

import { defineConfig, type Plugin } from 'vite';

const locales = fileURLToPath(new URL('../locales/', import.meta.url));

// `virtual:catalogue/en` holds the texts of the pages alone: those of the server stay on the server.
function catalogues(): Plugin {
  const prefix = 'virtual:catalogue/';
  return {
    name: 'consilium-catalogues',
    resolveId: (id) => (id.startsWith(prefix) ? `\0${id}` : undefined),
    load(id) {
      if (!id.startsWith(`\0${prefix}`)) return undefined;
      const path = `${locales}${id.slice(prefix.length + 1)}.json`;
      this.addWatchFile(path);
      const all = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
      const own = Object.entries(all).filter(([key]) => key.startsWith('web.'));
      return `export default ${JSON.stringify(Object.fromEntries(own.map(([key, text]) => [key.slice(4), text])))}`;
    },
  };
}

// What the first script imports later (all of the program that a client's page needs) is named by the page itself, so that one round
// trip brings it together with that script.
const atOnce = ['/src/main.tsx', '/src/pages/client/client-page.tsx'];
function scriptsAtOnce(): Plugin {
  return {
    name: 'consilium-scripts-at-once',
    transformIndexHtml: {
      order: 'post',
      handler(_, { bundle }) {
        const chunks = Object.values(bundle ?? {}).filter((file) => file.type === 'chunk');
        const wanted = new Set(chunks.filter((chunk) => chunk.moduleIds.some((id) => atOnce.some((end) => id.endsWith(end)))).map((chunk) => chunk.fileName));
        for (const name of wanted) for (const needed of chunks.find((chunk) => chunk.fileName === name)?.imports ?? []) wanted.add(needed);
        const files = [...wanted].filter((name) => !chunks.find((chunk) => chunk.fileName === name)?.isEntry);
        return files.map((file) => ({ tag: 'link', attrs: { rel: 'modulepreload', crossorigin: true, href: `/${file}` }, injectTo: 'head' as const }));
      },
    },
  };
}

// `x.br` beside `x`: browsers take it over TLS and from this machine, and it is a tenth smaller than what the program makes by gzip.
function brotli(): Plugin {
  return {
    name: 'consilium-brotli',
    // After everything else has written: other plugins change the files until then.
    writeBundle({ dir }, bundle) {
      for (const { fileName } of Object.values(bundle)) {
        if (/^assets\/.*\.(js|css)$/.test(fileName)) writeFileSync(`${dir}/${fileName}.br`, brotliCompressSync(readFileSync(`${dir}/${fileName}`)));
      }
    },
  };
}

export default defineConfig({
  plugins: [catalogues(), scriptsAtOnce(), brotli()],
  build: {
    target: 'es2021',
    // The content security policy allows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    rollupOptions: {
      input: { index: 'index.html', worker: 'src/offline/service-worker.ts' },
      output: {
        entryFileNames: (chunk) => (chunk.name === 'worker' ? 'service-worker.js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  worker: { format: 'es' },
  server: {
    proxy: { '/api': { target: process.env['CONSILIUM_URL'] ?? 'http://127.0.0.1:8080', ws: true } },
  },
  test: { include: ['src/**/*.test.{ts,tsx}'], environment: 'node' },
} as Parameters<typeof defineConfig>[0]);
