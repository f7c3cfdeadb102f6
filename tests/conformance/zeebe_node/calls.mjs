// Every call that zeebe-node has, with success and each documented refusal, against `consilium engine`.
import assert from "node:assert/strict";
import { Engine, Report } from "../engine.mjs";
import { straight, waiting, work } from "../models.mjs";
import zeebe from "zeebe-node";

// Numbers of gRPC.
const kInvalidArgument = 3, kDeadlineExceeded = 4, kNotFound = 5, kAlreadyExists = 6, kFailedPrecondition = 9, kUnimplemented = 12, kUnavailable = 14, kUnauthenticated = 16;

const report = new Report("zeebe-node");
let engine = await Engine.start();

function connect(address, options = {}) {
  return new zeebe.ZBClient(address, { loglevel: "NONE", retry: false, eagerConnection: false, longPoll: 2000, ...options });
}
let client = connect(engine.address);

async function refused(code, words, call) {
  try {
    await call();
  } catch (error) {
    assert.equal(error.code, code, `${error.code} ${error.details ?? error.message}`);
    assert.match(error.details ?? error.message, words);
    return;
  }
  assert.fail(`expected a refusal with code ${code}`);
}
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const deploy = (name, text) => client.deployProcess({ definition: Buffer.from(text), name });
const start = (bpmnProcessId, variables = {}) => client.createProcessInstance({ bpmnProcessId, variables });
// The client's own `activateJobs` never settles when a poll ends without jobs or is refused, so its stream is read here.
async function activate(type, more = {}) {
  const stream = await client.grpc.activateJobsStream({ type, worker: "list", timeout: 60_000, maxJobsToActivate: 10, requestTimeout: 2000, fetchVariable: [], ...more });
  return new Promise((resolve, reject) => {
    const jobs = [];
    stream.on("data", (answer) => jobs.push(...answer.jobs.map((one) => ({ ...one, variables: JSON.parse(one.variables), customHeaders: JSON.parse(one.customHeaders) }))));
    stream.on("error", reject);
    stream.on("end", () => resolve(jobs));
  });
}
async function job(processId, type, variables = {}, more = {}) {
  await start(processId, variables);
  const jobs = await activate(type, more);
  assert.equal(jobs.length, 1);
  return jobs[0];
}
const kUnknown = String(2n ** 51n + 999_999n);  // of partition 1, and of nothing

await report.check("Topology", "one broker that leads one partition", async () => {
  const topology = await client.topology();
  assert.equal(topology.brokers.length, 1);
  assert.equal(topology.partitionsCount, 1);
  assert.equal(topology.brokers[0].partitions[0].partitionId, 1);
  assert.equal(`${topology.brokers[0].host}:${topology.brokers[0].port}`, engine.address);
  assert.match(topology.gatewayVersion, /^8\.5\./);
});

await report.check("DeployProcess", "version 1, the same again, a changed one, another name", async () => {
  const first = await deploy("straight.bpmn", straight("straight"));
  assert.equal(first.processes[0].bpmnProcessId, "straight");
  assert.equal(first.processes[0].version, 1);
  assert.equal(first.processes[0].resourceName, "straight.bpmn");
  const again = await deploy("straight.bpmn", straight("straight"));
  assert.equal(again.processes[0].version, 1);
  assert.equal(again.processes[0].processDefinitionKey, first.processes[0].processDefinitionKey);
  assert.equal((await deploy("straight.bpmn", straight("straight").replace('id="done"', 'id="done" name="x"'))).processes[0].version, 2);
  assert.equal((await deploy("other.bpmn", straight("straight"))).processes[0].version, 3);
});
await report.check("DeployProcess", "refused model", () => refused(kInvalidArgument, /Command 'CREATE' rejected with code 'INVALID_ARGUMENT'.*'bad.bpmn'/s,
  () => deploy("bad.bpmn", straight("bad").replace('targetRef="done"', 'targetRef="nowhere"'))));

await report.check("DeployResource", "several versions", async () => {
  const answer = await client.deployResource({ process: Buffer.from(work("work", "do-work")), name: "work.bpmn" });
  assert.equal(answer.deployments[0].process.bpmnProcessId, "work");
  assert.equal(answer.deployments[0].process.version, 1);
});
await report.check("DeployResource", "refused model", () => refused(kInvalidArgument, /rejected with code 'INVALID_ARGUMENT'/,
  () => client.deployResource({ process: Buffer.from("no xml"), name: "bad.bpmn" })));
await deploy("waiting.bpmn", waiting("waiting"));

await report.check("CreateProcessInstance", "newest, given version, variables", async () => {
  const newest = await client.createProcessInstance({ bpmnProcessId: "straight", variables: { a: 1 } });
  assert.equal(newest.version, 3);
  assert.equal(BigInt(newest.processInstanceKey) >> 51n, 1n);
  const second = await client.createProcessInstance({ bpmnProcessId: "straight", version: 2, variables: {} });
  assert.equal(second.version, 2);
});
await report.check("CreateProcessInstance", "unknown process", () => refused(kNotFound, /Command 'CREATE' rejected with code 'NOT_FOUND': Expected .*, but/, () => start("nobody")));
await report.check("CreateProcessInstance", "unknown version", () => refused(kNotFound, /NOT_FOUND/,
  () => client.createProcessInstance({ bpmnProcessId: "straight", version: 77, variables: {} })));
await report.check("CreateProcessInstance", "neither id nor key", () => refused(kInvalidArgument, /INVALID_ARGUMENT/, () => start("")));

await report.check("CreateProcessInstanceWithResult", "its variables at the end", async () => {
  const answer = await client.createProcessInstanceWithResult({ bpmnProcessId: "straight", variables: { a: 1, b: "two" }, requestTimeout: 5000 });
  assert.deepEqual(answer.variables, { a: 1, b: "two" });
});
await report.check("CreateProcessInstanceWithResult", "fetched variables alone", async () => {
  const answer = await client.createProcessInstanceWithResult({ bpmnProcessId: "straight", variables: { a: 1, b: "two" }, requestTimeout: 5000, fetchVariables: ["b"] });
  assert.deepEqual(answer.variables, { b: "two" });
});
await report.check("CreateProcessInstanceWithResult", "after a job", async () => {
  const result = client.createProcessInstanceWithResult({ bpmnProcessId: "work", variables: {}, requestTimeout: 10_000 });
  const [one] = await activate("do-work");
  await client.completeJob({ jobKey: one.key, variables: { answer: 42 } });
  assert.deepEqual((await result).variables, { answer: 42 });
});
await report.check("CreateProcessInstanceWithResult", "not in time", () => refused(kDeadlineExceeded, /in time/,
  () => client.createProcessInstanceWithResult({ bpmnProcessId: "waiting", variables: { order: "slow" }, requestTimeout: 200 })));
await report.check("CreateProcessInstanceWithResult", "unknown process", () => refused(kNotFound, /NOT_FOUND/,
  () => client.createProcessInstanceWithResult({ bpmnProcessId: "nobody", variables: {}, requestTimeout: 200 })));

await report.check("CancelProcessInstance", "an active one", async () => {
  const { processInstanceKey } = await start("waiting", { order: "cancelled" });
  await client.cancelProcessInstance(processInstanceKey);
  await refused(kNotFound, /Command 'CANCEL' rejected with code 'NOT_FOUND'/, () => client.cancelProcessInstance(processInstanceKey));
});
await report.check("CancelProcessInstance", "unknown, unknown partition", async () => {
  await refused(kNotFound, /NOT_FOUND/, () => client.cancelProcessInstance(kUnknown));
  await refused(kUnavailable, /partition/, () => client.cancelProcessInstance("5"));
});

await report.check("PublishMessage", "to one who waits", async () => {
  const result = client.createProcessInstanceWithResult({ bpmnProcessId: "waiting", variables: { order: "p-1" }, requestTimeout: 10_000 });
  await client.publishMessage({ name: "paid", correlationKey: "p-1", timeToLive: 10_000, variables: { sum: 7 } });
  assert.deepEqual((await result).variables, { order: "p-1", sum: 7 });
});
await report.check("PublishMessage", "kept for who comes later, and not without a time to live", async () => {
  await client.publishMessage({ name: "paid", correlationKey: "p-2", timeToLive: 60_000, variables: { sum: 8 } });
  const answer = await client.createProcessInstanceWithResult({ bpmnProcessId: "waiting", variables: { order: "p-2" }, requestTimeout: 5000 });
  assert.equal(answer.variables.sum, 8);
  await client.publishMessage({ name: "paid", correlationKey: "p-3", timeToLive: 0, variables: {} });
  await refused(kDeadlineExceeded, /in time/, () => client.createProcessInstanceWithResult({ bpmnProcessId: "waiting", variables: { order: "p-3" }, requestTimeout: 200 }));
});
await report.check("PublishMessage", "an id twice", async () => {
  const message = { name: "paid", correlationKey: "p-4", messageId: "once", timeToLive: 60_000, variables: {} };
  await client.publishMessage(message);
  await refused(kAlreadyExists, /Command 'PUBLISH' rejected with code 'ALREADY_EXISTS'/, () => client.publishMessage(message));
});

await report.check("ActivateJobs", "all that a job says", async () => {
  const instance = await start("work", { a: 1, b: 2 });
  const [one] = await activate("do-work");
  assert.equal(one.processInstanceKey, instance.processInstanceKey);
  assert.equal(one.bpmnProcessId, "work");
  assert.equal(one.elementId, "task");
  assert.equal(one.type, "do-work");
  assert.equal(one.worker, "list");
  assert.equal(one.retries, 3);
  assert.deepEqual(one.customHeaders, { colour: "green" });
  assert.deepEqual(one.variables, { a: 1, b: 2 });
  assert.ok(Math.abs(Number(one.deadline) - Date.now() - 60_000) < 10_000);
  await client.completeJob({ jobKey: one.key, variables: {} });
});
await report.check("ActivateJobs", "by the client's own function", async () => {
  await start("work", { a: 1 });
  const [one] = await client.activateJobs({ type: "do-work", worker: "list", timeout: 60_000, maxJobsToActivate: 1, requestTimeout: 2000 });
  assert.deepEqual(one.variables, { a: 1 });
  await client.completeJob({ jobKey: one.key, variables: {} });
});
await report.check("ActivateJobs", "at most so many, fetched variables alone", async () => {
  for (let i = 0; i < 5; ++i) await start("work", { i, other: true });
  const three = await activate("do-work", { maxJobsToActivate: 3, fetchVariable: ["i"] });
  assert.deepEqual(three.map((one) => one.variables), [{ i: 0 }, { i: 1 }, { i: 2 }]);
  const two = await activate("do-work");
  assert.equal(two.length, 2);
  for (const one of [...three, ...two]) await client.completeJob({ jobKey: one.key, variables: {} });
});
await report.check("ActivateJobs", "no waiting, waiting in vain, waiting for one", async () => {
  const began = Date.now();
  assert.deepEqual(await activate("do-work", { requestTimeout: -1 }), []);
  assert.ok(Date.now() - began < 400);
  assert.deepEqual(await activate("do-work", { requestTimeout: 500 }), []);
  assert.ok(Date.now() - began >= 490);
  const poll = activate("do-work", { requestTimeout: 10_000 });
  await start("work");
  const [one] = await poll;
  await client.completeJob({ jobKey: one.key, variables: {} });
});
await report.check("ActivateJobs", "more than one message holds", async () => {
  const large = "x".repeat(900_000);
  for (let i = 0; i < 6; ++i) await start("work", { large });
  let jobs = [];
  while (jobs.length < 6) jobs = jobs.concat(await activate("do-work"));
  assert.ok(jobs.every((one) => one.variables.large === large));
  for (const one of jobs) await client.completeJob({ jobKey: one.key, variables: { large: null } });
});
await report.check("ActivateJobs", "no type, no number, no timeout", async () => {
  await refused(kInvalidArgument, /INVALID_ARGUMENT/, () => activate(""));
  await refused(kInvalidArgument, /INVALID_ARGUMENT/, () => activate("do-work", { maxJobsToActivate: 0 }));
  await refused(kInvalidArgument, /INVALID_ARGUMENT/, () => activate("do-work", { timeout: 0 }));
});
await report.check("ActivateJobs", "a lock that runs out gives the job to another", async () => {
  const lost = await job("work", "do-work", {}, { timeout: 200 });
  const [again] = await activate("do-work", { requestTimeout: 10_000 });
  assert.equal(again.key, lost.key);
  assert.equal(again.retries, 3);
  await client.completeJob({ jobKey: again.key, variables: {} });
});
await report.check("ActivateJobs", "a worker of the client", async () => {
  const worker = client.createWorker({ taskType: "do-work", taskHandler: (one) => one.complete({ by: "worker" }), loglevel: "NONE" });
  const answer = await client.createProcessInstanceWithResult({ bpmnProcessId: "work", variables: {}, requestTimeout: 10_000 });
  assert.equal(answer.variables.by, "worker");
  await worker.close();
});

await report.check("CompleteJob", "once", async () => {
  const one = await job("work", "do-work");
  await client.completeJob({ jobKey: one.key, variables: { done: true } });
  await refused(kNotFound, /Command 'COMPLETE' rejected with code 'NOT_FOUND'/, () => client.completeJob({ jobKey: one.key, variables: {} }));
});
await report.check("CompleteJob", "unknown partition", () => refused(kUnavailable, /partition/, () => client.completeJob({ jobKey: "5", variables: {} })));

await report.check("FailJob", "fewer retries, its words, its variables, later", async () => {
  const one = await job("work", "do-work");
  const began = Date.now();
  await client.failJob({ jobKey: one.key, retries: 1, errorMessage: "no paper", retryBackOff: 300, variables: JSON.stringify({ tried: 1 }) });  // this client sends them as they are
  assert.deepEqual(await activate("do-work", { requestTimeout: -1 }), []);
  const [again] = await activate("do-work", { requestTimeout: 10_000 });
  assert.ok(Date.now() - began >= 290);
  assert.equal(again.key, one.key);
  assert.equal(again.retries, 1);
  assert.deepEqual(again.variables, { tried: 1 });
  await client.completeJob({ jobKey: again.key, variables: {} });
});
await report.check("FailJob", "unknown", () => refused(kNotFound, /Command 'FAIL' rejected with code 'NOT_FOUND'/,
  () => client.failJob({ jobKey: kUnknown, retries: 1, errorMessage: "", retryBackOff: 0, variables: "{}" })));
await report.check("FailJob", "with an incident already", async () => {
  const one = await job("work", "do-work");
  await client.failJob({ jobKey: one.key, retries: 0, errorMessage: "out of ink", retryBackOff: 0 });
  await refused(kFailedPrecondition, /rejected with code 'INVALID_STATE'/, () => client.failJob({ jobKey: one.key, retries: 1, errorMessage: "", retryBackOff: 0 }));
  await refused(kFailedPrecondition, /INVALID_STATE/, () => client.completeJob({ jobKey: one.key, variables: {} }));
  await client.cancelProcessInstance(one.processInstanceKey);
});

await report.check("ThrowError", "caught", async () => {
  const result = client.createProcessInstanceWithResult({ bpmnProcessId: "work", variables: {}, requestTimeout: 10_000 });
  const [one] = await activate("do-work");
  await client.throwError({ jobKey: one.key, errorCode: "lost", errorMessage: "where is it" });
  await result;
});
await report.check("ThrowError", "unknown", () => refused(kNotFound, /Command 'THROW_ERROR' rejected with code 'NOT_FOUND'/,
  () => client.throwError({ jobKey: kUnknown, errorCode: "lost", errorMessage: "" })));

await report.check("UpdateJobRetries", "above 0", async () => {
  const one = await job("work", "do-work", {}, { timeout: 200 });
  await client.updateJobRetries({ jobKey: one.key, retries: 9 });
  const [again] = await activate("do-work", { requestTimeout: 10_000 });
  assert.equal(again.retries, 9);
  await refused(kInvalidArgument, /Command 'UPDATE_RETRIES' rejected with code 'INVALID_ARGUMENT'/, () => client.updateJobRetries({ jobKey: again.key, retries: 0 }));
  await client.completeJob({ jobKey: again.key, variables: {} });
});
await report.check("UpdateJobRetries", "unknown", () => refused(kNotFound, /NOT_FOUND/, () => client.updateJobRetries({ jobKey: kUnknown, retries: 1 })));

await report.check("SetVariables", "of the instance and of one element", async () => {
  const instance = await start("work", { a: 1 });
  await client.setVariables({ elementInstanceKey: instance.processInstanceKey, variables: { a: 2, b: 3 }, local: false });
  let [one] = await activate("do-work", { timeout: 200 });
  assert.deepEqual(one.variables, { a: 2, b: 3 });
  await client.setVariables({ elementInstanceKey: one.elementInstanceKey, variables: { a: 9 }, local: true });
  [one] = await activate("do-work", { requestTimeout: 10_000 });
  assert.deepEqual(one.variables, { a: 9, b: 3 });
  await client.completeJob({ jobKey: one.key, variables: {} });
});
await report.check("SetVariables", "unknown", () => refused(kNotFound, /Command 'UPDATE' rejected with code 'NOT_FOUND'/,
  () => client.setVariables({ elementInstanceKey: kUnknown, variables: {}, local: false })));

await report.check("ResolveIncident", "unknown, unknown partition", async () => {
  await refused(kNotFound, /Command 'RESOLVE' rejected with code 'NOT_FOUND'/, () => client.resolveIncident({ incidentKey: kUnknown }));
  await refused(kUnavailable, /partition/, () => client.resolveIncident({ incidentKey: "5" }));
});

await report.check("BroadcastSignal", "not yet: a clear refusal", () => refused(kUnimplemented, /BroadcastSignal is not supported yet/,
  () => client.broadcastSignal({ signalName: "all", variables: {} })));
await report.check("ModifyProcessInstance", "not yet: a clear refusal", () => refused(kUnimplemented, /not supported yet/,
  () => client.modifyProcessInstance({ processInstanceKey: kUnknown, activateInstructions: [], terminateInstructions: [] })));
await report.check("EvaluateDecision", "not yet: a clear refusal", () => refused(kUnimplemented, /not supported yet/,
  () => client.evaluateDecision({ decisionId: "none", variables: {} })));
for (const call of ["StreamActivatedJobs", "UpdateJobTimeout", "DeleteResource", "MigrateProcessInstance"]) report.missing(call, "no such call in this client");

await report.check("CompleteJob", "after kill -9 the job is there once", async () => {
  await start("work", { before: "kill" });
  const [one] = await activate("do-work", { timeout: 1500 });
  await client.close();
  assert.equal(await engine.stop("SIGKILL"), "SIGKILL");
  await engine.run();
  client = connect(engine.address);
  const [again] = await activate("do-work", { requestTimeout: 10_000 });
  assert.equal(again.key, one.key);
  assert.equal(again.variables.before, "kill");
  await client.completeJob({ jobKey: again.key, variables: {} });
});

await client.close();
await report.check("Topology", "SIGTERM ends the engine cleanly", async () => assert.equal(await engine.stop(), 0));
engine.remove();

engine = await Engine.start("--token", "secret-of-the-list");
await report.check("Topology", "a token is asked for", async () => {
  const stranger = connect(engine.address);
  await refused(kUnauthenticated, /token/, () => stranger.topology());
  await stranger.close();
});
await engine.stop();
engine.remove();

report.end();
process.exit(process.exitCode);
