import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';

import { defineConfig, type Plugin } from 'vite';

// As the builder names what `virtual:catalogue/en` resolves to.
const cataloguePrefix = '\0virtual:catalogue/';
const processPrefix = '\0virtual:process-catalogue/';
const locales = fileURLToPath(new URL('../locales/', import.meta.url));

// `virtual:catalogue/en` holds the texts of the pages alone: those of the server stay on the server, and those of the pages of processes
// are in `virtual:process-catalogue/en`, for clients need none of them.
function catalogues(): Plugin {
  return {
    name: 'consilium-catalogues',
    resolveId: (id) => (id.startsWith(cataloguePrefix.slice(1)) || id.startsWith(processPrefix.slice(1)) ? `\0${id}` : undefined),
    load(id) {
      const prefix = [cataloguePrefix, processPrefix].find((each) => id.startsWith(each));
      if (!prefix) return undefined;
      const path = `${locales}${id.slice(prefix.length)}.json`;
      this.addWatchFile(path);
      const all = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
      const own = Object.entries(all).filter(([key]) => key.startsWith('web.') && key.startsWith('web.processes.') === (prefix === processPrefix));
      return `export default ${JSON.stringify(Object.fromEntries(own.map(([key, text]) => [key.slice(4), text])))}`;
    },
  };
}

// `index.ru.html` beside `index.html` for each language: the program answers with the one that the browser asks for, and it names the
// texts, so that they come together with the script and not after it.
function pagesOfLanguages(): Plugin {
  return {
    name: 'consilium-pages-of-languages',
    writeBundle({ dir }, bundle) {
      const page = readFileSync(`${dir}/index.html`, 'utf8');
      for (const file of Object.values(bundle)) {
        const id = file.type === 'chunk' ? file.facadeModuleId : null;
        if (!id?.startsWith(cataloguePrefix)) continue;
        const language = id.slice(cataloguePrefix.length);
        const own = page.replace('<html lang="en">', `<html lang="${language}">`).replace('</title>', `</title>\n    <link rel="modulepreload" crossorigin href="/${file.fileName}" />`);
        writeFileSync(`${dir}/index.${language}.html`, own);
      }
    },
  };
}

// `licences.txt`: what others made and the pages carry, with the texts that their licences want to go with it.
function licences(): Plugin {
  return {
    name: 'consilium-licences',
    generateBundle(_, bundle) {
      const chunks = Object.values(bundle).flatMap((file) => (file.type === 'chunk' ? Object.keys(file.modules) : []));
      const folders = new Set(chunks.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id.replace(/^\0/, '').split('?')[0] ?? '')?.[0] ?? []));
      const texts = [...folders].sort().map((folder) => {
        const { name, version, license = '' } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as { name: string; version: string; license?: string };
        const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
        return `${name} ${version}${license.startsWith('SEE') ? '' : `, ${license}`}\n\n${file ? readFileSync(`${folder}/${file}`, 'utf8').trim() : ''}\n`;
      });
      this.emitFile({ type: 'asset', fileName: 'licences.txt', source: texts.join(`\n${'-'.repeat(80)}\n\n`) });
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
  plugins: [catalogues(), pagesOfLanguages(), licences(), brotli()],
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
