// The real program with its demo people, on free ports and in a folder of its own.
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const program = process.env.TEST_BINARY ?? fileURLToPath(new URL('../../build/release/consilium', import.meta.url));
const password = 'a password of the tests';
const startWithin = 60_000;
const endWithin = 20_000;

const person = (username) => ({ username, password });
export const people = { anna: person('anna'), boris: person('boris'), clara: person('clara'), david: person('david'), admin: person('admin') };

/** `settings` are variables such as `CONSILIUM_PRESENCE_LEASE`; `log()` is what the program has written; `command()` runs one of an operator and
 * gives what it prints; `addresses` are those of its doors; `stop()` ends it and removes its folder. */
export async function startPlatform(settings = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'consilium-e2e-'));
  const child = spawn(program, ['serve', '--demo', '--data', join(folder, 'data'), '--listen', '127.0.0.1:0'], {
    env: { ...process.env, CONSILIUM_INTERNAL_LISTEN: '127.0.0.1:0', CONSILIUM_DEMO_PASSWORD: password, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  let written = '';
  const ready = new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`not started within ${startWithin} ms: ${written.slice(-2000)}`)), startWithin);
    const look = (bytes) => {
      written += bytes;
      // Written when the demo people can log in.
      if (!written.includes('Consilium runs at')) return;
      clearTimeout(late);
      resolve();
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('error', reject);
    void ended.then((code) => {
      clearTimeout(late);
      reject(new Error(`ended with ${code}: ${written.slice(-2000)}`));
    });
  });
  const stop = async () => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), endWithin);
    await ended;
    clearTimeout(late);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await ready;
    const addresses = JSON.parse(await readFile(join(folder, 'data/run/addresses.json'), 'utf8'));
    const command = async (...words) => (await promisify(execFile)(program, [...words, '--data', join(folder, 'data')])).stdout.trim();
    return { url: `http://${addresses.http}`, addresses, log: () => written, command, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
