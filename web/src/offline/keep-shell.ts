// Lets the page itself open without a network, so that what was written is on screen after a reload. Browsers allow it
// on HTTPS and on this machine only; elsewhere the page works without.
export function keepShell() {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  addEventListener('load', () => {
    navigator.serviceWorker.register('/service-worker.js').catch(() => undefined);
  });
}
