const runs = new Map<number, () => void>();
let worker: Worker | null = null;
let lastId = 0;

function start(): Worker | null {
  try {
    const made = new Worker(new URL('./ticker.worker.ts', import.meta.url), { type: 'module' });
    made.onmessage = ({ data }: MessageEvent<number>) => runs.get(data)?.();
    return made;
  } catch {
    return null;
  }
}

// Calls `run` every so many milliseconds, hidden page or not; returns how to stop it.
export function every(milliseconds: number, run: () => void): () => void {
  worker ??= start();
  if (!worker) {
    const timer = setInterval(run, milliseconds);
    return () => clearInterval(timer);
  }
  const id = (lastId += 1);
  runs.set(id, run);
  worker.postMessage({ id, milliseconds });
  return () => {
    runs.delete(id);
    worker?.postMessage({ id, milliseconds: null });
  };
}
