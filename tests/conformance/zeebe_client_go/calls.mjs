import { run } from "../scenarios.mjs";
import * as client from "./client.mjs";

await run(client);
