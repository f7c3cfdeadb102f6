// Runs the list of calls with each client, and prints which client proved which call: an empty cell says why.
//
//     node tests/conformance/clients_test.mjs [--all] [client …]
//
// `--all`: also those that need more than Node.
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { kCalls } from "./engine.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const built = path.resolve(here, "../../build/conformance");

function execute(command, args, folder, output = "pipe") {
  return new Promise((resolve) => {
    let text = "";
    const child = spawn(command, args, { cwd: folder, stdio: ["ignore", output, "inherit"] });
    child.stdout?.on("data", (part) => {
      text += part;
      process.stdout.write(part);
    });
    child.once("error", (error) => resolve({ text, failed: String(error) }));
    child.once("exit", (code, signal) => resolve({ text, failed: code !== 0 || signal !== null }));
  });
}

const npm = (folder) => execute("npm", ["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"], folder);
async function maven(folder) {
  const target = path.join(built, path.basename(folder));
  mkdirSync(target, { recursive: true });
  const fetched = await execute("mvn", ["-q", "-B", "dependency:copy-dependencies", `-DoutputDirectory=${target}/lib`], folder, "ignore");
  return fetched.failed ? fetched : execute("javac", ["-nowarn", "-d", target, "-cp", `${target}/lib/*`, "Bridge.java"], folder);
}
const go = (folder) => execute("go", ["build", "-o", path.join(built, path.basename(folder), "bridge"), "."], folder);
const kClients = [
  { folder: "zeebe_node", install: npm }, { folder: "camunda8_sdk", install: npm },
  { folder: "zeebe_client_java", install: maven, needsMore: "Java and Maven" }, { folder: "zeebe_client_go", install: go, needsMore: "Go" },
];

const words = process.argv.slice(2);
const chosen = kClients.filter((client) => (words.includes(client.folder) || words.every((word) => word.startsWith("--"))) && (!client.needsMore || words.length > 0));
const columns = new Map();  // name of the client → call → cell
for (const { folder: client, install, needsMore } of chosen) {
  const folder = path.join(here, client);
  const installed = await install(folder);
  if (installed.failed && needsMore) {
    console.log(`SKIP ${client}: ${needsMore} cannot be had here`);
    continue;
  }
  const { text, failed } = installed.failed ? installed : await execute("node", ["calls.mjs"], folder);
  if (failed) process.exitCode = 1;
  if (!text.includes("| Topology |")) console.log(`FAIL ${client}: the list of calls did not come to its end`);
  for (const line of text.split("\n")) {
    const [name, call, ...cell] = line.split(" | ");
    if (!kCalls.includes(call)) continue;
    if (!columns.has(name)) columns.set(name, new Map());
    columns.get(name).set(call, cell.join(" | "));
  }
}

const names = [...columns.keys()];
console.log(`\n| call | ${names.join(" | ")} |\n|---|${names.map(() => "---|").join("")}`);
for (const call of kCalls) console.log(`| ${call} | ${names.map((name) => columns.get(name).get(call)).join(" | ")} |`);
