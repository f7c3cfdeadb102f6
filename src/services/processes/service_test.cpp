// What administrators see of the engine, on the real one.
#include "services/processes/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "bpmn/engine/test_decisions.h"
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
    tables.push_back(database::IdempotencyTable::migration("processes", static_cast<int>(tables.size()) + 1));
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

  static std::string model(const std::string& process = "p", const std::string& task = "t") {
    return bpmn::engine::TestModel(process).start().task(task, "work").end().flow("start", task).flow(task, "end").xml();
  }
  void deploy(const std::string& process = "p", const std::string& task = "t") {
    EXPECT_TRUE(bench.run(engine->deploy(context, {{process + ".bpmn", model(process, task)}})));
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

  v1::Instance instance(process::Key key) {
    const auto found = bench.run(service->get_instance(context, {key}));
    EXPECT_TRUE(found) << found.error().describe();
    return found.value_or(v1::Instance{});
  }
  std::vector<v1::Model> models(std::optional<std::string> process = std::nullopt) {
    v1::ListModelsRequest request;
    request.process_id = std::move(process);
    return bench.run(service->list_models(context, std::move(request)))->items;
  }
  Result<v1::DeployModelsReply> deploy_files(std::vector<v1::ModelFile> files, bool dry_run = false) {
    return bench.run(service->deploy_models(context, {std::move(files), dry_run}));
  }
  // `element completed/terminated/active` of each that the model has, and of the process itself.
  std::string counted(process::Key key) {
    const auto counts = bench.run(service->count_elements(context, {key}));
    EXPECT_TRUE(counts) << counts.error().describe();
    std::map<std::string, v1::ElementCount> by_id;
    for (const std::string id : {"start", "t", "end", "p"}) by_id[id];
    for (const v1::ElementCount& count : counts->items) by_id[count.element_id] = count;
    std::string out;
    for (const auto& [id, count] : by_id)
      out += (out.empty() ? "" : " ") + id + " " + std::to_string(count.completed) + "/" + std::to_string(count.terminated) + "/" +
             std::to_string(count.active);
    return out;
  }
  // Of a process, of all models or instances: what was asked for, with its outcome.
  std::vector<std::string> audited(const database::Value& subject) {
    std::vector<std::string> out;
    const auto rows = bench.read(
        "processes", [&](database::Transaction& transaction) { return database::AuditTable("processes").list(transaction, subject); });
    for (const database::AuditEntry& entry : *rows) out.push_back(entry.call + " " + entry.outcome);
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

TEST_F(ProcessServiceTest, ListsIncidentsByPages) {
  deploy();
  break_worker();
  for (int i = 0; i < 5; ++i) start();
  v1::ListIncidentsRequest request;
  request.limit = 2;
  request.count = true;
  std::vector<process::Key> seen;
  std::vector<std::size_t> sizes;
  for (bool more = true; more;) {
    const auto page = bench.run(service->list_incidents(context, request));
    ASSERT_TRUE(page) << page.error().describe();
    EXPECT_EQ(page->total, 5);
    sizes.push_back(page->items.size());
    for (const v1::Incident& incident : page->items) seen.push_back(incident.key);
    request.cursor = page->next_cursor;
    more = page->next_cursor.has_value();
  }
  EXPECT_THAT(sizes, ElementsAre(2u, 2u, 1u));
  EXPECT_TRUE(std::ranges::is_sorted(seen, std::greater<>())) << "newest first";
  EXPECT_EQ(std::set<process::Key>(seen.begin(), seen.end()).size(), 5u);
  EXPECT_FALSE(bench.run(service->list_incidents(context, {}))->total) << "nobody asked";
  request.cursor = "x";
  EXPECT_EQ(bench.run(service->list_incidents(context, request)).error().code, "processes.bad-cursor");
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

// ---- models

TEST_F(ProcessServiceTest, ListsEachVersionWithWhatRunsOfIt) {
  deploy("q");
  deploy("p");
  break_worker();
  start("p");
  answer.kind = process::JobOutcome::Kind::kNotReady;
  answer.retry_in = hours(1);
  start("p");
  deploy("p", "u");
  const std::vector<v1::Model> all = models();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].process_id, "p");
  EXPECT_EQ(all[0].version, 2);
  EXPECT_TRUE(all[0].newest);
  EXPECT_EQ(all[0].active, 0);
  EXPECT_EQ(all[1].version, 1);
  EXPECT_FALSE(all[1].newest);
  EXPECT_EQ(all[1].active, 2);
  EXPECT_EQ(all[1].stuck, 1);
  EXPECT_EQ(all[1].resource_name, "p.bpmn");
  EXPECT_EQ(all[2].process_id, "q");
  EXPECT_FALSE(all[0].xml);
  EXPECT_EQ(models("q").size(), 1u);

  v1::ListModelsRequest request;
  request.limit = 2;
  const auto page = bench.run(service->list_models(context, request));
  request.cursor = page->next_cursor;
  EXPECT_EQ(bench.run(service->list_models(context, request))->items, std::vector<v1::Model>{all[2]});

  const auto one = bench.run(service->get_model(context, {all[0].key}));
  EXPECT_EQ(one->xml, model("p", "u"));
  EXPECT_EQ(bench.run(service->get_model(context, {12345})).error().code, "processes.not-found");
}

TEST_F(ProcessServiceTest, ADryRunTellsAllThatIsWrongAndDeploysNothing) {
  const auto sound = deploy_files({{"p.bpmn", model()}}, true);
  ASSERT_EQ(sound->items.size(), 1u);
  EXPECT_EQ(sound->items[0].version, 1);
  EXPECT_THAT(sound->problems, IsEmpty());
  const std::string bad = bpmn::engine::TestModel("q").start().task("t", "").raw("<complexGateway id='g'/>").flow("start", "t").xml();
  const auto refused = deploy_files({{"p.bpmn", model()}, {"q.bpmn", bad}, {"r.bpmn", "no XML"}}, true);
  ASSERT_TRUE(refused) << refused.error().describe();
  EXPECT_THAT(refused->items, IsEmpty());
  std::vector<std::string> elements;
  for (const v1::ModelProblem& problem : refused->problems) {
    elements.push_back(problem.file + "#" + problem.element_id.value_or(""));
    EXPECT_FALSE(problem.message.empty());
  }
  EXPECT_THAT(elements, ::testing::IsSupersetOf({"q.bpmn#t", "q.bpmn#g", "r.bpmn#"}));
  EXPECT_THAT(models(), IsEmpty());
  EXPECT_THAT(audited("p.bpmn"), IsEmpty());

  const auto deployed = deploy_files({{"p.bpmn", model()}, {"q.bpmn", bad}});
  ASSERT_FALSE(deployed);
  EXPECT_EQ(deployed.error().code, "processes.invalid-model");
  EXPECT_EQ(deployed.error().fields.at(0).name.substr(0, 7), "q.bpmn#");
  EXPECT_THAT(models(), IsEmpty()) << "all or none";
  EXPECT_THAT(audited("p.bpmn"), ElementsAre("DeployModels processes.invalid-model"));
}

TEST_F(ProcessServiceTest, WhatIsDeployedIsListedAtOnce) {
  const auto deployed = deploy_files({{"p.bpmn", model()}});
  ASSERT_TRUE(deployed) << deployed.error().describe();
  EXPECT_EQ(models().at(0).key, deployed->items.at(0).key);
  EXPECT_EQ(deploy_files({{"p.bpmn", model()}})->items.at(0).version, 1) << "it has not changed";
  EXPECT_EQ(deploy_files({{"p.bpmn", model("p", "u")}})->items.at(0).version, 2);
  EXPECT_THAT(audited("p.bpmn"), ElementsAre("DeployModels done", "DeployModels done", "DeployModels done"));
}

TEST_F(ProcessServiceTest, TellsTheDecisionsAndFormsThatAreDeployed) {
  const std::string form = R"({"id":"address","schemaVersion":12,"components":[]})";
  const std::vector<v1::ModelFile> files{{"p.bpmn", model()}, {"d.dmn", bpmn::engine::test_decisions()}, {"a.form", form}};
  for (const bool dry_run : {true, false}) {
    const auto deployed = deploy_files(files, dry_run);
    ASSERT_TRUE(deployed) << deployed.error().describe();
    EXPECT_EQ(deployed->items.size(), 1u);
    ASSERT_EQ(deployed->decisions.size(), 2u);
    EXPECT_EQ(deployed->decisions[0].version, 1);
    ASSERT_EQ(deployed->forms.size(), 1u);
    EXPECT_EQ(deployed->forms[0].form_id, "address");
    const auto known = bench.run(service->get_decision(context, {deployed->decisions[0].key}));
    EXPECT_EQ(known.has_value(), !dry_run);
  }
}

TEST_F(ProcessServiceTest, WhatIsNotFoundIsNamed) {
  deploy();
  const auto detail = [](const auto& found) { return found ? std::string("found") : found.error().code + ": " + found.error().detail; };
  v1::StartInstanceRequest request;
  request.process_id = "nope";
  EXPECT_EQ(detail(bench.run(service->start_instance(context, request))),
            "processes.not-found: Expected to start the process 'nope', but no such process is deployed");
  request.process_id = "p";
  request.version = 9;
  EXPECT_EQ(detail(bench.run(service->start_instance(context, request))),
            "processes.not-found: Expected version 9 of the process 'p' to start, but it is not deployed");
  EXPECT_EQ(detail(bench.run(service->get_instance(context, {1}))),
            "processes.not-found: Expected a process instance with the key 1, but there is none");
  EXPECT_EQ(detail(bench.run(service->get_model(context, {2}))), "processes.not-found: Expected a model with the key 2, but there is none");
}

TEST_F(ProcessServiceTest, AShippedModelDoesNotComeBackOverWhatPeopleDeployed) {
  const std::vector<process::Resource> shipped{{"p.bpmn", model()}};
  EXPECT_EQ(bench.run(engine->deploy_once(context, shipped))->processes.at(0).version, 1);
  deploy("p", "ours");
  EXPECT_EQ(bench.run(engine->deploy_once(context, shipped))->processes.at(0).version, 2) << "at the next start";
  const std::vector<process::Resource> updated{{"p.bpmn", model("p", "better")}};
  EXPECT_EQ(bench.run(engine->deploy_once(context, updated))->processes.at(0).version, 3) << "with an update that changes it";
}

// ---- instances

TEST_F(ProcessServiceTest, StartsTheVersionThatIsAskedForAndShowsItAtOnce) {
  deploy("p");
  deploy("p", "u");
  answer.kind = process::JobOutcome::Kind::kNotReady;
  answer.retry_in = hours(1);
  v1::StartInstanceRequest request;
  request.process_id = "p";
  request.variables = JsonText{R"({"n":7})"};
  const auto newest = bench.run(service->start_instance(context, request));
  ASSERT_TRUE(newest) << newest.error().describe();
  EXPECT_EQ(newest->version, 2);
  EXPECT_EQ(newest->active.at(0).element_id, "u");
  EXPECT_EQ(newest->variables.text, R"({"n":7})");
  request.version = 1;
  const auto older = bench.run(service->start_instance(context, request));
  EXPECT_EQ(older->version, 1);
  EXPECT_THAT(keys(list({})), ElementsAre(older->key, newest->key));
  EXPECT_THAT(audited("p"), ElementsAre("StartInstance done", "StartInstance done"));

  request.version = 3;
  EXPECT_EQ(bench.run(service->start_instance(context, request)).error().code, "processes.not-found");
  request.version = 1;
  request.variables = JsonText{"[1]"};
  EXPECT_EQ(bench.run(service->start_instance(context, request)).error().code, "processes.invalid-variables");
}

TEST_F(ProcessServiceTest, TheSameStartTwiceIsOneInstance) {
  deploy("p");
  runtime::Context administrator = bench.user(context.new_id());
  administrator.idempotency_key = "start-1";
  v1::StartInstanceRequest request;
  request.process_id = "p";
  const auto first = bench.run(service->start_instance(administrator, request));
  bench.pass(minutes(1));
  const auto again = bench.run(service->start_instance(administrator, request));
  ASSERT_TRUE(first && again);
  EXPECT_EQ(*first, *again);
  EXPECT_EQ(list({})->items.size(), 1u);
  request.variables = JsonText{R"({"other":true})"};
  EXPECT_EQ(bench.run(service->start_instance(administrator, request)).error().code, "request.idempotency-key-reused");
}

TEST_F(ProcessServiceTest, TellsWhereAnInstanceIsAndWhatItWaitsFor) {
  const std::string xml = bpmn::engine::TestModel("p")
                              .start()
                              .open_sub("s", bpmn::engine::input("=n + 1", "m"))
                              .start("inner")
                              .task("t", "work", bpmn::engine::input("=m + 1", "own"))
                              .end("innerend")
                              .flow("inner", "t")
                              .flow("t", "innerend")
                              .close_sub()
                              .boundary_timer("late", "s", "PT1H")
                              .end()
                              .flow("start", "s")
                              .flow("s", "end")
                              .flow("late", "end")
                              .xml();
  EXPECT_TRUE(deploy_files({{"p.bpmn", xml}}));
  break_worker();
  const process::Key key = start();
  const v1::Instance seen = instance(key);
  EXPECT_EQ(seen.model_key, models().at(0).key);
  ASSERT_EQ(seen.active.size(), 2u);
  const v1::ActiveElement& sub = seen.active[0];
  const v1::ActiveElement& task = seen.active[1];
  EXPECT_EQ(sub.element_id, "s");
  EXPECT_EQ(sub.scope_key, key);
  EXPECT_EQ(sub.variables->text, R"({"m":2})");
  ASSERT_EQ(sub.waits.size(), 1u);
  EXPECT_EQ(sub.waits[0].kind, v1::WaitKind::kTimer);
  EXPECT_EQ(sub.waits[0].element_id, "late");
  EXPECT_EQ(task.scope_key, sub.element_instance_key);
  EXPECT_EQ(task.variables->text, R"({"own":3})");
  ASSERT_TRUE(task.job);
  EXPECT_EQ(task.job->type, "work");
  EXPECT_EQ(task.job->state, v1::JobState::kFailed);
  EXPECT_EQ(task.job->retries, 0);
  ASSERT_EQ(seen.incidents.size(), 1u);
  EXPECT_EQ(seen.incidents[0].job_key, task.job->key);
  EXPECT_EQ(seen.incidents[0].element_instance_key, task.element_instance_key);
  EXPECT_THAT(list({})->items.at(0).incidents, IsEmpty()) << "a list tells less";
}

TEST_F(ProcessServiceTest, BP_1_AUserTaskTellsWhoIsToDoItAndByWhen) {
  const char* const extension =
      "<z:formDefinition formKey='form-1'/>"
      "<z:assignmentDefinition assignee='=who' candidateGroups='nurses, doctors' candidateUsers='=users'/>"
      "<z:taskSchedule dueDate='2030-01-01T10:00:00+02:00' followUpDate='=later'/>";
  const std::string xml = bpmn::engine::TestModel("p")
                              .raw("<extensionElements><z:jobPriorityDefinition priority='7'/></extensionElements>")
                              .start()
                              .activity("userTask", "u", extension)
                              .end()
                              .flow("start", "u")
                              .flow("u", "end")
                              .xml();
  EXPECT_TRUE(deploy_files({{"p.bpmn", xml}}));
  v1::StartInstanceRequest request;
  request.process_id = "p";
  request.variables = JsonText{R"({"who":"anna","users":["boris","clara"],"later":"2029-12-24T10:00:00Z"})"};
  const auto started = bench.run(service->start_instance(context, request));
  ASSERT_TRUE(started) << started.error().describe();
  const v1::ActiveElement token = instance(started->key).active.at(0);
  ASSERT_TRUE(token.job && token.job->user_task);
  const v1::UserTask& task = *token.job->user_task;
  EXPECT_EQ(task.assignee, "anna");
  EXPECT_THAT(task.candidate_users, ElementsAre("boris", "clara"));
  EXPECT_THAT(task.candidate_groups, ElementsAre("nurses", "doctors"));
  EXPECT_EQ(task.due_at, parse_rfc3339("2030-01-01T08:00:00Z"));
  EXPECT_EQ(task.follow_up_at, parse_rfc3339("2029-12-24T10:00:00Z"));
  EXPECT_EQ(task.form_key, "form-1");
  EXPECT_EQ(token.job->priority, 7);
  EXPECT_FALSE(task.priority) << "of people";
}

TEST_F(ProcessServiceTest, BP_1_ANativeUserTaskTellsItsPriorityAndItsForm) {
  const char* const extension =
      "<z:userTask/><z:formDefinition externalReference='form-1'/><z:priorityDefinition priority='=urgent'/>";
  const std::string xml =
      bpmn::engine::TestModel("p").start().activity("userTask", "u", extension).end().flow("start", "u").flow("u", "end").xml();
  EXPECT_TRUE(deploy_files({{"p.bpmn", xml}}));
  v1::StartInstanceRequest request;
  request.process_id = "p";
  request.variables = JsonText{R"({"urgent":80})"};
  const auto started = bench.run(service->start_instance(context, request));
  ASSERT_TRUE(started) << started.error().describe();
  const v1::UserTask task = instance(started->key).active.at(0).job.value().user_task.value();
  EXPECT_EQ(task.priority, 80);
  EXPECT_EQ(task.form_key, "form-1");
}

TEST_F(ProcessServiceTest, AUserTaskThatSaysNothingIsToldAsSuch) {
  const std::string xml = bpmn::engine::TestModel("p").start().activity("userTask", "u").end().flow("start", "u").flow("u", "end").xml();
  EXPECT_TRUE(deploy_files({{"p.bpmn", xml}}));
  const v1::ActiveElement token = instance(start()).active.at(0);
  ASSERT_TRUE(token.job && token.job->user_task);
  const v1::UserTask& task = *token.job->user_task;
  EXPECT_FALSE(task.assignee || task.due_at || task.follow_up_at || task.form_key);
  EXPECT_THAT(task.candidate_users, IsEmpty());
  EXPECT_THAT(task.candidate_groups, IsEmpty());
  deploy("other");
  break_worker();
  EXPECT_FALSE(instance(start("other")).active.at(0).job->user_task) << "no job of a user task";
}

TEST_F(ProcessServiceTest, TokensAreWhatTheHistoryCallsActive) {
  deploy();
  break_worker();
  const process::Key key = start();
  v1::ListElementsRequest request;
  request.key = key;
  request.limit = 2;
  const auto page = bench.run(service->list_elements(context, request));
  ASSERT_TRUE(page) << page.error().describe();
  ASSERT_EQ(page->items.size(), 2u);
  EXPECT_EQ(page->items[0].element_id, "t");
  EXPECT_EQ(page->items[0].state, v1::InstanceState::kActive);
  EXPECT_EQ(page->items[0].element_instance_key, instance(key).active.at(0).element_instance_key);
  EXPECT_EQ(page->items[1].element_id, "start");
  EXPECT_EQ(page->items[1].state, v1::InstanceState::kCompleted);
  request.cursor = page->next_cursor;
  const auto rest = bench.run(service->list_elements(context, request));
  ASSERT_EQ(rest->items.size(), 1u);
  EXPECT_EQ(rest->items[0].element_type, "process");
  EXPECT_FALSE(rest->next_cursor);
  answer = {};
  EXPECT_TRUE(bench.run(service->retry_job(context, {*instance(key).incidents.at(0).job_key, 1})));
  bench.pass(minutes(1));
  request.limit = 50;
  request.cursor.reset();
  const auto over = bench.run(service->list_elements(context, request));
  for (const v1::ElementRecord& record : over->items) EXPECT_EQ(record.state, v1::InstanceState::kCompleted) << record.element_id;
  EXPECT_EQ(bench.run(service->list_elements(context, {12345, {}, {}})).error().code, "processes.not-found");
}

TEST_F(ProcessServiceTest, CountsHowOftenEachElementWasPassed) {
  deploy();
  break_worker();
  const process::Key key = start();
  EXPECT_EQ(counted(key), "end 0/0/0 p 0/0/1 start 1/0/0 t 0/0/1");
  const process::Key token = instance(key).active.at(0).element_instance_key;
  EXPECT_TRUE(bench.run(service->modify_instance(context, {key, {{"t", {}, {}}, {"t", {}, {}}}, {token}, false})));
  EXPECT_EQ(counted(key), "end 0/0/0 p 0/0/1 start 1/0/0 t 0/1/2");
  bench.pass(minutes(1));
  answer = {};
  for (const v1::Incident& incident : instance(key).incidents) EXPECT_TRUE(bench.run(service->retry_job(context, {*incident.job_key, 1})));
  bench.pass(minutes(1));
  EXPECT_EQ(counted(key), "end 2/0/0 p 1/0/0 start 1/0/0 t 2/1/0") << "when all is over, too";
  EXPECT_EQ(bench.run(service->count_elements(context, {12345})).error().code, "processes.not-found");
}

TEST_F(ProcessServiceTest, OfALongWayTheNewestStepsAreCounted) {
  deploy();
  break_worker();
  const process::Key key = start();
  const auto fill = [&](int from, int to) {
    const auto write = [&](database::Transaction& transaction) {
      return transaction.execute(
          "WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO processes_element (key, instance, "
          "element_id, element_type, completed, started_at, ended_at) SELECT ? + i, ?, 'end', 'endEvent', i % 2, 0, 0 FROM n",
          from, to, key + 1'000, key);
    };
    EXPECT_TRUE(bench.run(bench.store().service("processes").write(context, write)));
  };
  fill(1, bpmn::journal::kEndedPerLook - 1);
  auto counts = bench.run(service->count_elements(context, {key}));
  EXPECT_FALSE(counts->only_newest) << "that and the start are just as many as are counted";
  EXPECT_EQ(counted(key), "end 5000/4999/0 p 0/0/1 start 1/0/0 t 0/0/1");
  fill(bpmn::journal::kEndedPerLook, 2 * bpmn::journal::kEndedPerLook);
  counts = bench.run(service->count_elements(context, {key}));
  EXPECT_TRUE(counts->only_newest);
  EXPECT_EQ(counted(key), "end 5000/5000/0 p 0/0/1 start 0/0/0 t 0/0/1");
}

TEST_F(ProcessServiceTest, ListsEachVersionOfDecisionsAndShowsOne) {
  using bpmn::engine::test_decisions;
  const auto list_decisions = [&](v1::ListDecisionsRequest request) {
    return bench.run(service->list_decisions(context, std::move(request))).value();
  };
  EXPECT_THAT(list_decisions({}).items, IsEmpty());
  ASSERT_TRUE(deploy_files({{"dinner.dmn", test_decisions()}}));
  ASSERT_TRUE(deploy_files({{"dinner.dmn", test_decisions("Soup")}}));
  const auto told = [](const std::vector<v1::Decision>& decisions) {
    std::vector<std::string> lines;
    for (const v1::Decision& each : decisions)
      lines.push_back(each.decision_id + " " + std::to_string(each.version) + (each.newest ? " newest" : "") + " '" + each.name + "' in " +
                      each.resource_name + " " + each.requirements_id + " " + std::to_string(each.requirements_version));
    return lines;
  };
  const std::vector<v1::Decision> all = list_decisions({}).items;
  EXPECT_THAT(told(all), ElementsAre("dish 2 newest 'Dish' in dinner.dmn dinner 2", "guests 2 newest 'Guests' in dinner.dmn dinner 2",
                                     "dish 1 'Dish' in dinner.dmn dinner 1", "guests 1 'Guests' in dinner.dmn dinner 1"));
  EXPECT_FALSE(all[0].xml) << "not in lists";

  v1::ListDecisionsRequest request;
  request.limit = 3;
  auto page = list_decisions(request);
  ASSERT_EQ(page.items.size(), 3u);
  request.cursor = page.next_cursor;
  page = list_decisions(request);
  ASSERT_EQ(page.items.size(), 1u);
  EXPECT_EQ(page.items[0].key, all[3].key);
  EXPECT_FALSE(page.next_cursor);
  request = {};
  request.decision_id = "guests";
  EXPECT_THAT(told(list_decisions(request).items),
              ElementsAre("guests 2 newest 'Guests' in dinner.dmn dinner 2", "guests 1 'Guests' in dinner.dmn dinner 1"));
  request.limit = 1;
  request.cursor = std::to_string(all[1].key);
  EXPECT_EQ(list_decisions(request).items.at(0).key, all[3].key);

  const auto one = bench.run(service->get_decision(context, {all[2].key}));
  ASSERT_TRUE(one) << one.error().describe();
  EXPECT_EQ(*one->xml, test_decisions());
  ASSERT_EQ(one->file.size(), 2u);
  EXPECT_EQ(one->file[0].decision_id, "guests");
  EXPECT_EQ(one->file[0].key, all[3].key);
  EXPECT_EQ(one->file[1].name, "Dish");
  EXPECT_EQ(bench.run(service->get_decision(context, {12345})).error().code, "processes.not-found");
}

TEST_F(ProcessServiceTest, FiltersInstancesByVersionIncidentAndElement) {
  deploy("p");
  const process::Key ended = start();
  break_worker();
  const process::Key stuck = start();
  answer.kind = process::JobOutcome::Kind::kNotReady;
  answer.retry_in = hours(1);
  const process::Key waiting = start();
  deploy("p", "u");
  const process::Key newer = start();
  v1::ListInstancesRequest request;
  request.version = 1;
  EXPECT_THAT(keys(list(request)), ElementsAre(waiting, stuck, ended));
  request.has_incident = true;
  EXPECT_THAT(keys(list(request)), ElementsAre(stuck));
  request.has_incident = false;
  EXPECT_THAT(keys(list(request)), ElementsAre(waiting, ended));
  request.has_incident.reset();
  request.version.reset();
  request.element_id = "t";
  EXPECT_THAT(keys(list(request)), ElementsAre(waiting, stuck));
  request.element_id = "u";
  EXPECT_THAT(keys(list(request)), ElementsAre(newer));
  request.element_id = "end";
  EXPECT_THAT(keys(list(request)), IsEmpty());
}

TEST_F(ProcessServiceTest, ALookThroughALongHistoryGoesOnFromPageToPage) {
  deploy();
  const auto fill = [](database::Transaction& transaction) {
    return transaction.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25000) INSERT INTO processes_instance (key, process_id, "
        "version, completed, started_at, ended_at, idempotency_key, variables) SELECT i, 'p', CASE i WHEN 3 THEN 7 ELSE 1 END, 1, 0, 0, "
        "'', "
        "x'7b7d' FROM n");
  };
  EXPECT_TRUE(bench.run(bench.store().service("processes").write(context, fill)));
  v1::ListInstancesRequest request;
  request.version = 7;
  int pages = 0;
  std::vector<process::Key> found;
  do {
    const auto page = list(request);
    ASSERT_TRUE(page) << page.error().describe();
    for (const process::Key key : keys(page)) found.push_back(key);
    request.cursor = page->next_cursor;
    ++pages;
  } while (request.cursor && pages < 10);
  EXPECT_THAT(found, ElementsAre(3));
  EXPECT_EQ(pages, 3) << "10,000 a look";
}

TEST_F(ProcessServiceTest, CancelsAnInstanceThatRuns) {
  deploy();
  break_worker();
  const process::Key key = start();
  EXPECT_TRUE(bench.run(service->cancel_instance(context, {key})));
  EXPECT_EQ(instance(key).state, v1::InstanceState::kTerminated);
  EXPECT_EQ(bench.run(service->cancel_instance(context, {key})).error().code, "processes.not-found");
  EXPECT_THAT(audited(key), ElementsAre("CancelInstance done", "CancelInstance processes.not-found"));
}

TEST_F(ProcessServiceTest, ARetryEndsTheBackOffAndResolvesTheIncident) {
  deploy();
  break_worker();
  answer.retry_in = hours(1);
  const process::Key waiting = start();
  const v1::Job backing_off = *instance(waiting).active.at(0).job;
  EXPECT_EQ(backing_off.state, v1::JobState::kBackingOff);
  EXPECT_TRUE(backing_off.due_at);
  answer = {};
  EXPECT_TRUE(bench.run(service->retry_job(context, {backing_off.key, {}})));
  bench.pass(seconds(1));
  EXPECT_EQ(instance(waiting).state, v1::InstanceState::kCompleted);
  EXPECT_EQ(bench.run(service->retry_job(context, {backing_off.key, {}})).error().code, "processes.not-found");
  EXPECT_THAT(audited(backing_off.key), ElementsAre("RetryJob done", "RetryJob processes.not-found"));

  break_worker();
  const process::Key stuck = start();
  const process::Key job = instance(stuck).active.at(0).job->key;
  EXPECT_TRUE(bench.run(service->retry_job(context, {job, 2})));
  bench.pass(milliseconds(100));
  EXPECT_EQ(instance(stuck).active.at(0).job->retries, 1) << "one of two attempts is used";
  EXPECT_THAT(instance(stuck).incidents, IsEmpty());
}

TEST_F(ProcessServiceTest, SetsVariablesWhereTheyAreDefinedOrInAScope) {
  deploy();
  break_worker();
  const process::Key key = start();
  const process::Key task = instance(key).active.at(0).element_instance_key;
  v1::SetVariablesRequest request;
  request.key = key;
  request.variables = JsonText{R"({"n":2,"new":"x"})"};
  EXPECT_TRUE(bench.run(service->set_variables(context, request)));
  EXPECT_EQ(instance(key).variables.text, R"({"n":2,"new":"x"})");
  request.scope_key = task;
  request.variables = JsonText{R"({"n":3})"};
  EXPECT_TRUE(bench.run(service->set_variables(context, request)));
  EXPECT_EQ(instance(key).variables.text, R"({"n":3,"new":"x"})") << "where it is defined";
  request.local = true;
  request.variables = JsonText{R"({"n":4})"};
  EXPECT_TRUE(bench.run(service->set_variables(context, request)));
  EXPECT_EQ(instance(key).active.at(0).variables->text, R"({"n":4})");
  EXPECT_EQ(instance(key).variables.text, R"({"n":3,"new":"x"})");

  const process::Key other = start();
  request.key = other;
  EXPECT_EQ(bench.run(service->set_variables(context, request)).error().code, "processes.not-found") << "a scope of another instance";
  request.scope_key.reset();
  request.variables = JsonText{"7"};
  EXPECT_EQ(bench.run(service->set_variables(context, request)).error().code, "processes.invalid-variables");
}

TEST_F(ProcessServiceTest, ModifiesAnInstanceOrSaysWhyItCannot) {
  const std::string xml = bpmn::engine::TestModel("p")
                              .start()
                              .task("t", "work")
                              .task("u", "work")
                              .end()
                              .flow("start", "t")
                              .flow("t", "u")
                              .flow("u", "end")
                              .xml();
  EXPECT_TRUE(deploy_files({{"p.bpmn", xml}}));
  break_worker();
  const process::Key key = start();
  v1::ModifyInstanceRequest request;
  request.key = key;
  request.begin.push_back({"nowhere", {}, {}});
  request.dry_run = true;
  const auto refused = bench.run(service->modify_instance(context, request));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "processes.impossible");
  EXPECT_NE(refused.error().detail.find("'nowhere'"), std::string::npos) << refused.error().detail;
  request.begin = {{"u", {}, JsonText{R"({"skipped":true})"}}};
  request.end = {instance(key).active.at(0).element_instance_key};
  EXPECT_TRUE(bench.run(service->modify_instance(context, request)));
  EXPECT_EQ(instance(key).active.at(0).element_id, "t") << "a dry run changes nothing";
  EXPECT_THAT(audited(key), IsEmpty());
  request.dry_run = false;
  EXPECT_TRUE(bench.run(service->modify_instance(context, request)));
  const v1::Instance moved = instance(key);
  ASSERT_EQ(moved.active.size(), 1u);
  EXPECT_EQ(moved.active[0].element_id, "u");
  EXPECT_EQ(moved.active[0].variables->text, R"({"skipped":true})");
  EXPECT_THAT(audited(key), ElementsAre("ModifyInstance done"));
}

TEST_F(ProcessServiceTest, ADryRunOfAMigrationTellsOfEachInstanceWhyNot) {
  deploy("p");
  break_worker();
  const process::Key one = start();
  const process::Key two = start();
  EXPECT_TRUE(bench.run(service->cancel_instance(context, {two})));
  deploy("p", "u");
  v1::MigrateInstancesRequest request;
  request.target_key = models().at(0).key;
  request.instance_keys = {one, two};
  request.dry_run = true;
  auto told = bench.run(service->migrate_instances(context, request));
  ASSERT_TRUE(told) << told.error().describe();
  ASSERT_EQ(told->items.size(), 2u);
  EXPECT_NE(told->items[0].reason->find("'t'"), std::string::npos) << *told->items[0].reason;
  EXPECT_NE(told->items[1].reason->find("no process instance"), std::string::npos) << *told->items[1].reason;
  request.mapping = {{"t", "u"}};
  told = bench.run(service->migrate_instances(context, request));
  EXPECT_FALSE(told->items[0].reason);
  EXPECT_FALSE(told->items[0].migrated);
  EXPECT_EQ(instance(one).version, 1) << "a dry run changes nothing";
  request.dry_run = false;
  told = bench.run(service->migrate_instances(context, request));
  EXPECT_TRUE(told->items[0].migrated);
  EXPECT_FALSE(told->items[1].migrated) << "one that cannot keeps no other from it";
  EXPECT_EQ(instance(one).version, 2);
  EXPECT_EQ(instance(one).active.at(0).element_id, "u");
  EXPECT_THAT(audited(request.target_key), ElementsAre("MigrateInstances done"));
  request.target_key = 12345;
  EXPECT_EQ(bench.run(service->migrate_instances(context, request)).error().code, "processes.not-found");
}

}  // namespace
}  // namespace consilium::processes
