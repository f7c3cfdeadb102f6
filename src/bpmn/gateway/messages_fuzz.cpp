// Fuzzes what clients of the gateway send: a message of each call, on an engine with a model, decisions, a job and an incident. libFuzzer,
// or with the corpus alone in the tests.
#include <string>
#include <string_view>

#include "base/fuzz_testing.h"
#include "bpmn/engine/codec.h"
#include "bpmn/engine/engine.h"
#include "bpmn/engine/test_decisions.h"
#include "bpmn/engine/test_model.h"
#include "bpmn/gateway/messages.h"

namespace consilium::bpmn {
namespace {

namespace protocol = gateway_protocol;

constexpr Timestamp kNow{1'767'225'600'000'000};

// Keys are counted, and so the corpus knows them: the deployment is 1, the process 2, the decisions 3 to 5; instance 6 has job 9, which a
// worker holds; instance 10 has job 13 and incident 14.
engine::Engine make_engine() {
  engine::Engine made;
  const std::string model =
      engine::TestModel().start().task("t", "work").task("u", "more").end().flow("start", "t").flow("t", "u").flow("u", "end").xml();
  made.execute(engine::Deploy{{{"m.bpmn", model}, {"d.dmn", engine::test_decisions()}}}, kNow);
  for (int i = 0; i < 2; ++i) made.execute(engine::CreateInstance{"p", 0, {{"a", feel::Value(1)}}, ""}, kNow);
  const engine::Outcome held = made.execute(engine::ActivateJobs{"work", "w", 2, minutes(1)}, kNow);
  require(held.jobs.size() == 2 && engine::counter_of(held.jobs[0].key) == 9);
  engine::FailJob failure;
  failure.job = held.jobs[1].key;
  failure.retries = 0;
  made.execute(failure, kNow);
  require(engine::counter_of(made.state().instances().rbegin()->second.incidents.begin()->first) == 14);
  return made;
}

template <class Message>
void check_message(const Message& message) {
  const auto again = decode_wire<Message>(encode_wire(message));
  require(again && *again == message);
}

void check_refusal(const net::RpcStatus& status) { require(status.code > 0 && status.code < 17 && !status.message.empty()); }

engine::Outcome execute(engine::Engine& engine, const char* name, const engine::Command& command) {
  engine::Outcome outcome = engine.execute(command, kNow);
  if (outcome.rejection) {
    require(outcome.events.empty());
    check_refusal(status_of(name, *outcome.rejection));
  }
  const std::string record = engine::encode_record({kNow, outcome.events});
  require(engine::decode_record(record).has_value());
  return outcome;
}

template <class Request, class Reply>
void ask(std::string_view bytes) {
  auto request = decode_wire<Request>(bytes);
  if (!request) return;
  check_message(*request);
  auto asked = understand(std::move(*request));
  if (!asked) return check_refusal(asked.error());
  engine::Engine engine = make_engine();
  const engine::Outcome outcome = execute(engine, asked->name, asked->command);
  if (outcome.rejection) return;
  Reply reply;
  tell(reply, outcome, asked->key.value_or(0));
  check_message(reply);
}

void create(std::string_view bytes) {
  auto request = decode_wire<protocol::CreateProcessInstanceWithResultRequest>(bytes);
  if (!request) return;
  check_message(*request);
  require(span_of(request->request_timeout) <= engine::kMaxWait);
  auto creation = understand(std::move(request->request));
  if (!creation) return check_refusal(creation.error());
  engine::Engine engine = make_engine();
  const std::string id = creation->process_id.empty() ? "p" : creation->process_id;
  const std::int32_t version = creation->version.value_or(0);
  const engine::Outcome outcome =
      execute(engine, "CREATE", engine::CreateInstance{id, version, creation->variables, "", creation->start_elements});
  if (outcome.rejection) return;
  const Created created{outcome.key, 1, id, version, creation->variables};
  check_message(message_of(created));
  check_message(message_of(created, request->fetch_variables));
}

template <class Request>
void activate(std::string_view bytes) {
  auto request = decode_wire<Request>(bytes);
  if (!request) return;
  check_message(*request);
  auto command = understand(std::move(*request));
  if (!command) return check_refusal(command.error());
  engine::Engine engine = make_engine();
  engine.execute(engine::CreateInstance{"p", 0, {{"a", feel::Value("x")}, {"b", feel::Value(2)}}, ""}, kNow);
  for (const engine::ActivatedJob& job : execute(engine, "ACTIVATE", *command).jobs) {
    const protocol::ActivatedJob message = message_of(job);
    check_message(message);
    require(encode_wire(message).size() <= size_of(message));
  }
}

}  // namespace

// The first byte says which call it is.
void fuzz_messages(std::string_view input) {
  using namespace gateway_protocol;
  const auto [kind, bytes] = split_kind(input);
  switch (kind) {
    case 'a': return ask<DeployProcessRequest, DeployProcessResponse>(bytes);
    case 'b': return ask<DeployResourceRequest, DeployResourceResponse>(bytes);
    case 'c': return ask<DeleteResourceRequest, DeleteResourceResponse>(bytes);
    case 'd': return ask<EvaluateDecisionRequest, EvaluateDecisionResponse>(bytes);
    case 'e': return ask<CancelProcessInstanceRequest, CancelProcessInstanceResponse>(bytes);
    case 'f': return ask<ModifyProcessInstanceRequest, ModifyProcessInstanceResponse>(bytes);
    case 'g': return ask<MigrateProcessInstanceRequest, MigrateProcessInstanceResponse>(bytes);
    case 'h': return ask<SetVariablesRequest, SetVariablesResponse>(bytes);
    case 'i': return ask<ResolveIncidentRequest, ResolveIncidentResponse>(bytes);
    case 'j': return ask<PublishMessageRequest, PublishMessageResponse>(bytes);
    case 'k': return ask<BroadcastSignalRequest, BroadcastSignalResponse>(bytes);
    case 'l': return ask<CompleteJobRequest, CompleteJobResponse>(bytes);
    case 'm': return ask<FailJobRequest, FailJobResponse>(bytes);
    case 'n': return ask<ThrowErrorRequest, ThrowErrorResponse>(bytes);
    case 'o': return ask<UpdateJobRetriesRequest, UpdateJobRetriesResponse>(bytes);
    case 'p': return ask<UpdateJobTimeoutRequest, UpdateJobTimeoutResponse>(bytes);
    case 'q': return activate<ActivateJobsRequest>(bytes);
    case 'r': return activate<StreamActivatedJobsRequest>(bytes);
    default: return create(bytes);
  }
}

}  // namespace consilium::bpmn

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  consilium::bpmn::fuzz_messages(consilium::fuzz_input(data, size));
  return 0;
}
