import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import optimizeLocales from '@react-aria/optimize-locales-plugin';
import react from '@vitejs/plugin-react';
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

export default defineConfig({
  plugins: [catalogues(), react(), { ...optimizeLocales.vite({ locales: ['en-US', 'ru-RU'] }), enforce: 'pre' }],
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
