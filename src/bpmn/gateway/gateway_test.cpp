// The gateway's calls on the engine on virtual time: what a slow, absent or greedy client does to it.
#include "bpmn/gateway/gateway.h"

#include <gtest/gtest.h>

#include <deque>

#include "bpmn/engine/test_decisions.h"
#include "bpmn/engine_node_testing.h"

namespace consilium::bpmn {
namespace {

namespace protocol = gateway_protocol;
using engine::TestModel;
using net::RpcStatus;
using testing::flag_end;
using testing::Node;

// Reads what is written at once, or one message each time that it is told to, or is gone.
class Reader final : public net::RpcStream {
 public:
  explicit Reader(runtime::Scheduler& loop, bool slow = false) : is_slow(slow), may_read(loop) {}
  Task<bool> write(std::string message) override {
    if (is_gone) co_return false;
    if (is_slow) co_await may_read.wait();
    if (is_gone) co_return false;
    messages.push_back(std::move(message));
    co_return true;
  }

  bool is_slow = false;
  bool is_gone = false;
  runtime::Event may_read;
  std::vector<std::string> messages;
};

Task<void> keep_status(Task<RpcStatus> task, std::optional<RpcStatus>& out) {
  RpcStatus status = co_await std::move(task);
  out.emplace(std::move(status));
}

// One call on its way.
struct Call {
  Call(Node& node, bool slow = false) : context(*node.loop, node.random), reader(*node.loop, slow) {
    context.cancellation = std::make_shared<runtime::Cancellation>();
  }
  void give_up() {
    reader.is_gone = true;
    context.cancellation->request();
  }
  runtime::Context context;
  Reader reader;
  std::optional<RpcStatus> status;
};

class GatewayCalls : public ::testing::Test {
 protected:
  explicit GatewayCalls(LocalProcessEngineOptions options = {}) : node(1, options), gateway((node.open(), *node.engine), 1) {
    for (net::ForeignMethod& method : gateway.methods()) methods.emplace(method.name.substr(method.name.rfind('/') + 1), std::move(method));
    node.deploy(TestModel().start().task("t", "work").end().flow("start", "t").flow("t", "end"));
  }

  template <class Request>
  void begin(Call& call, const std::string& name, const Request& request) {
    node.loop->spawn("call", keep_status(methods.at(name).handle(call.context, encode_wire(request), call.reader), call.status));
  }
  template <class Request>
  RpcStatus run(const std::string& name, const Request& request) {
    Call call(node);
    begin(call, name, request);
    node.world.run_until([&] { return call.status.has_value(); }, minutes(10));
    return call.status.value_or(RpcStatus{-1, "no answer"});
  }
  template <class Reply, class Request>
  Reply ask(const std::string& name, const Request& request) {
    Call call(node);
    begin(call, name, request);
    node.world.run_until([&] { return call.status.has_value(); }, minutes(10));
    EXPECT_TRUE(call.status && call.status->code == 0) << (call.status ? call.status->message : "no answer");
    if (call.reader.messages.size() != 1) return {};
    return decode_wire<Reply>(call.reader.messages[0]).value_or(Reply());
  }
  static protocol::CreateProcessInstanceRequest newest() {
    protocol::CreateProcessInstanceRequest request;
    request.bpmn_process_id = "p";
    request.version = -1;
    return request;
  }
  process::Key start(const std::string& variables = "{}") {
    protocol::CreateProcessInstanceRequest request = newest();
    request.variables = variables;
    return ask<protocol::CreateProcessInstanceResponse>("CreateProcessInstance", request).process_instance_key;
  }
  static protocol::ActivateJobsRequest poll(std::int64_t wait = -1, std::int32_t most = 10) {
    protocol::ActivateJobsRequest request;
    request.type = "work";
    request.worker = "w";
    request.timeout = 60'000;
    request.max_jobs_to_activate = most;
    request.request_timeout = wait;
    return request;
  }
  static protocol::StreamActivatedJobsRequest subscription() {
    protocol::StreamActivatedJobsRequest request;
    request.type = "work";
    request.worker = "s";
    request.timeout = 60'000;
    return request;
  }
  std::vector<protocol::ActivatedJob> ask_for_jobs(const protocol::ActivateJobsRequest& request) {
    return ask<protocol::ActivateJobsResponse>("ActivateJobs", request).jobs;
  }
  std::vector<protocol::ActivatedJob> jobs() { return ask_for_jobs(poll()); }

  Node node;
  Gateway gateway;
  std::map<std::string, net::ForeignMethod, std::less<>> methods;
};

TEST_F(GatewayCalls, AreTwentyOne) { EXPECT_EQ(methods.size(), 21u); }

TEST_F(GatewayCalls, StartByKeyOrNewestAndRefuseTheRest) {
  protocol::CreateProcessInstanceRequest request = newest();
  const auto first = ask<protocol::CreateProcessInstanceResponse>("CreateProcessInstance", request);
  EXPECT_EQ(first.version, 1);
  EXPECT_EQ(first.tenant_id, "<default>");
  request.process_definition_key = first.process_definition_key + 1000;
  EXPECT_EQ(run("CreateProcessInstance", request).code, 0);  // an id is asked for first
  request.version = 0;
  EXPECT_EQ(run("CreateProcessInstance", request).code, 5);
  request.bpmn_process_id.clear();
  request.process_definition_key = 0;
  EXPECT_EQ(run("CreateProcessInstance", request).code, 5);
  request.process_definition_key = -1;
  EXPECT_EQ(run("CreateProcessInstance", request).code, 3);
  request.process_definition_key = first.process_definition_key;
  EXPECT_EQ(ask<protocol::CreateProcessInstanceResponse>("CreateProcessInstance", request).bpmn_process_id, "p");
  request.process_definition_key += 1000;
  EXPECT_EQ(run("CreateProcessInstance", request).code, 5);
  request.tenant_id = "another";
  EXPECT_EQ(run("CreateProcessInstance", request).code, 3);
  request.tenant_id = "<default>";
  request.variables = "[1]";
  EXPECT_EQ(run("CreateProcessInstance", request).code, 3);
  request.variables.clear();
  request.process_definition_key = first.process_definition_key;
  request.start_instructions.emplace_back().element_id = "nothing";
  EXPECT_EQ(run("CreateProcessInstance", request).code, 3);
  request.start_instructions[0].element_id = "t";
  EXPECT_EQ(run("CreateProcessInstance", request).code, 0);
  EXPECT_EQ(jobs().size(), 4u);
}

// As Zeebe has it.
TEST_F(GatewayCalls, AcceptNothingWhereItSaysNothing) {
  EXPECT_EQ(run("PublishMessage", protocol::PublishMessageRequest()).code, 0);
  EXPECT_EQ(run("BroadcastSignal", protocol::BroadcastSignalRequest()).code, 0);
  start();
  const Timestamp began = node.loop->steady_now();
  for (const std::int32_t most : {0, -1}) EXPECT_TRUE(ask_for_jobs(poll(60'000, most)).empty());
  EXPECT_LT(node.loop->steady_now() - began, seconds(1)) << "who asks for none does not wait";
  const auto held = jobs();
  ASSERT_EQ(held.size(), 1u);
  protocol::UpdateJobTimeoutRequest sooner;
  sooner.job_key = held[0].key;
  for (const std::int64_t timeout : {0, -1}) {
    sooner.timeout = timeout;
    EXPECT_EQ(run("UpdateJobTimeout", sooner).code, 0);
    node.world.run_for(milliseconds(100));
    const auto again = jobs();
    ASSERT_EQ(again.size(), 1u) << "it is anybody's at once";
    EXPECT_EQ(again[0].key, held[0].key);
  }
  protocol::ThrowErrorRequest thrown;
  thrown.job_key = held[0].key;
  EXPECT_EQ(run("ThrowError", thrown).code, 0);
  EXPECT_EQ(run("ThrowError", thrown).code, 9) << "nobody has caught it";
}

TEST_F(GatewayCalls, RefuseStreamsWithoutTypeOrTime) {
  auto request = subscription();
  for (const char* type : {"", " \t"}) {
    request.type = type;
    EXPECT_EQ(run("StreamActivatedJobs", request).code, 3) << '"' << type << '"';
  }
  request = subscription();
  for (const std::int64_t timeout : {0, -1}) {
    request.timeout = timeout;
    const RpcStatus status = run("StreamActivatedJobs", request);
    EXPECT_EQ(status.code, 3);
    EXPECT_EQ(status.message, "Expected to stream activated jobs with a timeout above 0, but it is '" + std::to_string(timeout) + "'");
  }
}

TEST_F(GatewayCalls, DeployEvaluateAndDelete) {
  const auto resource = [](const std::string& name, const std::string& content) {
    protocol::Resource made;
    made.name = name;
    made.content = content;
    return made;
  };
  protocol::DeployResourceRequest deployment;
  EXPECT_EQ(run("DeployResource", deployment).code, 3);
  deployment.resources = {resource("d.dmn", engine::test_decisions()), resource("q.bpmn", "<none/>")};
  EXPECT_EQ(run("DeployResource", deployment).code, 3);
  deployment.resources[1].content = TestModel("q").start().end().flow("start", "end").xml();
  const auto deployed = ask<protocol::DeployResourceResponse>("DeployResource", deployment);
  ASSERT_EQ(deployed.deployments.size(), 4u);
  ASSERT_TRUE(deployed.deployments[0].process && deployed.deployments[2].decision && deployed.deployments[3].decision_requirements);
  EXPECT_EQ(deployed.deployments[0].process->bpmn_process_id, "q");
  const protocol::DecisionMetadata dish = *deployed.deployments[2].decision;
  const protocol::DecisionRequirementsMetadata dinner = *deployed.deployments[3].decision_requirements;
  EXPECT_EQ(dish.dmn_decision_id + dish.dmn_decision_name + dish.dmn_decision_requirements_id, "dishDishdinner");
  EXPECT_EQ(dinner.dmn_decision_requirements_name + dinner.resource_name, "Dinnerd.dmn");
  EXPECT_EQ(dish.decision_requirements_key, dinner.decision_requirements_key);

  protocol::EvaluateDecisionRequest question;
  EXPECT_EQ(run("EvaluateDecision", question).code, 3);
  question.decision_id = "dish";
  question.variables = R"({"season":"winter","adults":4,"children":2})";
  const auto answer = ask<protocol::EvaluateDecisionResponse>("EvaluateDecision", question);
  EXPECT_EQ(answer.decision_output, R"({"dish":"Stew","pots":3})");
  EXPECT_EQ(answer.decision_key, dish.decision_key);
  EXPECT_EQ(answer.decision_requirements_key, dinner.decision_requirements_key);
  EXPECT_EQ(answer.decision_version, 1);
  EXPECT_EQ(engine::partition_of(answer.decision_instance_key), 1);
  ASSERT_EQ(answer.evaluated_decisions.size(), 2u);
  const protocol::EvaluatedDecision& table = answer.evaluated_decisions[1];
  EXPECT_EQ(answer.evaluated_decisions[0].decision_type + table.decision_type, "LITERAL_EXPRESSIONDECISION_TABLE");
  EXPECT_EQ(table.evaluated_inputs.at(0).input_name + table.evaluated_inputs[0].input_value, "Season\"winter\"");
  EXPECT_EQ(table.evaluated_inputs.at(1).input_name + table.evaluated_inputs[1].input_value, "guests6");
  ASSERT_EQ(table.matched_rules.size(), 1u);
  EXPECT_EQ(table.matched_rules[0].rule_id + std::to_string(table.matched_rules[0].rule_index), "rule11");
  EXPECT_EQ(table.matched_rules[0].evaluated_outputs.at(1).output_id + table.matched_rules[0].evaluated_outputs[1].output_value, "out23");
  question.variables = R"({"season":"clash","adults":1,"children":1})";
  const auto failed = ask<protocol::EvaluateDecisionResponse>("EvaluateDecision", question);
  EXPECT_EQ(failed.failed_decision_id + failed.decision_output, "dish");
  EXPECT_FALSE(failed.failure_message.empty());
  question.variables = "[]";
  EXPECT_EQ(run("EvaluateDecision", question).code, 3);

  protocol::DeleteResourceRequest deletion;
  deletion.resource_key = dinner.decision_requirements_key;
  EXPECT_EQ(run("DeleteResource", deletion).code, 0);
  EXPECT_EQ(run("DeleteResource", deletion).code, 5);
  deletion.resource_key = 7;
  EXPECT_EQ(run("DeleteResource", deletion).code, 14);
  question.variables = "{}";
  EXPECT_EQ(run("EvaluateDecision", question).code, 3);
  const process::Key instance = start();
  deletion.resource_key = ask<protocol::CreateProcessInstanceResponse>("CreateProcessInstance", newest()).process_definition_key;
  EXPECT_EQ(run("DeleteResource", deletion).code, 9);
  EXPECT_NE(instance, 0);
}

TEST_F(GatewayCalls, BroadcastModifyAndMigrate) {
  protocol::BroadcastSignalRequest signal;
  signal.signal_name = "all";
  EXPECT_EQ(engine::partition_of(ask<protocol::BroadcastSignalResponse>("BroadcastSignal", signal).key), 1);
  signal.variables = "7";
  EXPECT_EQ(run("BroadcastSignal", signal).code, 3);

  const process::Key instance = start();
  const auto held = jobs();
  ASSERT_EQ(held.size(), 1u);
  protocol::ModifyProcessInstanceRequest change;
  change.process_instance_key = instance;
  change.activate_instructions.emplace_back().element_id = "t";
  change.activate_instructions[0].ancestor_element_instance_key = -1;
  change.activate_instructions[0].variable_instructions.emplace_back().variables = "[]";
  EXPECT_EQ(run("ModifyProcessInstance", change).code, 3);
  change.activate_instructions[0].variable_instructions[0].variables = R"({"a":1})";
  change.terminate_instructions.emplace_back().element_instance_key = held[0].element_instance_key;
  EXPECT_EQ(run("ModifyProcessInstance", change).code, 0);
  const auto moved = jobs();
  ASSERT_EQ(moved.size(), 1u);
  EXPECT_EQ(moved[0].variables, R"({"a":1})");
  EXPECT_EQ(run("ModifyProcessInstance", change).code, 3);  // what it would end has ended
  change.process_instance_key += 1000;
  EXPECT_EQ(run("ModifyProcessInstance", change).code, 5);
  change.process_instance_key = 7;
  EXPECT_EQ(run("ModifyProcessInstance", change).code, 14);

  node.deploy(TestModel().start().task("u", "work").task("v", "more").end().flow("start", "u").flow("u", "v").flow("v", "end"));
  protocol::MigrateProcessInstanceRequest move;
  move.process_instance_key = instance;
  EXPECT_EQ(run("MigrateProcessInstance", move).code, 5);
  move.migration_plan.target_process_definition_key =
      ask<protocol::CreateProcessInstanceResponse>("CreateProcessInstance", newest()).process_definition_key;
  EXPECT_EQ(run("MigrateProcessInstance", move).code, 9);
  auto& mapping = move.migration_plan.mapping_instructions.emplace_back();
  mapping.source_element_id = "t";
  mapping.target_element_id = "nothing";
  EXPECT_EQ(run("MigrateProcessInstance", move).code, 3);
  mapping.target_element_id = "u";
  EXPECT_EQ(run("MigrateProcessInstance", move).code, 0);
  protocol::CompleteJobRequest completion;
  completion.job_key = moved[0].key;
  EXPECT_EQ(run("CompleteJob", completion).code, 0);
  auto later = poll();
  later.type = "more";
  EXPECT_EQ(ask<protocol::ActivateJobsResponse>("ActivateJobs", later).jobs.size(), 1u);
}

TEST_F(GatewayCalls, AnswerAResultInTimeOrNotAtAll) {
  protocol::CreateProcessInstanceWithResultRequest request;
  request.request = newest();
  request.request_timeout = 5000;
  Call call(node);
  const Timestamp began = node.loop->steady_now();
  begin(call, "CreateProcessInstanceWithResult", request);
  node.world.run_until([&] { return call.status.has_value(); }, minutes(1));
  ASSERT_TRUE(call.status);
  EXPECT_EQ(call.status->code, 4);
  EXPECT_GE(node.loop->steady_now() - began, seconds(5));
  EXPECT_LE(node.loop->steady_now() - began, seconds(6));
  EXPECT_EQ(jobs().size(), 1u);  // it goes on without its caller
}

TEST_F(GatewayCalls, PollFirstComeFirstServedAndUntilTheirTimeIsOver) {
  Call first(node), second(node), third(node);
  begin(first, "ActivateJobs", poll(20'000));
  node.world.run_for(milliseconds(10));
  begin(second, "ActivateJobs", poll(20'000));
  begin(third, "ActivateJobs", poll(1'000));
  node.world.run_for(seconds(2));
  ASSERT_TRUE(third.status);
  EXPECT_EQ(third.status->code, 0);
  EXPECT_TRUE(third.reader.messages.empty());
  EXPECT_EQ(node.engine->job_waits(), 2u);
  start();
  node.world.run_for(milliseconds(100));
  EXPECT_TRUE(first.status);
  EXPECT_EQ(first.reader.messages.size(), 1u);
  EXPECT_FALSE(second.status);
  second.give_up();
  node.world.run_for(milliseconds(100));
  EXPECT_TRUE(second.status);
  EXPECT_EQ(node.engine->job_waits(), 0u);
}

// A worker that has closed may have left a poll behind, and nobody would do what it gets.
TEST_F(GatewayCalls, AStreamIsServedBeforeAPollThatWaitsLonger) {
  Call waiting(node), stream(node);
  begin(waiting, "ActivateJobs", poll(60'000));
  node.world.run_for(milliseconds(10));
  begin(stream, "StreamActivatedJobs", subscription());
  node.world.run_for(milliseconds(10));
  start();
  node.world.run_for(milliseconds(100));
  EXPECT_FALSE(waiting.status);
  EXPECT_EQ(stream.reader.messages.size(), 1u);
  stream.give_up();
  start();
  node.world.run_for(milliseconds(100));
  EXPECT_TRUE(waiting.status);
  EXPECT_EQ(waiting.reader.messages.size(), 1u);
}

TEST_F(GatewayCalls, TwoThousandPollsWaitAndAreBounded) {
  std::deque<Call> calls;
  for (int i = 0; i < 2000; ++i) begin(calls.emplace_back(node), "ActivateJobs", poll(60'000, 1));
  node.world.run_for(seconds(1));
  EXPECT_EQ(node.engine->job_waits(), 2000u);
  for (int i = 0; i < 100; ++i) start();
  node.world.run_for(seconds(1));
  EXPECT_EQ(node.engine->job_waits(), 1900u);
  for (Call& call : calls) call.give_up();
  node.world.run_for(seconds(1));
  EXPECT_EQ(node.engine->job_waits(), 0u);
  std::size_t served = 0;
  for (const Call& call : calls) served += call.reader.messages.size();
  EXPECT_EQ(served, 100u);

  std::deque<Call> more;
  for (std::size_t i = 0; i < kMaxJobWaits + 10; ++i) begin(more.emplace_back(node), "ActivateJobs", poll(60'000, 1));
  node.world.run_for(seconds(10));
  EXPECT_EQ(node.engine->job_waits(), kMaxJobWaits);
  std::size_t refused = 0;
  for (const Call& call : more) refused += call.status && call.status->code == 8;
  EXPECT_GE(refused, 10u);
  for (Call& call : more) call.give_up();
  node.world.run_for(seconds(1));
}

// By counts: what is done for a job does not depend on how many wait for jobs of other types.
TEST_F(GatewayCalls, PollsForOtherTypesCostAJobNothing) {
  const auto looks_with = [&](int types) {
    std::deque<Call> calls;
    for (int i = 0; i < types; ++i) {
      protocol::ActivateJobsRequest request = poll(60'000);
      request.type = "another-" + std::to_string(i);
      begin(calls.emplace_back(node), "ActivateJobs", request);
    }
    node.world.run_for(seconds(1));
    const std::uint64_t before = node.engine->job_wait_looks();
    for (int i = 0; i < 20; ++i) {
      start();
      node.world.run_for(milliseconds(10));
    }
    const std::uint64_t looks = node.engine->job_wait_looks() - before;
    Call call(node);
    begin(call, "ActivateJobs", poll(1'000, 20));
    node.world.run_for(seconds(1));
    EXPECT_EQ(call.reader.messages.size(), 1u);
    for (Call& other : calls) other.give_up();
    node.world.run_for(seconds(1));
    return looks;
  };
  const std::uint64_t alone = looks_with(0);
  EXPECT_LE(alone, 20u);
  EXPECT_EQ(looks_with(300), alone);
}

TEST_F(GatewayCalls, AStreamHandsOutAsItIsReadAndGivesBackWhatNobodyRead) {
  Call stream(node, true);
  begin(stream, "StreamActivatedJobs", subscription());
  node.world.run_for(milliseconds(10));
  const int many = 3 * kStreamedJobs;
  for (int i = 0; i < many; ++i) start();
  node.world.run_for(seconds(1));
  // It holds what it took at a time; the rest is for others.
  const auto others = ask<protocol::ActivateJobsResponse>("ActivateJobs", poll(-1, many)).jobs;
  EXPECT_GE(others.size(), static_cast<std::size_t>(many - kStreamedJobs));
  EXPECT_LT(others.size(), static_cast<std::size_t>(many));
  stream.reader.may_read.notify_all();
  node.world.run_for(milliseconds(10));
  ASSERT_EQ(stream.reader.messages.size(), 1u);
  const auto job = decode_wire<protocol::ActivatedJob>(stream.reader.messages[0]);
  ASSERT_TRUE(job.has_value());
  EXPECT_EQ(job->worker, "s");
  EXPECT_EQ(job->retries, 3);
  stream.give_up();
  stream.reader.may_read.notify_all();
  node.world.run_for(seconds(1));
  EXPECT_TRUE(stream.status);
  const auto returned = ask<protocol::ActivateJobsResponse>("ActivateJobs", poll(-1, many)).jobs;
  EXPECT_EQ(returned.size(), static_cast<std::size_t>(many) - others.size() - 1);
  for (const auto& one : returned) EXPECT_EQ(one.retries, 3);
}

TEST_F(GatewayCalls, SplitOneActivationOverSeveralMessages) {
  const std::string large = "{\"a\":\"" + std::string(700'000, 'x') + "\"}";
  for (int i = 0; i < 8; ++i) start(large);
  std::size_t seen = 0;
  while (seen < 8) {
    Call call(node);
    begin(call, "ActivateJobs", poll(-1));
    node.world.run_until([&] { return call.status.has_value(); }, minutes(1));
    ASSERT_FALSE(call.reader.messages.empty());
    for (const std::string& message : call.reader.messages) {
      EXPECT_LE(message.size(), 4u * 1024 * 1024);
      seen += decode_wire<protocol::ActivateJobsResponse>(message)->jobs.size();
    }
  }
  EXPECT_EQ(seen, 8u);
}

TEST_F(GatewayCalls, GiveAJobMoreTimeWhileAWorkerHoldsIt) {
  start();
  const auto held = jobs();
  ASSERT_EQ(held.size(), 1u);
  protocol::UpdateJobTimeoutRequest request;
  request.job_key = held[0].key;
  request.timeout = 300'000;
  EXPECT_EQ(run("UpdateJobTimeout", request).code, 0);
  node.world.run_for(seconds(100));
  EXPECT_TRUE(jobs().empty());
  node.restart();
  Gateway again(*node.engine, 1);
  methods.clear();
  for (net::ForeignMethod& method : again.methods()) methods.emplace(method.name.substr(method.name.rfind('/') + 1), std::move(method));
  EXPECT_TRUE(jobs().empty());
  node.world.run_for(seconds(201));
  EXPECT_EQ(jobs().size(), 1u);
  request.timeout = 0;
  EXPECT_EQ(run("UpdateJobTimeout", request).code, 0);
  node.world.run_for(seconds(61));
  request.timeout = 1000;
  EXPECT_EQ(run("UpdateJobTimeout", request).code, 9);
  request.job_key += 1000;
  EXPECT_EQ(run("UpdateJobTimeout", request).code, 5);
  request.job_key = 7;
  EXPECT_EQ(run("UpdateJobTimeout", request).code, 14);
}

TEST_F(GatewayCalls, ResolveAnIncidentOnceItsJobHasRetries) {
  start();
  const auto held = jobs();
  ASSERT_EQ(held.size(), 1u);
  protocol::FailJobRequest failure;
  failure.job_key = held[0].key;
  failure.error_message = "no paper";
  failure.variables = R"({"tried":1})";
  EXPECT_EQ(run("FailJob", failure).code, 0);
  EXPECT_EQ(run("FailJob", failure).code, 9);
  const auto incidents = node.call(node.engine->incidents(*node.context, 0, 200));
  ASSERT_TRUE(incidents && incidents->items.size() == 1);
  EXPECT_EQ(incidents->items[0].error_type, "JOB_NO_RETRIES");
  EXPECT_EQ(incidents->items[0].message, "no paper");
  protocol::ResolveIncidentRequest resolution;
  resolution.incident_key = incidents->items[0].key;
  EXPECT_EQ(run("ResolveIncident", resolution).code, 5);
  protocol::UpdateJobRetriesRequest retries;
  retries.job_key = held[0].key;
  retries.retries = 1;
  EXPECT_EQ(run("UpdateJobRetries", retries).code, 0);
  EXPECT_EQ(run("ResolveIncident", resolution).code, 0);
  EXPECT_EQ(run("ResolveIncident", resolution).code, 5);
  const auto again = jobs();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].variables, R"({"tried":1})");
}

class GatewayCallsOnASmallQueue : public GatewayCalls {
 protected:
  static LocalProcessEngineOptions small() {
    LocalProcessEngineOptions options;
    options.max_waiting = 5;
    return options;
  }
  GatewayCallsOnASmallQueue() : GatewayCalls(small()) {}
};

TEST_F(GatewayCallsOnASmallQueue, AreRefusedEarlyAndLoseNothing) {
  constexpr int kResourceExhausted = 8;
  protocol::CreateProcessInstanceRequest request;
  request.bpmn_process_id = "p";
  request.version = -1;
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 40; ++i) {
    calls.push_back(std::make_unique<Call>(node));
    begin(*calls.back(), "CreateProcessInstance", request);
  }
  node.world.run_for(seconds(1));
  std::size_t done = 0;
  for (const auto& call : calls) {
    ASSERT_TRUE(call->status.has_value());
    done += call->status->code == 0 ? 1 : 0;
    if (call->status->code == 0) continue;
    EXPECT_EQ(call->status->code, kResourceExhausted) << call->status->message;
  }
  EXPECT_EQ(done, 5u);
  EXPECT_EQ(node.engine->waiting(), 0u);
  // Those that were accepted are there, and others are again.
  EXPECT_EQ(jobs().size(), 5u);
  EXPECT_GT(start(), 0);
}

TEST_F(GatewayCalls, RefuseBytesThatAreNoMessage) {
  for (const auto& [name, method] : methods) {
    Call call(node);
    node.loop->spawn("call", keep_status(method.handle(call.context, "\xff\xff\xff", call.reader), call.status));
    node.world.run_for(seconds(1));
    ASSERT_TRUE(call.status) << name;
    EXPECT_EQ(call.status->code, 3) << name << " " << call.status->code;
  }
}

}  // namespace
}  // namespace consilium::bpmn
