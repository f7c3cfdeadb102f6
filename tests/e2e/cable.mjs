// A cable between a browser and the program that can be pulled without either of them noticing: what is under way waits,
// new connections are taken and get no answer, nobody is told.
import { connect, createServer } from 'node:net';

/** @returns `{ url, pull(), plug(), stop() }` */
export async function layCable(target) {
  const { hostname, port } = new URL(target);
  const pairs = new Set();
  let pulled = false;
  const server = createServer({ pauseOnConnect: true }, (near) => {
    const pair = { near, far: connect({ host: hostname, port: Number(port), allowHalfOpen: false }) };
    pairs.add(pair);
    const end = () => {
      near.destroy();
      pair.far.destroy();
      pairs.delete(pair);
    };
    const carry = (from, to) => {
      from.on('data', (bytes) => to.write(bytes) || from.pause());
      to.on('drain', () => pulled || from.resume());
    };
    carry(near, pair.far);
    carry(pair.far, near);
    for (const socket of [near, pair.far]) {
      socket.on('error', end);
      socket.on('close', end);
    }
    if (pulled) pair.far.pause();
    else near.resume();
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', () => done(undefined)));
  const all = (name) => {
    for (const { near, far } of pairs) for (const socket of [near, far]) socket[name]();
  };
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    pull() {
      pulled = true;
      all('pause');
    },
    plug() {
      pulled = false;
      all('resume');
    },
    async stop() {
      all('destroy');
      await new Promise((done) => server.close(() => done(undefined)));
    },
  };
}
