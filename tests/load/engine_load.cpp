// Loads a process engine that speaks Zeebe's gateway protocol, ours or the real one, and prints one JSON object: how many
// instances a second, how long one took, what was refused, what both sides used. Each instance counts only when its end was seen
// with the variables that it must have.
//
// engine_load --gateway HOST:PORT --row ROW [--clients 64] [--seconds 10] [--warm 1] [--server PID]
//   ROW  start-end  create, wait for the result
//        task       the same with one service task; --worker poll or stream
//        message    create and publish; the message is correlated, the result waited for
//   --rate N   open loop: N instances begin in each second whatever the engine does; times count from when each was to begin
//   --count N  ends after so many instances instead of a time
// engine_load --gateway HOST:PORT --row fill --count N    leaves N instances that wait for a message, of three variables of 100 bytes each
// engine_load --gateway HOST:PORT --row wake --number N   from when it listens: wakes that one, and takes its job
// engine_load --gateway HOST:PORT --row ready             from when it listens: asks for the topology
// `answeredAt` of these two is the time of day, in seconds, of the answer.
#include <sys/resource.h>

#include <boost/json.hpp>
#include <cmath>
#include <cstdio>
#include <future>
#include <iostream>
#include <map>
#include <optional>

#include "engine_client.h"
#include "load_client.h"
#include "runtime/asio_scheduler.h"
#include "zeebe/gateway.h"
#include "zeebe/gateway_codec.h"

namespace consilium {
namespace {

namespace json = boost::json;
namespace protocol = gateway_protocol;

constexpr std::int64_t kPatienceMs = 60'000;  // of the server, for one call
constexpr std::int64_t kLockMs = 10'000;      // of a job: one that went to a poll of an earlier run comes back soon
constexpr Duration kAfterRefusal = milliseconds(5);
constexpr Duration kTick = milliseconds(1);
constexpr std::int32_t kMostJobs = 64;
constexpr std::size_t kTextBytes = 100;
constexpr char kHead[] =
    R"(<?xml version="1.0" encoding="UTF-8"?><definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" )"
    R"(xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="load" id="load">)";

struct Model {
  std::string name;
  std::string xml;
};

std::string flow(std::string_view id, std::string_view from, std::string_view to) {
  return "<sequenceFlow id=\"" + std::string(id) + "\" sourceRef=\"" + std::string(from) + "\" targetRef=\"" + std::string(to) + "\"/>";
}
std::string process(std::string_view id, std::string_view before, std::string_view content) {
  return kHead + std::string(before) + "<process id=\"" + std::string(id) + "\" isExecutable=\"true\"><startEvent id=\"start\"/>" +
         std::string(content) + "<endEvent id=\"end\"/></process></definitions>";
}
std::string message(std::string_view key) {
  return "<message id=\"message\" name=\"load-message\"><extensionElements><zeebe:subscription correlationKey=\"" + std::string(key) +
         "\"/></extensionElements></message>";
}
constexpr char kCatch[] =
    R"(<intermediateCatchEvent id="wait"><messageEventDefinition id="definition" messageRef="message"/></intermediateCatchEvent>)";
std::string task(std::string_view type) {
  return "<serviceTask id=\"task\"><extensionElements><zeebe:taskDefinition type=\"" + std::string(type) +
         "\"/></extensionElements></serviceTask>";
}

std::vector<Model> models() {
  return {{"load-start-end.bpmn", process("load-start-end", "", flow("f1", "start", "end"))},
          {"load-task.bpmn", process("load-task", "", flow("f1", "start", "task") + task("load-task") + flow("f2", "task", "end"))},
          {"load-message.bpmn",
           process("load-message", message("= id"), flow("f1", "start", "wait") + kCatch + flow("f2", "wait", "end"))},
          {"load-wait.bpmn", process("load-wait", message("= first"),
                                     flow("f1", "start", "wait") + kCatch + flow("f2", "wait", "task") + task("load-after") +
                                         flow("f3", "task", "end"))}};
}

// Of 100 bytes that say little about each other; the first one is the key of the instance.
std::string text_of(std::string_view what, std::int64_t number) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text = std::string(what) + "-" + std::to_string(number) + "-";
  std::uint64_t mixed = static_cast<std::uint64_t>(number) * 31 + what.size();
  while (text.size() < kTextBytes) {
    mixed = mixed * 6364136223846793005U + 1442695040888963407U;
    text.push_back(kLetters[mixed >> 58]);
  }
  return text;
}

struct Settings {
  std::string host;
  std::string port;
  std::string row;
  std::string worker;
  std::int64_t clients = 64;
  std::int64_t count = 0;  // 0: by time
  std::int64_t rate = 0;   // 0: closed loop
  std::int64_t number = 0;
  std::int64_t server = 0;
  Duration length;
  Duration warm;
};

struct Figures {
  std::vector<double> took_ms;
  double seconds = 0;
  std::int64_t begun = 0;
  std::int64_t verified = 0;  // with those before and after the time of measuring
  std::map<std::string, std::int64_t> refusals;
  double server_seconds = 0;
  double client_seconds = 0;
  double answered_at = 0;
  std::string failure;
};

double own_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds_of = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

class EngineLoad {
 public:
  EngineLoad(runtime::Scheduler& loop, Settings settings)
      : loop_(loop), settings_(std::move(settings)), callers_(loop), workers_(loop) {}

  std::string connect() {
    std::string failure = callers_.connect(settings_.host, settings_.port);
    if (failure.empty()) failure = workers_.connect(settings_.host, settings_.port);
    return failure;
  }
  Task<void> run(std::promise<Figures>& out);

 private:
  template <class Reply, class Request>
  Task<std::expected<Reply, load::CallStatus>> call(load::EngineClient& client, const char* method, Request request);

  Task<void> deploy();
  Task<void> run_closed();
  Task<void> run_open();
  Task<void> run_client();
  Task<void> run_one(Timestamp intended);
  Task<bool> play(std::int64_t number);
  Task<bool> create_and_wait(std::string process, std::string variables, std::string expected, std::int64_t value);
  Task<void> publish(std::string key, std::string variables);
  Task<bool> create(std::int64_t number);
  Task<void> poll_jobs();
  Task<void> stream_jobs();
  Task<void> complete(std::int64_t job);
  Task<void> wake();
  Task<void> be_ready();

  bool goes_on() const {
    return figures_.failure.empty() && (settings_.count > 0 ? figures_.begun < settings_.count : loop_.steady_now() < end_);
  }
  void fail_load(const std::string& why) {
    if (figures_.failure.empty()) figures_.failure = why;
  }
  Task<bool> refused(const char* method, load::CallStatus status);

  runtime::Scheduler& loop_;
  Settings settings_;
  load::EngineClient callers_;
  load::EngineClient workers_;
  Figures figures_;
  Timestamp measure_from_;
  Timestamp end_;
  std::int64_t working_ = 0;
};

template <class Reply, class Request>
Task<std::expected<Reply, load::CallStatus>> EngineLoad::call(load::EngineClient& client, const char* method, Request request) {
  std::string bytes = encode_wire(request);
  auto answer = co_await client.call(method, std::move(bytes));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  auto reply = decode_wire<Reply>(*answer);
  if (!reply) co_return std::unexpected(load::CallStatus{-1, "the answer is no message of the protocol"});
  co_return std::move(*reply);
}

// True: the same again, after a pause. Any refusal but of load is a failure.
Task<bool> EngineLoad::refused(const char* method, load::CallStatus status) {
  ++figures_.refusals[std::string(method) + " " + std::to_string(status.code)];
  if (status.code != load::kResourceExhausted) fail_load(std::string(method) + ": " + std::to_string(status.code) + " " + status.message);
  if (status.code == load::kResourceExhausted) co_await loop_.sleep_for(kAfterRefusal);
  co_return status.code == load::kResourceExhausted;
}

Task<void> EngineLoad::deploy() {
  protocol::DeployResourceRequest request;
  for (const Model& model : models()) {
    protocol::Resource resource;
    resource.name = model.name;
    resource.content = model.xml;
    request.resources.push_back(std::move(resource));
  }
  auto reply = co_await call<protocol::DeployResourceResponse>(callers_, "DeployResource", std::move(request));
  if (!reply) fail_load("DeployResource: " + reply.error().message);
}

Task<bool> EngineLoad::create_and_wait(std::string process_id, std::string variables, std::string expected, std::int64_t value) {
  for (;;) {
    protocol::CreateProcessInstanceWithResultRequest request;
    request.request.process_definition_key = 0;
    request.request.bpmn_process_id = process_id;
    request.request.version = -1;
    request.request.variables = variables;
    request.request_timeout = kPatienceMs;
    auto reply = co_await call<protocol::CreateProcessInstanceWithResultResponse>(callers_, "CreateProcessInstanceWithResult", std::move(request));
    if (!reply) {
      const bool again = co_await refused("CreateProcessInstanceWithResult", std::move(reply).error());
      if (again) continue;
      co_return false;
    }
    boost::system::error_code failure;
    const json::value given = json::parse(reply->variables, failure);
    const json::value* found = given.is_object() ? given.as_object().if_contains(expected) : nullptr;
    const bool as_expected = reply->process_instance_key > 0 && found && found->is_int64() && found->as_int64() == value;
    if (!as_expected) fail_load("an instance ended with " + reply->variables + " instead of " + expected + " " + std::to_string(value));
    co_return as_expected;
  }
}

Task<void> EngineLoad::publish(std::string key, std::string variables) {
  for (bool again = true; again;) {
    protocol::PublishMessageRequest request;
    request.name = "load-message";
    request.correlation_key = key;
    request.time_to_live = kPatienceMs;
    request.variables = variables;
    auto reply = co_await call<protocol::PublishMessageResponse>(callers_, "PublishMessage", std::move(request));
    again = false;
    if (!reply) again = co_await refused("PublishMessage", std::move(reply).error());
  }
}

Task<bool> EngineLoad::create(std::int64_t number) {
  const json::object variables{{"first", text_of("first", number)}, {"second", text_of("second", number)}, {"third", text_of("third", number)}};
  for (;;) {
    protocol::CreateProcessInstanceRequest request;
    request.bpmn_process_id = "load-wait";
    request.version = -1;
    request.variables = json::serialize(variables);
    auto reply = co_await call<protocol::CreateProcessInstanceResponse>(callers_, "CreateProcessInstance", std::move(request));
    if (reply) co_return reply->process_instance_key > 0;
    const bool again = co_await refused("CreateProcessInstance", std::move(reply).error());
    if (!again) co_return false;
  }
}

Task<bool> EngineLoad::play(std::int64_t number) {
  const std::string text = std::to_string(number);
  bool done = false;
  if (settings_.row == "start-end") {
    done = co_await create_and_wait("load-start-end", "{\"n\":" + text + "}", "n", number);
  } else if (settings_.row == "task") {
    done = co_await create_and_wait("load-task", "{\"n\":" + text + "}", "done", 1);
  } else if (settings_.row == "message") {
    const std::string key = text + "-" + std::to_string(measure_from_.microseconds);  // of this run alone
    loop_.spawn("load.publish", publish(key, "{\"told\":" + text + "}"));
    done = co_await create_and_wait("load-message", "{\"id\":\"" + key + "\"}", "told", number);
  } else {
    done = co_await create(number);
  }
  co_return done;
}

Task<void> EngineLoad::run_one(Timestamp intended) {
  const std::int64_t number = figures_.begun++;
  const bool done = co_await play(number);
  if (done) ++figures_.verified;
  const Timestamp now = loop_.steady_now();
  const bool counts = settings_.rate > 0 ? intended >= measure_from_ : now >= measure_from_ && (settings_.count > 0 || now < end_);
  if (done && counts) figures_.took_ms.push_back(static_cast<double>((now - intended).microseconds) / 1000);
  --working_;
}

Task<void> EngineLoad::run_client() {
  while (goes_on()) {
    ++working_;
    co_await run_one(loop_.steady_now());
  }
  --working_;
}

Task<void> EngineLoad::run_closed() {
  working_ = settings_.clients;
  for (std::int64_t i = 0; i < settings_.clients; ++i) loop_.spawn("load.client", run_client());
  while (working_ > 0) co_await loop_.sleep_for(kTick);
}

Task<void> EngineLoad::run_open() {
  const Timestamp begin = loop_.steady_now();
  for (std::int64_t next = 0;;) {
    const Timestamp now = loop_.steady_now();
    for (;; ++next) {
      const Timestamp intended{begin.microseconds + next * 1'000'000 / settings_.rate};
      if (intended > now || intended >= end_) break;
      ++working_;
      loop_.spawn("load.one", run_one(intended));
    }
    if (now >= end_ || !figures_.failure.empty()) break;
    co_await loop_.sleep_for(kTick);
  }
  while (working_ > 0 && figures_.failure.empty()) co_await loop_.sleep_for(kTick);
}

Task<void> EngineLoad::complete(std::int64_t job) {
  for (bool again = true; again;) {
    protocol::CompleteJobRequest request;
    request.job_key = job;
    request.variables = "{\"done\":1}";
    auto reply = co_await call<protocol::CompleteJobResponse>(workers_, "CompleteJob", std::move(request));
    again = false;
    if (!reply) again = co_await refused("CompleteJob", std::move(reply).error());
  }
}

Task<void> EngineLoad::poll_jobs() {
  while (figures_.failure.empty()) {
    protocol::ActivateJobsRequest request;
    request.type = "load-task";
    request.worker = "load";
    request.timeout = kLockMs;
    request.max_jobs_to_activate = kMostJobs;
    request.request_timeout = 10'000;
    std::function<void(std::string_view)> take = [this](std::string_view bytes) {
      const auto reply = decode_wire<protocol::ActivateJobsResponse>(bytes);
      if (!reply) return fail_load("ActivateJobs: no message of the protocol");
      for (const protocol::ActivatedJob& job : reply->jobs) loop_.spawn("load.complete", complete(job.key));
    };
    std::string bytes = encode_wire(request);
    auto status = co_await workers_.stream("ActivateJobs", std::move(bytes), std::move(take));
    if (status.code != 0) co_await refused("ActivateJobs", std::move(status));
  }
}

Task<void> EngineLoad::stream_jobs() {
  protocol::StreamActivatedJobsRequest request;
  request.type = "load-task";
  request.worker = "load";
  request.timeout = kLockMs;
  std::function<void(std::string_view)> take = [this](std::string_view bytes) {
    const auto job = decode_wire<protocol::ActivatedJob>(bytes);
    if (!job) return fail_load("StreamActivatedJobs: no message of the protocol");
    loop_.spawn("load.complete", complete(job->key));
  };
  std::string bytes = encode_wire(request);
  const auto status = co_await workers_.stream("StreamActivatedJobs", std::move(bytes), std::move(take));
  fail_load("StreamActivatedJobs ended: " + status.message);
}

Task<void> EngineLoad::wake() {
  const Timestamp begun = loop_.steady_now();
  co_await publish(text_of("first", settings_.number), "{}");
  bool is_there = false;
  while (!is_there && figures_.failure.empty() && loop_.steady_now() < begun + seconds(20)) {
    protocol::ActivateJobsRequest request;
    request.type = "load-after";
    request.worker = "load";
    request.timeout = kLockMs;
    request.max_jobs_to_activate = 1;
    request.request_timeout = 10'000;
    std::function<void(std::string_view)> take = [this, &is_there](std::string_view bytes) {
      const auto reply = decode_wire<protocol::ActivateJobsResponse>(bytes);
      const std::string wanted = text_of("third", settings_.number);
      is_there = reply && !reply->jobs.empty() && reply->jobs[0].variables.find(wanted) != std::string::npos;
    };
    std::string bytes = encode_wire(request);
    auto status = co_await workers_.stream("ActivateJobs", std::move(bytes), std::move(take));
    if (status.code != 0) co_await refused("ActivateJobs", std::move(status));
  }
  if (!is_there) fail_load("no job came");
  figures_.took_ms.push_back(static_cast<double>((loop_.steady_now() - begun).microseconds) / 1000);
  figures_.answered_at = static_cast<double>(loop_.now().microseconds) / 1e6;
}

Task<void> EngineLoad::be_ready() {
  auto reply = co_await call<protocol::TopologyResponse>(callers_, "Topology", protocol::TopologyRequest());
  if (!reply) fail_load("Topology: " + reply.error().message);
  figures_.answered_at = static_cast<double>(loop_.now().microseconds) / 1e6;
}

Task<void> EngineLoad::run(std::promise<Figures>& out) {
  const bool is_one_call = settings_.row == "wake" || settings_.row == "ready";
  if (!is_one_call) co_await deploy();
  if (settings_.row == "task" && settings_.worker == "stream") loop_.spawn("load.worker", stream_jobs());
  if (settings_.row == "task" && settings_.worker != "stream") loop_.spawn("load.worker", poll_jobs());
  const Timestamp begin = loop_.steady_now();
  measure_from_ = begin + (settings_.count > 0 ? Duration{} : settings_.warm);
  end_ = measure_from_ + settings_.length;
  double server_before = 0;
  double own_before = 0;
  loop_.call_after(measure_from_ - begin, [&] {
    server_before = load::processor_seconds_of(settings_.server);
    own_before = own_seconds();
  });
  if (!figures_.failure.empty()) {
  } else if (settings_.row == "wake") {
    co_await wake();
  } else if (settings_.row == "ready") {
    co_await be_ready();
  } else if (settings_.rate > 0) {
    co_await run_open();
  } else {
    co_await run_closed();
  }
  figures_.seconds = static_cast<double>((loop_.steady_now() - measure_from_).microseconds) / 1e6;
  if (settings_.count == 0 && settings_.rate == 0) figures_.seconds = static_cast<double>(settings_.length.microseconds) / 1e6;
  figures_.server_seconds = load::processor_seconds_of(settings_.server) - server_before;
  figures_.client_seconds = own_seconds() - own_before;
  if (!is_one_call && figures_.verified != figures_.begun) fail_load("not every instance was seen to end");
  out.set_value(std::move(figures_));
}

std::optional<Settings> settings_of(const load::Arguments& arguments) {
  Settings settings;
  const std::string gateway = arguments.text("--gateway");
  const auto colon = gateway.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  settings.host = gateway.substr(0, colon);
  settings.port = gateway.substr(colon + 1);
  settings.row = arguments.text("--row");
  settings.worker = arguments.text("--worker");
  settings.clients = arguments.number("--clients", 64);
  settings.count = arguments.number("--count", 0);
  settings.rate = arguments.number("--rate", 0);
  settings.number = arguments.number("--number", 0);
  settings.server = arguments.number("--server", 0);
  settings.length = seconds(arguments.number("--seconds", 10));
  settings.warm = seconds(arguments.number("--warm", 1));
  const bool is_known = settings.row == "start-end" || settings.row == "task" || settings.row == "message" || settings.row == "wake" ||
                        settings.row == "ready" || (settings.row == "fill" && settings.count > 0);
  if (!is_known) return std::nullopt;
  return settings;
}

// Rows that follow a kill begin while the engine starts.
std::string connect_in_time(EngineLoad& load) {
  std::string failure;
  for (int i = 0; i < 5000; ++i) {
    failure = load.connect();
    if (failure.empty()) break;
    ::usleep(2000);
  }
  return failure;
}

int run_load(int argc, char** argv) {
  const auto settings = settings_of(load::Arguments(argc, argv));
  if (!settings) {
    std::fputs("usage: engine_load --gateway HOST:PORT --row start-end|task|message|fill|wake [--clients N] [--seconds N] [--warm N] "
               "[--rate N] [--count N] [--number N] [--worker poll|stream] [--server PID]\n",
               stderr);
    return 2;
  }
  runtime::AsioScheduler loop("load");
  EngineLoad load(loop, *settings);
  if (const std::string failure = connect_in_time(load); !failure.empty()) {
    std::fprintf(stderr, "engine_load: %s\n", failure.c_str());
    return 1;
  }
  std::promise<Figures> promise;
  auto done = promise.get_future();
  loop.spawn("load", load.run(promise));
  loop.start();
  const Figures figures = done.get();
  json::object refusals;
  for (const auto& [what, count] : figures.refusals) refusals[what] = count;
  const auto ended = static_cast<double>(figures.took_ms.size());
  const json::object told{{"instances", figures.took_ms.size()},
                          {"perSecond", figures.seconds > 0 ? ended / figures.seconds : 0},
                          {"seconds", figures.seconds},
                          {"p50Ms", load::quantile(figures.took_ms, 0.5)},
                          {"p99Ms", load::quantile(figures.took_ms, 0.99)},
                          {"maxMs", load::quantile(figures.took_ms, 1)},
                          {"begun", figures.begun},
                          {"verified", figures.verified},
                          {"refusals", refusals},
                          {"answeredAt", figures.answered_at},
                          {"serverProcessorSeconds", figures.server_seconds},
                          {"clientProcessorSeconds", figures.client_seconds},
                          {"failure", figures.failure}};
  std::cout << json::serialize(told) << std::endl;
  loop.stop();
  loop.join();
  return figures.failure.empty() ? 0 : 1;
}

}  // namespace
}  // namespace consilium

int main(int argc, char** argv) { return consilium::run_load(argc, argv); }
