// The Go client, unmodified.
import path from "node:path";
import { fileURLToPath } from "node:url";
import { bridged } from "../bridge.mjs";

// Where clients_test.mjs puts the bridge.
const built = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../../build/conformance/zeebe_client_go");
export const name = "zeebe-client-go";
export const missing = {};

// Variables are a text in the protocol, which these two speak themselves.
const asText = (given) => ({ ...given, variables: JSON.stringify(given.variables) });

export function connect(address, { token } = {}) {
  const client = bridged(path.join(built, "bridge"), [address, ...(token ? [token] : [])]);
  const { modify } = client;
  client.modify = (request) => modify({
    ...request,
    activateInstructions: request.activateInstructions.map((one) => ({ ...one, variableInstructions: one.variableInstructions.map(asText) })),
  });
  return client;
}
