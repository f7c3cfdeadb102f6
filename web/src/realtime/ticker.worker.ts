// Browsers slow down the timers of hidden pages to one a minute, which is too slow for the lease of a consultant who
// waits for work in another tab. A worker's timers keep their pace; its ticks still need the page itself to answer
// them, so a frozen page stops pinging.
const timers = new Map<number, ReturnType<typeof setInterval>>();

self.onmessage = ({ data }: MessageEvent<{ id: number; milliseconds: number | null }>) => {
  clearInterval(timers.get(data.id));
  timers.delete(data.id);
  if (data.milliseconds !== null) timers.set(data.id, setInterval(() => self.postMessage(data.id), data.milliseconds));
};
