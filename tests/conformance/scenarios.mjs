// Every call that a client has, with success and each documented refusal, against `consilium engine`: one list for all clients. A
// client is a module with its `name`, what it is `missing` and why, and `connect` (zeebe_node/client.mjs).
import assert from "node:assert/strict";
import { startPlatform } from "../e2e/platform.mjs";
import { Engine, Report } from "./engine.mjs";
import { decisions, nested, plain, ruled, signalled, straight, timed, waiting, work } from "./models.mjs";

// Numbers of gRPC.
const kInvalidArgument = 3, kDeadlineExceeded = 4, kNotFound = 5, kAlreadyExists = 6, kFailedPrecondition = 9, kUnavailable = 14, kUnauthenticated = 16;
const kUnknown = String(2n ** 51n + 999_999n);  // of partition 1, and of nothing
const kOtherPartition = "5";

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

export async function run({ name, missing, connect }) {
  const list = new List(new Report(name), await Engine.start(), connect);
  for (const [call, reason] of Object.entries(missing)) list.report.missing(call, reason);
  await list.models();
  await list.instances();
  await list.messages();
  await list.jobs();
  await list.running();
  await list.decisions();
  await list.deletion();
  if (!list.engine.isForeign) await list.endings();
  list.report.end();
  process.exit(process.exitCode);
}

class List {
  constructor(report, engine, connect) {
    this.report = report;
    this.engine = engine;
    this.connect = connect;
    this.client = connect(engine.address);
  }

  check(call, what, body) {
    return this.report.cannot(call) ? undefined : this.report.check(call, what, () => body(this.client));
  }

  // ---- what most checks need
  deploy(file, text) {
    return this.client.deployResource([{ name: file, text }]);
  }
  start(bpmnProcessId, variables = {}) {
    return this.client.create({ bpmnProcessId, variables });
  }
  activate(type, more = {}) {
    return this.client.activate({ type, worker: "list", timeout: 60_000, maxJobsToActivate: 10, requestTimeout: 2000, fetchVariable: [], ...more });
  }
  async job(processId, type, variables = {}, more = {}) {
    await this.start(processId, variables);
    const jobs = await this.activate(type, more);
    assert.equal(jobs.length, 1);
    return jobs[0];
  }
  result(bpmnProcessId, variables = {}, more = {}) {
    return this.client.createWithResult({ bpmnProcessId, variables, requestTimeout: 10_000, ...more });
  }

  async models() {
    await this.check("Topology", "one broker that leads one partition", async (client) => {
      const topology = await client.topology();
      assert.equal(topology.brokers.length, 1);
      assert.equal(topology.partitionsCount, 1);
      assert.equal(topology.brokers[0].partitions[0].partitionId, 1);
      if (!this.engine.isForeign) assert.equal(`${topology.brokers[0].host}:${topology.brokers[0].port}`, this.engine.address);
      assert.match(topology.gatewayVersion, /^8\.5\./);
    });

    await this.check("DeployProcess", "version 1, the same again, a changed one, another name", async (client) => {
      const first = await client.deployProcess("first.bpmn", straight("first"));
      assert.equal(first.processes[0].bpmnProcessId, "first");
      assert.equal(first.processes[0].version, 1);
      assert.equal(first.processes[0].resourceName, "first.bpmn");
      const again = await client.deployProcess("first.bpmn", straight("first"));
      assert.equal(again.processes[0].version, 1);
      assert.equal(again.processes[0].processDefinitionKey, first.processes[0].processDefinitionKey);
      assert.equal((await client.deployProcess("first.bpmn", straight("first", "changed"))).processes[0].version, 2);
      assert.equal((await client.deployProcess("other.bpmn", straight("first"))).processes[0].version, 3);
    });
    await this.check("DeployProcess", "refused model", (client) => refused(kInvalidArgument, /Command 'CREATE' rejected with code 'INVALID_ARGUMENT'.*'bad.bpmn'/s,
      () => client.deployProcess("bad.bpmn", straight("bad").replace('targetRef="done"', 'targetRef="nowhere"'))));

    await this.check("DeployResource", "version 1, the same again, a changed one, another name", async () => {
      const first = (await this.deploy("straight.bpmn", straight("straight"))).deployments[0].process;
      assert.equal(first.bpmnProcessId, "straight");
      assert.equal(first.version, 1);
      assert.equal(first.resourceName, "straight.bpmn");
      const again = (await this.deploy("straight.bpmn", straight("straight"))).deployments[0].process;
      assert.equal(again.version, 1);
      assert.equal(again.processDefinitionKey, first.processDefinitionKey);
      assert.equal((await this.deploy("straight.bpmn", straight("straight", "changed"))).deployments[0].process.version, 2);
      assert.equal((await this.deploy("other.bpmn", straight("straight"))).deployments[0].process.version, 3);
    });
    await this.check("DeployResource", "refused model, nothing at all", async () => {
      await refused(kInvalidArgument, /rejected with code 'INVALID_ARGUMENT'/, () => this.deploy("bad.bpmn", "no xml"));
      await refused(kInvalidArgument, /Expected to deploy at least one resource/, () => this.client.deployResource([]));
      await refused(kInvalidArgument, /'notes.txt':.*unknown resource type/s, () => this.deploy("notes.txt", straight("notes")));
    });
    await this.check("DeployResource", "decisions beside models, all or none", async () => {
      await refused(kInvalidArgument, /'bad.dmn'/, () => this.client.deployResource([{ name: "ruled.bpmn", text: ruled("ruled", "dish") }, { name: "bad.dmn", text: decisions("dinner").replace("<outputEntry", "<nothing") }]));
      await refused(kNotFound, /NOT_FOUND/, () => this.start("ruled"));
      const { deployments } = await this.client.deployResource([{ name: "dinner.dmn", text: decisions("dinner") }, { name: "ruled.bpmn", text: ruled("ruled", "dish") }]);
      const one = (kind) => deployments.filter((each) => each[kind]).map((each) => each[kind]);
      assert.equal(one("process")[0].bpmnProcessId, "ruled");
      assert.deepEqual(one("decision").map((each) => `${each.dmnDecisionId} ${each.dmnDecisionName} ${each.version}`).sort(), ["dish Dish 1", "guests Guests 1"]);
      assert.equal(one("decisionRequirements")[0].dmnDecisionRequirementsId, "dinner");
      assert.equal(one("decisionRequirements")[0].decisionRequirementsKey, one("decision")[0].decisionRequirementsKey);
    });
    await this.check("DeployResource", "a version of decisions for each change", async () => {
      const versions = async (file, text) => (await this.deploy(file, text)).deployments.map((each) => (each.decision ?? each.decisionRequirements).version);
      assert.deepEqual(await versions("menu.dmn", decisions("menu", "_m")), [1, 1, 1]);
      assert.deepEqual(await versions("menu.dmn", decisions("menu", "_m")), [1, 1, 1]);
      assert.deepEqual(await versions("menu.dmn", decisions("menu", "_m", "Roast")), [2, 2, 2]);
    });
    await this.check("DeployResource", "a form and its versions", async () => {
      const form = async (text) => (await this.deploy("ask.form", JSON.stringify({ id: "ask", components: [{ type: "text", text }] }))).deployments[0].form;
      const first = await form("one");
      assert.deepEqual([first.formId, first.version, first.resourceName], ["ask", 1, "ask.form"]);
      assert.equal((await form("one")).formKey, first.formKey);
      assert.equal((await form("two")).version, 2);
      await refused(kInvalidArgument, /form.* id /s, () => this.deploy("ask.form", "{}"));
    });
    await this.deploy("work.bpmn", work("work", "do-work"));
    await this.deploy("waiting.bpmn", waiting("waiting"));
    await this.deploy("nested.bpmn", nested("nested"));
  }

  async instances() {
    await this.check("CreateProcessInstance", "newest, given version, variables", async (client) => {
      const newest = await client.create({ bpmnProcessId: "straight", variables: { a: 1 } });
      assert.equal(newest.version, 3);
      assert.equal(BigInt(newest.processInstanceKey) >> 51n, 1n);
      assert.equal((await client.create({ bpmnProcessId: "straight", version: 2 })).version, 2);
    });
    await this.check("CreateProcessInstance", "unknown process, unknown version, neither id nor key", async (client) => {
      await refused(kNotFound, /Command 'CREATE' rejected with code 'NOT_FOUND': Expected .*, but/, () => this.start("nobody"));
      await refused(kNotFound, /NOT_FOUND/, () => client.create({ bpmnProcessId: "straight", version: 77 }));
      await refused(kNotFound, /NOT_FOUND.*key '0'/, () => this.start(""));
    });
    await this.check("CreateProcessInstance", "no none start event", async (client) => {
      await this.deploy("signalled.bpmn", signalled("signalled", "all"));
      await refused(kFailedPrecondition, /INVALID_STATE.*none start event/, () => this.start("signalled"));
    });
    await this.check("CreateProcessInstance", "from given elements", async (client) => {
      await client.create({ bpmnProcessId: "nested", variables: { a: 1 }, startElements: ["inner", "outer"] });
      const [inner] = await this.activate("do-inner");
      assert.deepEqual(inner.variables, { a: 1 });
      const [outer] = await this.activate("do-outer");
      assert.equal(outer.processInstanceKey, inner.processInstanceKey);
      await client.complete(inner.key);
      await client.cancel(outer.processInstanceKey);
    });
    await this.check("CreateProcessInstance", "from an element that is unknown, a start event, in a multi-instance activity, behind an event-based gateway", async (client) => {
      const from = (element) => () => client.create({ bpmnProcessId: "nested", startElements: [element] });
      await refused(kInvalidArgument, /Command 'CREATE' rejected with code 'INVALID_ARGUMENT': .* no element found with id 'nothing'/, from("nothing"));
      for (const element of ["begin", "each-task", "first-of-two"]) await refused(kInvalidArgument, new RegExp(`INVALID_ARGUMENT.*'${element}'`), from(element));
    });

    await this.check("CreateProcessInstanceWithResult", "its variables at the end, fetched ones alone", async () => {
      assert.deepEqual((await this.result("straight", { a: 1, b: "two" })).variables, { a: 1, b: "two" });
      assert.deepEqual((await this.result("straight", { a: 1, b: "two" }, { fetchVariables: ["b"] })).variables, { b: "two" });
    });
    await this.check("CreateProcessInstanceWithResult", "after a job", async (client) => {
      const result = this.result("work");
      const [one] = await this.activate("do-work");
      await client.complete(one.key, { answer: 42 });
      assert.deepEqual((await result).variables, { answer: 42 });
    });
    await this.check("CreateProcessInstanceWithResult", "not in time, unknown process", async () => {
      await refused(kDeadlineExceeded, /in time/, () => this.result("waiting", { order: "slow" }, { requestTimeout: 200 }));
      await refused(kNotFound, /NOT_FOUND/, () => this.result("nobody"));
    });

    await this.check("CancelProcessInstance", "an active one, once", async (client) => {
      const { processInstanceKey } = await this.start("waiting", { order: "cancelled" });
      await client.cancel(processInstanceKey);
      await refused(kNotFound, /Command 'CANCEL' rejected with code 'NOT_FOUND'/, () => client.cancel(processInstanceKey));
    });
    await this.check("CancelProcessInstance", "unknown, unknown partition", async (client) => {
      await refused(kNotFound, /NOT_FOUND/, () => client.cancel(kUnknown));
      await refused(kUnavailable, /partition/, () => client.cancel(kOtherPartition));
    });
  }

  async messages() {
    await this.check("PublishMessage", "to one who waits", async (client) => {
      const result = this.result("waiting", { order: "p-1" });
      await client.publish({ name: "paid", correlationKey: "p-1", timeToLive: 10_000, variables: { sum: 7 } });
      assert.deepEqual((await result).variables, { order: "p-1", sum: 7 });
    });
    await this.check("PublishMessage", "kept for who comes later, and not without a time to live", async (client) => {
      await client.publish({ name: "paid", correlationKey: "p-2", timeToLive: 60_000, variables: { sum: 8 } });
      assert.equal((await this.result("waiting", { order: "p-2" })).variables.sum, 8);
      await client.publish({ name: "paid", correlationKey: "p-3", timeToLive: 0, variables: {} });
      await refused(kDeadlineExceeded, /in time/, () => this.result("waiting", { order: "p-3" }, { requestTimeout: 200 }));
    });
    await this.check("PublishMessage", "an id twice", async (client) => {
      const message = { name: "paid", correlationKey: "p-4", messageId: "once", timeToLive: 60_000, variables: {} };
      await client.publish(message);
      await refused(kAlreadyExists, /Command 'PUBLISH' rejected with code 'ALREADY_EXISTS'/, () => client.publish(message));
    });

    await this.check("BroadcastSignal", "starts instances and is heard by those that wait", async (client) => {
      await this.deploy("signalled.bpmn", signalled("signalled", "all"));
      const answer = await client.broadcast("all", { round: 1 });
      assert.equal(BigInt(answer.key) >> 51n, 1n);
      const [begun] = await this.activate("do-signalled");
      assert.deepEqual(begun.variables, { round: 1 });
      await client.complete(begun.key);  // it waits for the signal now
      await client.broadcast("all", { round: 2 });
      const jobs = await this.activate("after-signal");
      assert.deepEqual(jobs.map((one) => one.variables), [{ round: 2 }]);
      const again = await this.activate("do-signalled");
      for (const one of [...jobs, ...again]) await client.cancel(one.processInstanceKey);
    });
    await this.check("PublishMessage", "without a name", (client) => client.publish({ name: "", correlationKey: "none", timeToLive: 0, variables: {} }));
    await this.check("BroadcastSignal", "without a name", (client) => client.broadcast(""));
  }

  async jobs() {
    await this.check("ActivateJobs", "all that a job says", async (client) => {
      const instance = await this.start("work", { a: 1, b: 2 });
      const [one] = await this.activate("do-work");
      assert.equal(one.processInstanceKey, instance.processInstanceKey);
      assert.equal(one.processDefinitionKey, instance.processDefinitionKey);
      assert.equal(one.bpmnProcessId, "work");
      assert.equal(one.processDefinitionVersion, 1);
      assert.equal(one.elementId, "task");
      assert.equal(one.type, "do-work");
      assert.equal(one.worker, "list");
      assert.equal(one.retries, 3);
      assert.deepEqual(one.customHeaders, { colour: "green" });
      assert.deepEqual(one.variables, { a: 1, b: 2 });
      assert.ok(Math.abs(Number(one.deadline) - Date.now() - 60_000) < 10_000);
      await client.complete(one.key);
    });
    await this.check("ActivateJobs", "by the client's own function", async (client) => {
      await this.start("work", { a: 1 });
      const [one] = await client.activateByItself({ type: "do-work", worker: "list", timeout: 60_000, maxJobsToActivate: 1, requestTimeout: 2000 });
      assert.deepEqual(one.variables, { a: 1 });
      await client.complete(one.key);
    });
    await this.check("ActivateJobs", "at most so many, fetched variables alone", async (client) => {
      for (let i = 0; i < 5; ++i) await this.start("work", { i, other: true });
      const three = await this.activate("do-work", { maxJobsToActivate: 3, fetchVariable: ["i"] });
      assert.deepEqual(three.map((one) => one.variables), [{ i: 0 }, { i: 1 }, { i: 2 }]);
      const two = await this.activate("do-work");
      assert.equal(two.length, 2);
      for (const one of [...three, ...two]) await client.complete(one.key);
    });
    await this.check("ActivateJobs", "no waiting, waiting in vain, waiting for one", async (client) => {
      const began = Date.now();
      assert.deepEqual(await this.activate("do-work", { requestTimeout: -1 }), []);
      assert.ok(Date.now() - began < 400);
      assert.deepEqual(await this.activate("do-work", { requestTimeout: 500 }), []);
      assert.ok(Date.now() - began >= 490);
      const poll = this.activate("do-work", { requestTimeout: 10_000 });
      await this.start("work");
      const [one] = await poll;
      await client.complete(one.key);
    });
    await this.check("ActivateJobs", "more than one message holds", async (client) => {
      const large = "x".repeat(900_000);
      for (let i = 0; i < 6; ++i) await this.start("work", { large });
      let jobs = [];
      while (jobs.length < 6) jobs = jobs.concat(await this.activate("do-work"));
      assert.ok(jobs.every((one) => one.variables.large === large));
      for (const one of jobs) await client.complete(one.key, { large: null });
    });
    await this.check("ActivateJobs", "no type, no number, no timeout", async () => {
      await refused(kInvalidArgument, /INVALID_ARGUMENT/, () => this.activate(""));
      assert.deepEqual(await this.activate("do-work", { maxJobsToActivate: 0, requestTimeout: -1 }), []);
      await refused(kInvalidArgument, /INVALID_ARGUMENT/, () => this.activate("do-work", { timeout: 0 }));
    });
    await this.check("ActivateJobs", "a lock that runs out gives the job to another", async (client) => {
      const lost = await this.job("work", "do-work", {}, { timeout: 200 });
      const [again] = await this.activate("do-work", { requestTimeout: 10_000 });
      assert.equal(again.key, lost.key);
      assert.equal(again.retries, 3);
      await client.complete(again.key);
    });
    await this.check("StreamActivatedJobs", "jobs as they come", async (client) => {
      const seen = [];
      const stream = await client.stream({ type: "do-work", worker: "stream", timeout: 60_000 }, (one) => seen.push(one));
      for (let i = 0; i < 3; ++i) await this.start("work", { i });
      for (let i = 0; i < 500 && seen.length < 3; ++i) await new Promise((resolve) => setTimeout(resolve, 10));
      stream.close();
      assert.deepEqual(seen.map((one) => one.variables), [{ i: 0 }, { i: 1 }, { i: 2 }]);
      for (const one of seen) await client.complete(one.key);
    });

    await this.check("ActivateJobs", "a worker of the client", async (client) => {
      let works = true;
      const worker = client.worker("do-work", (one) => works && one.complete({ by: "worker" }));
      assert.equal((await this.result("work")).variables.by, "worker");
      works = false;
      await worker.close();
      // Some clients leave a poll behind: it may have this one's job.
      const { processInstanceKey } = await this.start("work");
      await client.cancel(processInstanceKey);
    });

    await this.check("CompleteJob", "once", async (client) => {
      const one = await this.job("work", "do-work");
      await client.complete(one.key, { done: true });
      await refused(kNotFound, /Command 'COMPLETE' rejected with code 'NOT_FOUND'/, () => client.complete(one.key));
    });
    await this.check("CompleteJob", "unknown partition", (client) => refused(kUnavailable, /partition/, () => client.complete(kOtherPartition)));

    await this.check("FailJob", "fewer retries, its words, its variables, later", async (client) => {
      const one = await this.job("work", "do-work");
      const began = Date.now();
      await client.fail({ jobKey: one.key, retries: 1, errorMessage: "no paper", retryBackOff: 300, variables: { tried: 1 } });
      assert.deepEqual(await this.activate("do-work", { requestTimeout: -1 }), []);
      const [again] = await this.activate("do-work", { requestTimeout: 10_000 });
      assert.ok(Date.now() - began >= 290);
      assert.equal(again.key, one.key);
      assert.equal(again.retries, 1);
      assert.deepEqual(again.variables, { tried: 1 });
      await client.complete(again.key);
    });
    await this.check("FailJob", "unknown, with an incident already", async (client) => {
      await refused(kNotFound, /Command 'FAIL' rejected with code 'NOT_FOUND'/, () => client.fail({ jobKey: kUnknown, retries: 1 }));
      const one = await this.job("work", "do-work");
      await client.fail({ jobKey: one.key, retries: 0, errorMessage: "out of ink" });
      await refused(kFailedPrecondition, /rejected with code 'INVALID_STATE'/, () => client.fail({ jobKey: one.key, retries: 1 }));
      await refused(kFailedPrecondition, /INVALID_STATE/, () => client.complete(one.key));
      await client.cancel(one.processInstanceKey);
    });

    await this.check("ThrowError", "caught", async (client) => {
      const result = this.result("work");
      const [one] = await this.activate("do-work");
      await client.throwError({ jobKey: one.key, errorCode: "lost", errorMessage: "where is it" });
      await result;
    });
    await this.check("ThrowError", "without a code", async (client) => {
      const one = await this.job("work", "do-work");
      await client.throwError({ jobKey: one.key, errorCode: "" });
      await client.cancel(one.processInstanceKey);
    });
    await this.check("ThrowError", "unknown, with an incident already", async (client) => {
      await refused(kNotFound, /Command 'THROW_ERROR' rejected with code 'NOT_FOUND'/, () => client.throwError({ jobKey: kUnknown, errorCode: "lost" }));
      const one = await this.job("work", "do-work");
      await client.throwError({ jobKey: one.key, errorCode: "nobody catches it" });
      await refused(kFailedPrecondition, /INVALID_STATE/, () => client.throwError({ jobKey: one.key, errorCode: "lost" }));
      await client.cancel(one.processInstanceKey);
    });

    await this.check("UpdateJobRetries", "above 0", async (client) => {
      const one = await this.job("work", "do-work", {}, { timeout: 200 });
      await client.updateRetries(one.key, 9);
      const [again] = await this.activate("do-work", { requestTimeout: 10_000 });
      assert.equal(again.retries, 9);
      await refused(kInvalidArgument, /Command 'UPDATE_RETRIES' rejected with code 'INVALID_ARGUMENT'/, () => client.updateRetries(again.key, 0));
      await client.complete(again.key);
    });
    await this.check("UpdateJobRetries", "unknown", (client) => refused(kNotFound, /NOT_FOUND/, () => client.updateRetries(kUnknown, 1)));

    await this.check("UpdateJobTimeout", "sooner", async (client) => {
      const one = await this.job("work", "do-work");
      await client.updateTimeout(one.key, 100);
      const [again] = await this.activate("do-work", { requestTimeout: 10_000 });
      assert.equal(again.key, one.key);
      await client.complete(again.key);
      await refused(kNotFound, /Command 'UPDATE_TIMEOUT' rejected with code 'NOT_FOUND'/, () => client.updateTimeout(one.key, 100));
    });
    await this.check("UpdateJobTimeout", "0 gives it to another at once", async (client) => {
      const one = await this.job("work", "do-work");
      await client.updateTimeout(one.key, 0);
      const [again] = await this.activate("do-work", { requestTimeout: 10_000 });
      assert.equal(again.key, one.key);
      await client.complete(again.key);
    });
    await this.check("UpdateJobTimeout", "of a job that nobody holds", async (client) => {
      const one = await this.job("work", "do-work");
      await client.fail({ jobKey: one.key, retries: 1, retryBackOff: 60_000 });
      await refused(kFailedPrecondition, /INVALID_STATE/, () => client.updateTimeout(one.key, 100));
      await client.cancel(one.processInstanceKey);
    });

    await this.check("SetVariables", "of the instance and of one element", async (client) => {
      const instance = await this.start("work", { a: 1 });
      await client.setVariables({ elementInstanceKey: instance.processInstanceKey, variables: { a: 2, b: 3 }, local: false });
      let [one] = await this.activate("do-work", { timeout: 200 });
      assert.deepEqual(one.variables, { a: 2, b: 3 });
      await client.setVariables({ elementInstanceKey: one.elementInstanceKey, variables: { a: 9 }, local: true });
      [one] = await this.activate("do-work", { requestTimeout: 10_000 });
      assert.deepEqual(one.variables, { a: 9, b: 3 });
      await client.complete(one.key);
    });
    await this.check("SetVariables", "unknown", (client) => refused(kNotFound, /Command 'UPDATE' rejected with code 'NOT_FOUND'/,
      () => client.setVariables({ elementInstanceKey: kUnknown, variables: {}, local: false })));

    await this.check("ResolveIncident", "not before its job has retries, then once", async (client) => {
      const one = await this.job("work", "do-work");
      await client.fail({ jobKey: one.key, retries: 0 });
      // No call tells the key of an incident, but keys are counted: the next thing that gets one comes right behind it.
      const behind = await this.start("straight");
      const incident = String(BigInt(behind.processInstanceKey) - 1n);
      await refused(kNotFound, /Command 'RESOLVE' rejected with code 'NOT_FOUND'/, () => client.resolve(incident));
      await client.updateRetries(one.key, 1);
      await client.resolve(incident);
      await refused(kNotFound, /Command 'RESOLVE' rejected with code 'NOT_FOUND'/, () => client.resolve(incident));
      const [again] = await this.activate("do-work");
      assert.equal(again.key, one.key);
      await client.complete(again.key);
    });
    await this.check("ResolveIncident", "unknown, unknown partition", async (client) => {
      await refused(kNotFound, /NOT_FOUND/, () => client.resolve(kUnknown));
      await refused(kUnavailable, /partition/, () => client.resolve(kOtherPartition));
    });
  }

  async running() {
    const move = (processInstanceKey, elements, terminated = [], variableInstructions = []) => this.client.modify({
      processInstanceKey,
      activateInstructions: elements.map((elementId) => ({ elementId, ancestorElementInstanceKey: "-1", variableInstructions })),
      terminateInstructions: terminated.map((elementInstanceKey) => ({ elementInstanceKey })),
    });
    await this.check("ModifyProcessInstance", "one token elsewhere, with variables", async (client) => {
      const outer = await this.job("nested", "do-outer");
      await move(outer.processInstanceKey, ["inner"], [outer.elementInstanceKey], [{ scopeId: "inner", variables: { local: 1 } }, { scopeId: "", variables: { all: 2 } }]);
      await refused(kNotFound, /NOT_FOUND/, () => client.complete(outer.key));
      const [inner] = await this.activate("do-inner");
      assert.deepEqual(inner.variables, { all: 2, local: 1 });
      await client.complete(inner.key);
    });
    await this.check("ModifyProcessInstance", "nothing left ends the instance", async (client) => {
      const one = await this.job("work", "do-work");
      await move(one.processInstanceKey, [], [one.elementInstanceKey]);
      await refused(kNotFound, /NOT_FOUND/, () => client.cancel(one.processInstanceKey));
    });
    await this.check("ModifyProcessInstance", "unknown instance, element, element instance, scope of variables; a start event", async (client) => {
      await refused(kNotFound, /Command 'MODIFY' rejected with code 'NOT_FOUND'/, () => move(kUnknown, ["inner"]));
      await refused(kUnavailable, /partition/, () => move(kOtherPartition, ["inner"]));
      const one = await this.job("nested", "do-outer");
      const key = one.processInstanceKey;
      await refused(kInvalidArgument, /Command 'MODIFY' rejected with code 'INVALID_ARGUMENT'.*'nothing'/, () => move(key, ["nothing"]));
      await refused(kInvalidArgument, /INVALID_ARGUMENT.*START_EVENT/, () => move(key, ["begin"]));
      await refused(kInvalidArgument, new RegExp(`INVALID_ARGUMENT.*'${kUnknown}'`), () => move(key, [], [kUnknown]));
      await refused(kInvalidArgument, /INVALID_ARGUMENT.*'nowhere'/, () => move(key, ["inner"], [], [{ scopeId: "nowhere", variables: {} }]));
      await client.cancel(key);
    });

    await this.check("MigrateProcessInstance", "to the next version of its process", async (client) => {
      await this.deploy("old.bpmn", plain("old", "do-old"));
      const one = await this.job("old", "do-old");
      const target = (await this.deploy("old.bpmn", plain("old", "do-new"))).deployments[0].process.processDefinitionKey;
      const migrate = (mappings, more = {}) => client.migrate({ processInstanceKey: one.processInstanceKey, migrationPlan: { targetProcessDefinitionKey: target, mappingInstructions: mappings }, ...more });
      const map = (sourceElementId, targetElementId) => ({ sourceElementId, targetElementId });
      await refused(kNotFound, /Command 'MIGRATE' rejected with code 'NOT_FOUND'/, () => migrate([], { processInstanceKey: kUnknown }));
      await refused(kNotFound, /NOT_FOUND.*process definition/, () => migrate([], { migrationPlan: { targetProcessDefinitionKey: kUnknown, mappingInstructions: [] } }));
      await refused(kInvalidArgument, /INVALID_ARGUMENT.*'nothing'/, () => migrate([map("nothing", "task")]));
      await refused(kInvalidArgument, /INVALID_ARGUMENT.*'nothing'/, () => migrate([map("task", "nothing")]));
      await refused(kInvalidArgument, /INVALID_ARGUMENT.*duplicate/, () => migrate([map("task", "task"), map("task", "done")]));
      await refused(kFailedPrecondition, /INVALID_STATE.*no mapping/, () => migrate([]));
      await refused(kFailedPrecondition, /INVALID_STATE.*type/, () => migrate([map("task", "done")]));
      await migrate([map("task", "task")]);
      await client.fail({ jobKey: one.key, retries: 1 });
      const [again] = await this.activate("do-old");  // the job stays the same
      assert.equal(again.processDefinitionVersion, 2);
      assert.equal(again.processDefinitionKey, target);
      await client.complete(again.key);
    });
  }

  async decisions() {
    const winter = { season: "winter", adults: 4, children: 2 };
    await this.check("EvaluateDecision", "by id and by key, with inputs, rules and outputs", async (client) => {
      const answer = await client.evaluate({ decisionId: "dish", variables: winter });
      assert.deepEqual(JSON.parse(answer.decisionOutput), { dish: "Stew", pots: 3 });
      assert.equal(answer.decisionName, "Dish");
      assert.equal(answer.decisionRequirementsId, "dinner");
      assert.deepEqual(answer.evaluatedDecisions.map((each) => [each.decisionId, each.decisionType, JSON.parse(each.decisionOutput)]),
        [["guests", "LITERAL_EXPRESSION", 6], ["dish", "DECISION_TABLE", { dish: "Stew", pots: 3 }]]);
      const table = answer.evaluatedDecisions[1];
      assert.deepEqual(table.evaluatedInputs.map((each) => [each.inputId, each.inputName, JSON.parse(each.inputValue)]), [["in1", "Season", "winter"], ["in2", "guests", 6]]);
      assert.deepEqual(table.matchedRules.map((each) => [each.ruleId, each.ruleIndex]), [["rule1", 1]]);
      assert.deepEqual(table.matchedRules[0].evaluatedOutputs.map((each) => [each.outputId, each.outputName, JSON.parse(each.outputValue)]), [["out1", "Dish", "Stew"], ["out2", "pots", 3]]);
      assert.equal((await client.evaluate({ decisionKey: answer.decisionKey, variables: winter })).decisionOutput, answer.decisionOutput);
    });
    await this.check("EvaluateDecision", "the newest version", async (client) => {
      assert.equal(JSON.parse((await client.evaluate({ decisionId: "dish_m", variables: winter })).decisionOutput).dish, "Roast");
    });
    await this.check("EvaluateDecision", "one that fails says which and why", async (client) => {
      const answer = await client.evaluate({ decisionId: "dish", variables: { season: "clash", adults: 1, children: 1 } });
      assert.equal(answer.failedDecisionId, "dish");
      assert.match(answer.failureMessage, /Expected to evaluate decision 'dish', but /);
      assert.equal(answer.decisionOutput, "");
    });
    await this.check("EvaluateDecision", "unknown id, unknown key, neither", async (client) => {
      await refused(kInvalidArgument, /Command 'EVALUATE' rejected with code 'INVALID_ARGUMENT'/, () => client.evaluate({ decisionId: "nothing", variables: {} }));
      await refused(kInvalidArgument, /INVALID_ARGUMENT/, () => client.evaluate({ decisionKey: kUnknown, variables: {} }));
      await refused(kInvalidArgument, /INVALID_ARGUMENT/, () => client.evaluate({ variables: {} }));
    });
    await this.check("EvaluateDecision", "by a business-rule task", async () => {
      assert.deepEqual((await this.result("ruled", winter)).variables, { ...winter, pots: 3, r: { dish: "Stew", pots: 3 } });
    });
  }

  async deletion() {
    await this.check("DeleteResource", "the version before is the newest then, and no number comes twice", async (client) => {
      const deployed = async (file, text) => (await this.deploy(file, text)).deployments[0].process;
      await deployed("gone.bpmn", straight("gone"));
      const second = await deployed("gone.bpmn", straight("gone", "changed"));
      await client.deleteResource(second.processDefinitionKey);
      assert.equal((await this.start("gone")).version, 1);
      await refused(kNotFound, /NOT_FOUND/, () => client.create({ bpmnProcessId: "gone", version: 2 }));
      assert.equal((await deployed("gone.bpmn", straight("gone", "again"))).version, 3);
    });
    await this.check("DeleteResource", "decisions with their file", async (client) => {
      const { deployments } = await this.deploy("late.dmn", decisions("late", "_l"));
      await client.deleteResource(deployments.find((each) => each.decisionRequirements).decisionRequirements.decisionRequirementsKey);
      await refused(kInvalidArgument, /no decision found/, () => client.evaluate({ decisionId: "dish_l", variables: {} }));
    });
    await this.check("DeleteResource", "its timer starts nothing more, that of the version before does again", async (client) => {
      await this.deploy("timed.bpmn", timed("timed", "on-time", "PT0.2S"));
      const second = (await this.deploy("timed.bpmn", timed("timed", "too-late", "PT1H"))).deployments[0].process;
      for (const one of await this.activate("on-time", { requestTimeout: -1, maxJobsToActivate: 100 })) await client.cancel(one.processInstanceKey);
      assert.deepEqual(await this.activate("on-time", { requestTimeout: 600 }), []);
      await client.deleteResource(second.processDefinitionKey);
      const [one] = await this.activate("on-time", { requestTimeout: 10_000 });
      assert.equal(one.processDefinitionVersion, 1);
      await this.deploy("timed.bpmn", straight("timed"));  // no timer from now on
    });
    await this.check("DeleteResource", "unknown, unknown partition, with instances that run", async (client) => {
      await refused(kNotFound, /Command 'DELETE' rejected with code 'NOT_FOUND'/, () => client.deleteResource(kUnknown));
      await refused(kUnavailable, /partition/, () => client.deleteResource(kOtherPartition));
      const instance = await this.start("waiting", { order: "delete" });
      await refused(kFailedPrecondition, /Command 'DELETE' rejected with code 'INVALID_STATE'/, () => client.deleteResource(instance.processDefinitionKey));
      await client.cancel(instance.processInstanceKey);
    });
  }

  async endings() {
    await this.check("CompleteJob", "after kill -9 the job is there once, and what was deployed too", async () => {
      await this.start("work", { before: "kill" });
      const [one] = await this.activate("do-work", { timeout: 1500 });
      await this.client.close();
      assert.equal(await this.engine.stop("SIGKILL"), "SIGKILL");
      await this.engine.run();
      this.client = this.connect(this.engine.address);
      const [again] = await this.activate("do-work", { requestTimeout: 10_000 });
      assert.equal(again.key, one.key);
      assert.equal(again.variables.before, "kill");
      await this.client.complete(again.key);
      assert.equal((await this.deploy("gone.bpmn", straight("gone", "later"))).deployments[0].process.version, 4);
      assert.equal((await this.client.evaluate({ decisionId: "dish", variables: { season: "winter", adults: 1, children: 1 } })).decisionVersion, 1);
    });
    await this.client.close();
    await this.check("Topology", "SIGTERM ends the engine cleanly", async () => assert.equal(await this.engine.stop(), 0));
    this.engine.remove();

    this.engine = await Engine.start("--token", "secret-of-the-list");
    await this.check("Topology", "a token is asked for", async () => {
      const stranger = this.connect(this.engine.address);
      await refused(kUnauthenticated, /token/, () => stranger.topology());
      await stranger.close();
      if (!this.client.takesToken) return;
      const known = this.connect(this.engine.address, { token: "secret-of-the-list" });
      assert.equal((await known.topology()).partitionsCount, 1);
      await known.close();
    });
    await this.engine.stop();
    this.engine.remove();
    if (this.client.takesToken) await this.platform();
  }

  // The platform offers its own engine where it is told to.
  async platform() {
    const platform = await startPlatform({ CONSILIUM_ENGINE_LISTEN: "127.0.0.1:0", CONSILIUM_ENGINE_TOKEN: "secret-of-the-list" });
    try {
      await this.check("Topology", "of the platform's engine, with its token", async () => {
        const stranger = this.connect(platform.addresses.engine);
        await refused(kUnauthenticated, /token/, () => stranger.topology());
        await stranger.close();
        this.client = this.connect(platform.addresses.engine, { token: "secret-of-the-list" });
        const [broker] = (await this.client.topology()).brokers;
        assert.equal(`${broker.host}:${broker.port}`, platform.addresses.engine);
      });
      await this.check("ActivateJobs", "of a process of one's own in the platform", async (client) => {
        await this.deploy("work.bpmn", work("work", "do-work"));
        const result = this.result("work");
        const [one] = await this.activate("do-work");
        await client.complete(one.key, { by: "the list" });
        assert.deepEqual((await result).variables, { by: "the list" });
      });
      await this.client.close();
    } finally {
      await platform.stop();
    }
  }
}
