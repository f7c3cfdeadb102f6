// The engine by itself, on a free port and a folder of its own; and what a list of calls reports.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, existsSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const build = path.resolve(root, process.env.TEST_BUILD ?? "build/release");

export class Engine {
  static async start(...flags) {
    // Another engine, a real broker for instance: what the list asks of ours is asked of that one.
    if (process.env.CONSILIUM_CONFORMANCE_ADDRESS) return { address: process.env.CONSILIUM_CONFORMANCE_ADDRESS, isForeign: true };
    const engine = new Engine();
    engine.folder = mkdtempSync(path.join(tmpdir(), "consilium-engine-"));
    await engine.run(...flags);
    return engine;
  }

  async run(...flags) {
    const told = path.join(this.folder, "run/addresses.json");
    rmSync(told, { force: true });
    this.process = spawn(path.join(build, "consilium"), ["engine", "--listen", "127.0.0.1:0", "--data", this.folder, ...flags], { stdio: ["ignore", "inherit", "inherit"] });
    this.ended = new Promise((resolve) => this.process.once("exit", (code, signal) => resolve(signal ?? code)));
    for (let i = 0; i < 1000 && !existsSync(told); ++i) await new Promise((resolve) => setTimeout(resolve, 10));
    this.address = JSON.parse(readFileSync(told)).engine;
  }

  // The exit code.
  async stop(signal = "SIGTERM") {
    this.process.kill(signal);
    return this.ended;
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const kCalls = ["Topology", "DeployProcess", "DeployResource", "CreateProcessInstance", "CreateProcessInstanceWithResult",
  "CancelProcessInstance", "PublishMessage", "ActivateJobs", "StreamActivatedJobs", "CompleteJob", "FailJob", "ThrowError",
  "UpdateJobRetries", "UpdateJobTimeout", "SetVariables", "ResolveIncident", "DeleteResource", "BroadcastSignal",
  "ModifyProcessInstance", "MigrateProcessInstance", "EvaluateDecision"];

// One line a check, and at the end a line a call: how many of its checks held, or why there are none.
export class Report {
  constructor(client) {
    this.client = client;
    this.held = new Map(kCalls.map((call) => [call, []]));
    this.reasons = new Map();
    this.failed = 0;
  }

  cannot(call) {
    return this.reasons.has(call);
  }

  async check(call, what, body) {
    const name = `${this.client} ${call}: ${what}`;
    try {
      await body();
      this.held.get(call).push(what);
      console.log(`PASS ${name}`);
    } catch (error) {
      ++this.failed;
      console.log(`FAIL ${name}: ${String(error.stack ?? error).slice(0, 600)}`);
    }
  }

  missing(call, reason) {
    this.reasons.set(call, reason);
  }

  end() {
    for (const call of kCalls) {
      const held = this.held.get(call);
      const cell = held.length > 0 ? held.join(", ") : this.reasons.get(call);
      if (!cell) {
        ++this.failed;
        console.log(`FAIL ${this.client} ${call}: neither a check nor a reason`);
      }
      console.log(`${this.client} | ${call} | ${cell ?? ""}`);
    }
    process.exitCode = this.failed > 0 ? 1 : 0;
  }
}
