// @camunda8/sdk, unmodified: the calls of the list in its words.
import { Camunda8 } from "@camunda8/sdk";

export const name = "@camunda8/sdk";
export const missing = {
  DeployProcess: "the client deploys by DeployResource alone",
};

const kindOf = (file) => (file.endsWith(".dmn") ? "decision" : file.endsWith(".form") ? "form" : "process");
const files = (resources) => resources.map(({ name: file, text }) => ({ name: file, [kindOf(file)]: Buffer.from(text) }));
// The client's own class of values that lose no digit is no plain object.
const plain = (job) => ({ ...job, variables: { ...job.variables }, customHeaders: { ...job.customHeaders } });
const jobsOf = async (jobs) => (await jobs).map(plain);

export function connect(address, { token } = {}) {
  const quiet = Object.fromEntries(["trace", "debug", "info", "warn", "error", "silly"].map((level) => [level, () => {}]));
  const camunda = new Camunda8({
    ZEEBE_GRPC_ADDRESS: `grpc://${address}`,
    CAMUNDA_SECURE_CONNECTION: false,
    CAMUNDA_SUPPORT_LOG_ENABLED: false,
    ...(token ? { CAMUNDA_AUTH_STRATEGY: "BEARER", CAMUNDA_OAUTH_TOKEN: token } : { CAMUNDA_AUTH_STRATEGY: "NONE", CAMUNDA_OAUTH_DISABLED: true }),
    zeebeGrpcSettings: { ZEEBE_CLIENT_LOG_LEVEL: "NONE", ZEEBE_GRPC_CLIENT_RETRY: false, ZEEBE_GRPC_CLIENT_EAGER_CONNECT: false, ZEEBE_GRPC_WORKER_LONGPOLL_SECONDS: 2 },
    logger: quiet,
  });
  const client = camunda.getZeebeGrpcApiClient();
  return {
    takesToken: true,
    topology: () => client.topology(),
    deployResource: (resources) => (resources.length === 1 ? client.deployResource(files(resources)[0]) : client.deployResources(files(resources))),
    create: ({ startElements = [], variables = {}, ...rest }) =>
      client.createProcessInstance({ ...rest, variables, startInstructions: startElements.map((elementId) => ({ elementId })) }),
    createWithResult: (request) => client.createProcessInstanceWithResult({ variables: {}, ...request }),
    cancel: (key) => client.cancelProcessInstance(key),
    publish: (message) => client.publishMessage(message),
    activate: (request) => jobsOf(client.activateJobs(request)),
    activateByItself: (request) => jobsOf(client.activateJobs(request)),
    stream: (request, take) => client.streamJobs({ ...request, taskHandler: (job) => take(plain(job)), pollInterval: 0, tenantIds: [] }),
    worker: (taskType, taskHandler) => client.createWorker({ taskType, taskHandler, loglevel: "NONE" }),
    complete: (jobKey, variables = {}) => client.completeJob({ jobKey, variables }),
    fail: (request) => client.failJob({ errorMessage: "", retryBackOff: 0, variables: {}, ...request }),
    throwError: (request) => client.throwError({ errorMessage: "", ...request }),
    updateRetries: (jobKey, retries) => client.updateJobRetries({ jobKey, retries }),
    updateTimeout: (jobKey, timeout) => client.updateJobTimeout({ jobKey, timeout }),
    setVariables: (request) => client.setVariables(request),
    resolve: (incidentKey) => client.resolveIncident({ incidentKey }),
    deleteResource: (resourceKey) => client.deleteResource({ resourceKey }),
    broadcast: (signalName, variables = {}) => client.broadcastSignal({ signalName, variables }),
    modify: (request) => client.modifyProcessInstance(request),
    migrate: (request) => client.migrateProcessInstance(request),
    evaluate: (request) => client.evaluateDecision(request),
    close: () => client.close(),
  };
}
