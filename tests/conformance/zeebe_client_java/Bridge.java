// The unmodified Java client, told what to call by lines of JSON on standard input: {"id", "call", "arguments"}. Each answer is a line,
// {"id", "answer"} or {"id", "code", "details"}; jobs of streams and workers come as {"id", "job"}.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import io.camunda.zeebe.client.CredentialsProvider;
import io.camunda.zeebe.client.ZeebeClient;
import io.camunda.zeebe.client.ZeebeClientBuilder;
import io.camunda.zeebe.client.api.command.ClientStatusException;
import io.camunda.zeebe.client.api.command.CreateProcessInstanceCommandStep1.CreateProcessInstanceCommandStep3;
import io.camunda.zeebe.client.api.command.DeployProcessCommandStep1;
import io.camunda.zeebe.client.api.command.DeployResourceCommandStep1;
import io.camunda.zeebe.client.api.command.FinalCommandStep;
import io.camunda.zeebe.client.api.command.MigrationPlanBuilderImpl;
import io.camunda.zeebe.client.api.command.MigrationPlanImpl;
import io.camunda.zeebe.client.api.command.ModifyProcessInstanceCommandStep1;
import io.camunda.zeebe.client.api.response.ActivatedJob;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

public final class Bridge {
  // Keys are larger than a number of JavaScript may be.
  private final ObjectMapper mapper = new ObjectMapper()
      .disable(SerializationFeature.FAIL_ON_EMPTY_BEANS)
      .registerModule(new SimpleModule()
          .addSerializer(Long.class, ToStringSerializer.instance)
          .addSerializer(Long.TYPE, ToStringSerializer.instance));
  private final Map<Long, AutoCloseable> open = new ConcurrentHashMap<>();
  private final ZeebeClient client;

  private Bridge(String address, String token) {
    ZeebeClientBuilder builder = ZeebeClient.newClientBuilder().grpcAddress(URI.create("http://" + address)).usePlaintext();
    if (token != null) {
      builder = builder.credentialsProvider(new CredentialsProvider() {
        @Override
        public void applyCredentials(CredentialsApplier applier) {
          applier.put("Authorization", "Bearer " + token);
        }

        @Override
        public boolean shouldRetryRequest(StatusCode status) {
          return false;
        }
      });
    }
    client = builder.build();
  }

  public static void main(String[] words) throws IOException {
    new Bridge(words[0], words.length > 1 ? words[1] : null).run();
  }

  private void run() throws IOException {
    final ExecutorService calls = Executors.newCachedThreadPool();
    final BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      final JsonNode call = mapper.readTree(line);
      calls.execute(() -> answer(call));
    }
    System.exit(0);
  }

  private synchronized void print(ObjectNode line) {
    System.out.println(line);
    System.out.flush();
  }

  private void answer(JsonNode call) {
    final ObjectNode line = mapper.createObjectNode().put("id", call.get("id").asLong());
    try {
      final Object given = perform(call.get("id").asLong(), call.get("call").asText(), call.get("arguments"));
      line.set("answer", mapper.valueToTree(given));
    } catch (ClientStatusException refused) {
      line.put("code", refused.getStatusCode().value()).put("details", refused.getMessage());
    } catch (Exception failed) {
      line.put("code", -1).put("details", failed.toString());
    }
    print(line);
  }

  private static long key(JsonNode arguments, String name) {
    return arguments.get(name).asLong();  // a text of digits
  }

  private static Duration span(JsonNode arguments, String name) {
    return Duration.ofMillis(arguments.get(name).asLong());
  }

  private static String text(JsonNode arguments, String name) {
    return arguments.path(name).asText("");
  }

  private static String variables(JsonNode arguments) {
    return arguments.has("variables") ? arguments.get("variables").toString() : "{}";
  }

  private static String[] names(JsonNode list) {
    final List<String> names = new ArrayList<>();
    list.forEach(name -> names.add(name.asText()));
    return names.toArray(new String[0]);
  }

  private void tell(long id, ActivatedJob job) {
    final ObjectNode line = mapper.createObjectNode().put("id", id);
    line.set("job", mapper.valueToTree(job));
    print(line);
  }

  private Object perform(long id, String call, JsonNode a) throws Exception {
    switch (call) {
      case "topology":
        return client.newTopologyRequest().send().join();
      case "deployProcess": {
        final DeployProcessCommandStep1 command = client.newDeployCommand();
        return command.addResourceStringUtf8(text(a, "text"), text(a, "name")).send().join();
      }
      case "deployResource": {
        final DeployResourceCommandStep1 command = client.newDeployResourceCommand();
        FinalCommandStep<?> last = (FinalCommandStep<?>) command;
        for (final JsonNode one : a.get("resources")) last = command.addResourceStringUtf8(text(one, "text"), text(one, "name"));
        return last.send().join();
      }
      case "create":
        return creation(a).send().join();
      case "createWithResult":
        return creation(a).withResult().fetchVariables(names(a.path("fetchVariables"))).requestTimeout(span(a, "requestTimeout")).send().join();
      case "cancel":
        return client.newCancelInstanceCommand(key(a, "key")).send().join();
      case "publish":
        return client.newPublishMessageCommand().messageName(text(a, "name")).correlationKey(text(a, "correlationKey"))
            .messageId(text(a, "messageId")).timeToLive(span(a, "timeToLive")).variables(variables(a)).send().join();
      case "broadcast":
        return client.newBroadcastSignalCommand().signalName(text(a, "signalName")).variables(variables(a)).send().join();
      case "activate":
        return client.newActivateJobsCommand().jobType(text(a, "type")).maxJobsToActivate(a.get("maxJobsToActivate").asInt())
            .timeout(span(a, "timeout")).workerName(text(a, "worker")).fetchVariables(names(a.path("fetchVariable")))
            .requestTimeout(span(a, "requestTimeout")).send().join();
      case "stream": {
        final var stream = client.newStreamJobsCommand().jobType(text(a, "type")).consumer(job -> tell(id, job))
            .workerName(text(a, "worker")).timeout(span(a, "timeout")).send();
        open.put(id, () -> stream.cancel(true));
        return Map.of();
      }
      case "worker": {
        open.put(id, client.newWorker().jobType(text(a, "type")).handler((jobs, job) -> tell(id, job)).open());
        return Map.of();
      }
      case "closeOpen":
        open.remove(key(a, "opened")).close();
        return Map.of();
      case "complete":
        return client.newCompleteCommand(key(a, "key")).variables(variables(a)).send().join();
      case "fail":
        return client.newFailCommand(key(a, "jobKey")).retries(a.get("retries").asInt()).retryBackoff(span(a, "retryBackOff"))
            .errorMessage(text(a, "errorMessage")).variables(variables(a)).send().join();
      case "throwError":
        return client.newThrowErrorCommand(key(a, "jobKey")).errorCode(text(a, "errorCode")).errorMessage(text(a, "errorMessage")).send().join();
      case "updateRetries":
        return client.newUpdateRetriesCommand(key(a, "key")).retries(a.get("retries").asInt()).send().join();
      case "updateTimeout":
        return client.newUpdateTimeoutCommand(key(a, "key")).timeout(a.get("timeout").asLong()).send().join();
      case "setVariables":
        return client.newSetVariablesCommand(key(a, "elementInstanceKey")).variables(variables(a)).local(a.get("local").asBoolean()).send().join();
      case "resolve":
        return client.newResolveIncidentCommand(key(a, "key")).send().join();
      case "deleteResource":
        return client.newDeleteResourceCommand(key(a, "key")).send().join();
      case "modify":
        return modification(a).send().join();
      case "migrate": {
        final JsonNode plan = a.get("migrationPlan");
        final List<MigrationPlanBuilderImpl.MappingInstruction> mappings = new ArrayList<>();
        for (final JsonNode one : plan.get("mappingInstructions"))
          mappings.add(new MigrationPlanBuilderImpl.MappingInstruction(text(one, "sourceElementId"), text(one, "targetElementId")));
        return client.newMigrateProcessInstanceCommand(key(a, "processInstanceKey"))
            .migrationPlan(new MigrationPlanImpl(key(plan, "targetProcessDefinitionKey"), mappings)).send().join();
      }
      case "evaluate": {
        final var command = client.newEvaluateDecisionCommand();
        return (a.has("decisionKey") ? command.decisionKey(key(a, "decisionKey")) : command.decisionId(text(a, "decisionId")))
            .variables(variables(a)).send().join();
      }
      case "close":
        client.close();
        return Map.of();
      default:
        throw new IllegalArgumentException(call);
    }
  }

  private CreateProcessInstanceCommandStep3 creation(JsonNode a) {
    final var named = client.newCreateInstanceCommand().bpmnProcessId(text(a, "bpmnProcessId"));
    CreateProcessInstanceCommandStep3 command = a.has("version") ? named.version(a.get("version").asInt()) : named.latestVersion();
    command = command.variables(variables(a));
    for (final JsonNode element : a.path("startElements")) command = command.startBeforeElement(element.asText());
    return command;
  }

  private FinalCommandStep<?> modification(JsonNode a) {
    ModifyProcessInstanceCommandStep1 next = client.newModifyProcessInstanceCommand(key(a, "processInstanceKey"));
    FinalCommandStep<?> last = (FinalCommandStep<?>) next;
    for (final JsonNode one : a.get("activateInstructions")) {
      var activation = next.activateElement(text(one, "elementId"), key(one, "ancestorElementInstanceKey"));
      for (final JsonNode given : one.get("variableInstructions"))
        activation = activation.withVariables(given.get("variables").toString(), text(given, "scopeId"));
      last = activation;
      next = activation.and();
    }
    for (final JsonNode one : a.get("terminateInstructions")) {
      final var termination = next.terminateElement(key(one, "elementInstanceKey"));
      last = termination;
      next = termination.and();
    }
    return last;
  }
}
