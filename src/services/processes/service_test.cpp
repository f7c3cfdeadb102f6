// What administrators see of the engine, on the real one.
#include "services/processes/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bpmn/engine/test_model.h"
#include "bpmn/local_process_engine.h"
#include "ports/database/service_bench_testing.h"

namespace consilium::processes {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Task<process::JobOutcome> give(process::JobOutcome outcome) { co_return outcome; }

Task<int> close_engine(bpmn::LocalProcessEngine* engine) {
  co_await engine->close_workers();
  co_await engine->close();
  co_return 0;
}

class ProcessServiceTest : public ::testing::Test {
 protected:
  ProcessServiceTest() {
    std::vector<database::Migration> tables = bpmn::LocalProcessEngine::migrations();
    tables.push_back(database::AuditTable::migration("processes", static_cast<int>(tables.size()) + 1));
    bench.migrate("processes", std::move(tables));
    engine = std::make_unique<bpmn::LocalProcessEngine>(bench.store().service("processes"), bench.loop(), bench.random());
    process::Worker worker;
    worker.job_type = "work";
    worker.name = "test";
    worker.handle = [this](runtime::Context&, const process::Job&) { return give(answer); };
    engine->add_worker(std::move(worker));
    EXPECT_TRUE(bench.run(engine->open(context)));
    service = std::make_unique<ProcessService>(bench.store().service("processes"), *engine);
    engine->open_workers();
  }
  ~ProcessServiceTest() override { bench.run(close_engine(engine.get())); }

  void deploy(const std::string& process = "p") {
    const bpmn::engine::TestModel model =
        std::move(bpmn::engine::TestModel(process).start().task("t", "work").end().flow("start", "t").flow("t", "end"));
    EXPECT_TRUE(bench.run(engine->deploy(context, {{process + ".bpmn", model.xml()}})));
  }
  process::Key start(const std::string& process = "p") {
    const auto key = bench.run(engine->start(context, process, R"({"n":1})", ""));
    EXPECT_TRUE(key);
    bench.pass(minutes(1));
    return key.value_or(0);
  }
  std::vector<database::AuditEntry> audit(process::Key incident) {
    return *bench.read("processes",
                       [&](database::Transaction& transaction) { return database::AuditTable("processes").list(transaction, incident); });
  }
  void break_worker() {
    answer.kind = process::JobOutcome::Kind::kFail;
    answer.error_code = "test.broken";
    answer.message = "it broke";
    answer.retry_in = seconds(1);
  }
  Result<v1::ListInstancesReply> list(v1::ListInstancesRequest request) { return bench.run(service->list_instances(context, request)); }
  static std::vector<process::Key> keys(const Result<v1::ListInstancesReply>& reply) {
    std::vector<process::Key> out;
    for (const v1::Instance& one : reply.value().items) out.push_back(one.key);
    return out;
  }

  database::testing::ServiceBench bench;
  runtime::Context context = bench.service("processes");
  process::JobOutcome answer;
  std::unique_ptr<bpmn::LocalProcessEngine> engine;
  std::unique_ptr<ProcessService> service;
};

TEST_F(ProcessServiceTest, ListsTheNewestVersionOfEachProcess) {
  EXPECT_THAT(bench.run(service->list_processes(context, {}))->items, IsEmpty());
  deploy("p");
  deploy("q");
  const auto reply = bench.run(service->list_processes(context, {}));
  ASSERT_EQ(reply->items.size(), 2u);
  EXPECT_EQ(reply->items[0].process_id, "p");
  EXPECT_EQ(reply->items[1].process_id, "q");
  EXPECT_EQ(reply->items[0].version, 1);
  EXPECT_NE(reply->items[0].key, reply->items[1].key);
}

TEST_F(ProcessServiceTest, ShowsAnInstanceThatRunsAndOneThatEnded) {
  deploy();
  answer.variables = R"({"done":true})";
  const process::Key ended = start();
  const auto over = bench.run(service->get_instance(context, {ended}));
  ASSERT_TRUE(over) << over.error().describe();
  EXPECT_EQ(over->key, ended);
  EXPECT_EQ(over->process_id, "p");
  EXPECT_EQ(over->state, v1::InstanceState::kCompleted);
  EXPECT_EQ(over->variables.text, R"({"done":true,"n":1})");
  EXPECT_TRUE(over->ended_at);
  EXPECT_THAT(over->active, IsEmpty());
  EXPECT_FALSE(over->has_incident);

  break_worker();
  const process::Key stuck = start();
  const auto running = bench.run(service->get_instance(context, {stuck}));
  EXPECT_EQ(running->state, v1::InstanceState::kActive);
  EXPECT_FALSE(running->ended_at);
  EXPECT_TRUE(running->has_incident);
  ASSERT_EQ(running->active.size(), 1u);
  EXPECT_EQ(running->active[0].element_id, "t");
  EXPECT_EQ(running->active[0].element_type, "serviceTask");
}

TEST_F(ProcessServiceTest, PagesThroughInstancesNewestFirst) {
  deploy("p");
  deploy("q");
  std::vector<process::Key> all;
  for (const char* process : {"p", "p", "q", "p"}) all.push_back(start(process));
  break_worker();
  all.push_back(start("p"));
  v1::ListInstancesRequest request;
  request.limit = 2;
  auto page = list(request);
  EXPECT_THAT(keys(page), ElementsAre(all[4], all[3]));
  request.cursor = page->next_cursor;
  page = list(request);
  EXPECT_THAT(keys(page), ElementsAre(all[2], all[1]));
  request.cursor = page->next_cursor;
  page = list(request);
  EXPECT_THAT(keys(page), ElementsAre(all[0]));
  EXPECT_FALSE(page->next_cursor);
}

TEST_F(ProcessServiceTest, FiltersInstancesByProcessAndState) {
  deploy("p");
  deploy("q");
  const process::Key first = start("p");
  const process::Key other = start("q");
  break_worker();
  const process::Key stuck = start("p");
  v1::ListInstancesRequest request;
  request.process_id = "p";
  EXPECT_THAT(keys(list(request)), ElementsAre(stuck, first));
  request.state = v1::InstanceState::kCompleted;
  EXPECT_THAT(keys(list(request)), ElementsAre(first));
  request.process_id.reset();
  EXPECT_THAT(keys(list(request)), ElementsAre(other, first));
  request.state = v1::InstanceState::kActive;
  EXPECT_THAT(keys(list(request)), ElementsAre(stuck));
  request.state = v1::InstanceState::kTerminated;
  EXPECT_THAT(keys(list(request)), IsEmpty());
  EXPECT_TRUE(bench.run(engine->cancel(context, stuck)));
  bench.pass(seconds(1));
  EXPECT_THAT(keys(list(request)), ElementsAre(stuck));
}

TEST_F(ProcessServiceTest, RefusesCursorsItDidNotGive) {
  for (const char* cursor : {"x", "", "-1", "0", "1x", "99999999999999999999"}) {
    v1::ListInstancesRequest request;
    request.cursor = cursor;
    const auto reply = list(request);
    ASSERT_FALSE(reply) << cursor;
    EXPECT_EQ(reply.error().code, "processes.bad-cursor");
  }
}

TEST_F(ProcessServiceTest, ListsIncidentsAndResolvesThem) {
  deploy();
  break_worker();
  const process::Key stuck = start();
  const auto listed = bench.run(service->list_incidents(context, {}));
  ASSERT_EQ(listed->items.size(), 1u);
  const v1::Incident& incident = listed->items[0];
  EXPECT_EQ(incident.instance_key, stuck);
  EXPECT_EQ(incident.process_id, "p");
  EXPECT_EQ(incident.element_id, "t");
  EXPECT_EQ(incident.error_type, "JOB_NO_RETRIES");
  EXPECT_EQ(incident.message, "test.broken: it broke");
  answer = {};
  runtime::Context administrator = bench.user(context.new_id());
  EXPECT_TRUE(bench.run(service->resolve_incident(administrator, {incident.key})));
  const std::vector<database::AuditEntry> resolved = audit(incident.key);
  ASSERT_EQ(resolved.size(), 1u);
  EXPECT_EQ(resolved[0].actor, "user:" + administrator.caller.user_id.text());
  EXPECT_EQ(resolved[0].call, "ResolveIncident");
  EXPECT_EQ(resolved[0].outcome, "done");
  bench.pass(minutes(1));
  EXPECT_EQ(bench.run(service->get_instance(context, {stuck}))->state, v1::InstanceState::kCompleted);
  EXPECT_THAT(bench.run(service->list_incidents(context, {}))->items, IsEmpty());
}

TEST_F(ProcessServiceTest, SaysSoWhenThereIsNoSuchThing) {
  EXPECT_EQ(bench.run(service->get_instance(context, {12345})).error().code, "processes.not-found");
  const auto refused = bench.run(service->resolve_incident(context, {12345}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "processes.not-found");
  EXPECT_EQ(refused.error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(audit(12345).at(0).outcome, "processes.not-found");
}

TEST_F(ProcessServiceTest, RecordsAnAttemptThatTheEngineRefused) {
  deploy();
  break_worker();
  start();
  const process::Key incident = bench.run(service->list_incidents(context, {}))->items.at(0).key;
  bench.run(close_engine(engine.get()));
  const auto refused = bench.run(service->resolve_incident(context, {incident}));
  EXPECT_EQ(refused.error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(audit(incident).at(0).outcome, refused.error().code);
}

TEST_F(ProcessServiceTest, PassesOnThatTheEngineIsClosed) {
  bench.run(close_engine(engine.get()));
  EXPECT_EQ(bench.run(service->list_incidents(context, {})).error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(bench.run(service->list_processes(context, {})).error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(list({}).error().kind, ErrorKind::kUnavailable);
}

}  // namespace
}  // namespace consilium::processes
