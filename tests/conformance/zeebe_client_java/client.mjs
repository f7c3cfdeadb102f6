// The Java client, unmodified.
import path from "node:path";
import { fileURLToPath } from "node:url";
import { bridged } from "../bridge.mjs";

// Where clients_test.mjs puts the client and the bridge.
const built = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../../build/conformance/zeebe_client_java");
export const name = "zeebe-client-java";
export const missing = {};

export const connect = (address, { token } = {}) =>
  bridged("java", ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", `${built}:${built}/lib/*`, "Bridge", address, ...(token ? [token] : [])]);
