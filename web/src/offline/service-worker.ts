/// <reference lib="webworker" />
// Keeps the page's own files, nothing of what people write: calls to the server are never answered from here.
// Navigations ask the server first and fall back to the kept page; files with a hash in their name never change.
const worker = self as unknown as ServiceWorkerGlobalScope;
const cacheName = 'consilium-shell-1';
const page = '/';
// Files kept at most; the oldest leave.
const mostFiles = 60;

worker.addEventListener('install', (event) => {
  event.waitUntil(keepPage().then(() => worker.skipWaiting()));
});

worker.addEventListener('activate', (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name !== cacheName) await caches.delete(name);
      await worker.clients.claim();
    })(),
  );
});

worker.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== worker.location.origin || url.pathname.startsWith('/api/') || url.pathname.startsWith('/oauth2/')) return;
  if (event.request.mode === 'navigate') event.respondWith(navigate(event.request));
  else if (url.pathname.startsWith('/assets/')) event.respondWith(asset(event.request));
});

worker.addEventListener('message', (event) => {
  const { keep } = (event.data ?? {}) as { keep?: unknown };
  if (!Array.isArray(keep)) return;
  const files = keep.filter((file): file is string => typeof file === 'string' && file.startsWith('/assets/')).slice(0, mostFiles);
  event.waitUntil((async () => {
    const cache = await caches.open(cacheName);
    await Promise.all(files.map(async (file) => {
      if (!(await cache.match(file))) await cache.add(file);
    }));
  })());
});

// The page and every file that it names, so that a reload without network needs nothing else.
async function keepPage() {
  const cache = await caches.open(cacheName);
  const reply = await fetch(page, { cache: 'no-cache' });
  if (!reply.ok) return;
  const html = await reply.clone().text();
  const files = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1] as string);
  await Promise.all([cache.put(page, reply), ...files.map((file) => cache.add(file))]);
}

async function navigate(request: Request): Promise<Response> {
  const cache = await caches.open(cacheName);
  try {
    const reply = await fetch(request);
    if (reply.ok && reply.headers.get('Content-Type')?.startsWith('text/html')) await cache.put(page, reply.clone());
    return reply;
  } catch (error) {
    const kept = await cache.match(page);
    if (kept) return kept;
    throw error;
  }
}

async function asset(request: Request): Promise<Response> {
  const cache = await caches.open(cacheName);
  const kept = await cache.match(request);
  if (kept) return kept;
  const reply = await fetch(request);
  if (reply.ok) {
    await cache.put(request, reply.clone());
    const keys = await cache.keys();
    for (const old of keys.filter((key) => new URL(key.url).pathname !== page).slice(0, Math.max(0, keys.length - mostFiles))) await cache.delete(old);
  }
  return reply;
}
