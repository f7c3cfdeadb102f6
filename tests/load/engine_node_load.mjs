// The same start→end with result by an unmodified zeebe-node, whose own cost is most of it: one process of it makes some 1,200 calls
// a second. Prints JSON. engine_node_load.mjs GATEWAY CLIENTS SECONDS
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const folder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../conformance/zeebe_node");
const { ZBClient } = createRequire(path.join(folder, "package.json"))("zeebe-node");
const [gateway, clients, seconds] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const kModel = `<?xml version="1.0" encoding="UTF-8"?><definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="load">
<process id="load-node" isExecutable="true"><startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="end"/><endEvent id="end"/></process></definitions>`;

const client = new ZBClient(gateway, { retry: false, loglevel: "NONE" });
await client.deployResource({ name: "load-node.bpmn", process: Buffer.from(kModel) });
const took = [];
const begin = performance.now();
const measureFrom = begin + 1000;
const end = measureFrom + seconds * 1000;
let number = 0;
async function run() {
  while (performance.now() < end) {
    const own = ++number;
    const from = performance.now();
    const result = await client.createProcessInstanceWithResult({ bpmnProcessId: "load-node", variables: { n: own }, requestTimeout: 60000 });
    if (result.variables.n !== own) throw new Error(`instance ${own} ended with ${JSON.stringify(result.variables)}`);
    const now = performance.now();
    if (now >= measureFrom && now < end) took.push(now - from);
  }
}
await Promise.all(Array.from({ length: clients }, run));
await client.close();
took.sort((a, b) => a - b);
const at = (share) => took[Math.min(took.length - 1, Math.floor(share * took.length))] ?? 0;
console.log(JSON.stringify({ instances: took.length, perSecond: took.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99) }));
process.exit(0);
