// Files of a person's own page are loaded after the login; they are named again after so many milliseconds.
const afterLogin = 15_000;

// The first page is loaded before the worker serves it: what it has loaded is named to the worker.
async function nameFiles() {
  const ready = await navigator.serviceWorker.ready;
  const files = performance.getEntriesByType('resource').map((entry) => new URL(entry.name).pathname).filter((path) => path.startsWith('/assets/'));
  ready.active?.postMessage({ keep: [...new Set(files)] });
}

// Lets the page itself open without a network, so that what was written is on screen after a reload. Browsers allow it
// on HTTPS and on this machine only; elsewhere the page works without.
export function keepShell() {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const register = () => {
    navigator.serviceWorker.register('/service-worker.js').then(
      () => {
        setTimeout(() => void nameFiles(), 1000);
        setTimeout(() => void nameFiles(), afterLogin);
      },
      () => undefined,
    );
  };
  // The page may be loaded before the main script runs.
  if (document.readyState === 'complete') register();
  else addEventListener('load', register);
}
