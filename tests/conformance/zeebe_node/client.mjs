// zeebe-node, unmodified: the calls of the list in its words. What it has no function for goes by the calls that it makes of its own
// copy of the protocol; what is not even there is `missing`.
import zeebe from "zeebe-node";

export const name = "zeebe-node";
export const missing = {
  UpdateJobTimeout: "not in the protocol of 8.3 that the client carries",
  MigrateProcessInstance: "not in the protocol of 8.3 that the client carries",
};

const kindOf = (file) => (file.endsWith(".dmn") ? "decision" : file.endsWith(".form") ? "form" : "process");
const parsed = (job) => ({ ...job, variables: JSON.parse(job.variables), customHeaders: JSON.parse(job.customHeaders) });

export function connect(address) {
  const client = new zeebe.ZBClient(address, { loglevel: "NONE", retry: false, eagerConnection: false, longPoll: 2000 });
  return {
    topology: () => client.topology(),
    deployProcess: (file, text) => client.deployProcess({ definition: Buffer.from(text), name: file }),
    deployResource: (resources) =>
      resources.length === 1
        ? client.deployResource({ [kindOf(resources[0].name)]: Buffer.from(resources[0].text), name: resources[0].name })
        : client.grpc.deployResourceSync({ resources: resources.map(({ name: file, text }) => ({ name: file, content: Buffer.from(text) })) }),
    create: ({ startElements = [], variables = {}, ...rest }) =>
      client.createProcessInstance({ ...rest, variables, startInstructions: startElements.map((elementId) => ({ elementId })) }),
    createByKey: (processDefinitionKey) => client.grpc.createProcessInstanceSync({ processDefinitionKey, variables: "{}" }),
    createWithResult: (request) => client.createProcessInstanceWithResult({ variables: {}, ...request }),
    cancel: (key) => client.cancelProcessInstance(key),
    publish: (message) => client.publishMessage(message),
    // The client's own `activateJobs` never settles when a poll ends without jobs or is refused, so its stream is read here.
    async activate(request) {
      const stream = await client.grpc.activateJobsStream(request);
      return new Promise((resolve, reject) => {
        const jobs = [];
        stream.on("data", (answer) => jobs.push(...answer.jobs.map(parsed)));
        stream.on("error", reject);
        stream.on("end", () => resolve(jobs));
      });
    },
    activateByItself: (request) => client.activateJobs(request),
    async stream(request, take) {
      const stream = await client.grpc.streamActivatedJobsStream(request);
      stream.on("data", (job) => take(parsed(job)));
      stream.on("error", () => {});
      return { close: () => stream.cancel() };
    },
    worker: (taskType, taskHandler) => client.createWorker({ taskType, taskHandler, loglevel: "NONE" }),
    complete: (jobKey, variables = {}) => client.completeJob({ jobKey, variables }),
    // This client sends the variables as they are.
    fail: ({ variables = {}, ...rest }) => client.failJob({ errorMessage: "", retryBackOff: 0, ...rest, variables: JSON.stringify(variables) }),
    throwError: (request) => client.throwError({ errorMessage: "", ...request }),
    updateRetries: (jobKey, retries) => client.updateJobRetries({ jobKey, retries }),
    setVariables: (request) => client.setVariables(request),
    resolve: (incidentKey) => client.resolveIncident({ incidentKey }),
    deleteResource: (resourceKey) => client.grpc.deleteResourceSync({ resourceKey }),
    broadcast: (signalName, variables = {}) => client.broadcastSignal({ signalName, variables }),
    modify: (request) => client.modifyProcessInstance(request),
    evaluate: (request) => client.evaluateDecision(request),
    close: () => client.close(),
  };
}
