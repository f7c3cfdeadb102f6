// Clients that are not of JavaScript, unmodified, behind bridges: what the list asks goes there as lines of JSON (zeebe_client_java/Bridge.java,
// zeebe_client_go/bridge.go).
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const read = (text) => (typeof text === "string" ? JSON.parse(text) : text);
const parsed = (job) => ({ ...job, variables: read(job.variables), customHeaders: read(job.customHeaders) });
const each = (kind, list) => (list ?? []).map((one) => ({ [kind]: one }));

// `command` with `words` runs the bridge.
export function bridged(command, words) {
  const bridge = spawn(command, words, { stdio: ["pipe", "pipe", "ignore"] });
  const waiting = new Map();
  const opened = new Map();
  createInterface({ input: bridge.stdout }).on("line", (line) => {
    const { id, answer, code, details, job } = JSON.parse(line);
    if (job) return opened.get(id)?.(parsed(job));
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    return code === undefined ? resolve(answer) : reject(Object.assign(new Error(details), { code, details }));
  });
  let last = 0;
  const call = (what, args = {}, take = undefined) => new Promise((resolve, reject) => {
    const id = ++last;
    if (take) opened.set(id, take);
    waiting.set(id, { resolve: take ? () => resolve({ close: () => call("closeOpen", { opened: id }) }) : resolve, reject });
    bridge.stdin.write(`${JSON.stringify({ id, call: what, arguments: args })}\n`);
  });
  const activate = async (request) => (await call("activate", request)).jobs.map(parsed);
  return {
    takesToken: true,
    topology: () => call("topology"),
    deployProcess: (file, text) => call("deployProcess", { name: file, text }),
    async deployResource(resources) {
      const answer = await call("deployResource", { resources });
      return answer.deployments ? answer : { deployments: [...each("process", answer.processes), ...each("decision", answer.decisions), ...each("decisionRequirements", answer.decisionRequirements), ...each("form", answer.form)] };
    },
    create: (request) => call("create", request),
    async createWithResult(request) {
      const answer = await call("createWithResult", { variables: {}, ...request });
      return { ...answer, variables: JSON.parse(answer.variables) };
    },
    cancel: (key) => call("cancel", { key }),
    publish: (message) => call("publish", message),
    activate,
    activateByItself: activate,
    stream: (request, take) => call("stream", request, take),
    worker(type, take) {
      const worker = call("worker", { type }, (job) => take({ ...job, complete: (variables) => call("complete", { key: job.key, variables }) }));
      return { close: async () => (await worker).close() };
    },
    complete: (key, variables = {}) => call("complete", { key, variables }),
    fail: (request) => call("fail", { retryBackOff: 0, variables: {}, ...request }),
    throwError: (request) => call("throwError", request),
    updateRetries: (key, retries) => call("updateRetries", { key, retries }),
    updateTimeout: (key, timeout) => call("updateTimeout", { key, timeout }),
    setVariables: (request) => call("setVariables", request),
    resolve: (key) => call("resolve", { key }),
    deleteResource: (key) => call("deleteResource", { key }),
    broadcast: (signalName, variables = {}) => call("broadcast", { signalName, variables }),
    modify: (request) => call("modify", request),
    migrate: (request) => call("migrate", request),
    evaluate: (request) => call("evaluate", request),
    async close() {
      await call("close");
      bridge.stdin.end();
    },
  };
}
