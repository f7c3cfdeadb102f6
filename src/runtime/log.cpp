#include "runtime/log.h"

#include <ctime>

#include <array>
#include <chrono>
#include <condition_variable>
#include <utility>

#include "runtime/context.h"
#include "runtime/log_format.h"
#include "runtime/log_sink.h"
#include "runtime/named_thread.h"

namespace consilium::runtime {
namespace {

constexpr std::array<std::string_view, 7> kLevelNames{"trace", "debug", "info", "warn", "error", "fatal", "off"};
constexpr auto kFlushLimit = std::chrono::seconds(2);

Timestamp machine_time() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return {static_cast<std::int64_t>(time.tv_sec) * 1'000'000 + time.tv_nsec / 1000};
}

}  // namespace

std::string_view name_of(LogLevel level) { return kLevelNames.at(static_cast<std::size_t>(level)); }

std::optional<LogLevel> parse_log_level(std::string_view name) {
  for (std::size_t i = 0; i < kLevelNames.size(); ++i) {
    if (kLevelNames[i] == name) return static_cast<LogLevel>(i);
  }
  return std::nullopt;
}

struct Log::State {
  LogOptions options;
  std::vector<std::shared_ptr<LogSink>> sinks;
  bool wants_json = false;
  bool wants_human = false;

  mutable std::mutex channels_mutex;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<Channel>> channels;

  std::mutex queue_mutex;
  std::condition_variable filled;
  std::condition_variable drained;
  std::vector<LogLine> queue;
  std::size_t queue_bytes = 0;
  std::uint64_t accepted = 0;
  std::uint64_t finished = 0;
  std::uint64_t dropped = 0;
  std::uint64_t dropped_told = 0;
  bool stopping = false;

  std::mutex sinks_mutex;
  std::optional<NamedThread> writer;

  Timestamp now() const { return options.clock ? options.clock() : machine_time(); }

  LogLine format(const LogRecord& record) const {
    LogLine line{.time = record.time, .level = record.level, .service = std::string(record.service), .json = {}, .human = {}};
    if (wants_json) line.json = format_json_line(record);
    if (wants_human) line.human = format_human_line(record);
    return line;
  }

  void hand_to_sinks(std::span<const LogLine> lines) {
    const std::lock_guard lock(sinks_mutex);
    for (const auto& sink : sinks) sink->write(lines);
  }

  void enqueue(LogLine line) {
    bool wake = false;
    {
      const std::lock_guard lock(queue_mutex);
      const std::size_t bytes = line.json.size() + line.human.size();
      if (queue.size() >= kQueueLines || queue_bytes + bytes > kQueueBytes) {
        ++dropped;
        return;
      }
      wake = queue.empty();
      queue_bytes += bytes;
      ++accepted;
      queue.push_back(std::move(line));
    }
    if (wake) filled.notify_one();
  }

  void run_writer() {
    std::vector<LogLine> batch;
    std::unique_lock lock(queue_mutex);
    for (;;) {
      filled.wait(lock, [this] { return stopping || !queue.empty(); });
      if (queue.empty()) return;
      batch.clear();
      batch.swap(queue);
      queue_bytes = 0;
      const std::uint64_t lines = batch.size();
      const std::uint64_t lost = dropped - std::exchange(dropped_told, dropped);
      lock.unlock();
      if (lost > 0) batch.push_back(format(loss_record({{"lines", lost}})));
      hand_to_sinks(batch);
      lock.lock();
      finished += lines;
      drained.notify_all();
    }
  }

  LogRecord loss_record(Fields fields) const {
    return {now(), LogLevel::kWarn, "runtime", "log", options.instance, nullptr, "Log lines were dropped because the queue was full",
            fields};
  }

  LogLevel wanted_level(const std::string& service, const std::string& component) const {
    if (const auto found = options.levels.find(service + "." + component); found != options.levels.end()) return found->second;
    if (const auto found = options.levels.find(service); found != options.levels.end()) return found->second;
    return options.level;
  }

  void apply_levels() {
    for (auto& [key, channel] : channels) channel->level = wanted_level(channel->service, channel->component);
  }
};

Log::Log(LogOptions options, std::vector<std::shared_ptr<LogSink>> sinks) : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
  state_->sinks = std::move(sinks);
  for (const auto& sink : state_->sinks) (sink->format() == LogFormat::kJson ? state_->wants_json : state_->wants_human) = true;
  if (!state_->options.synchronous) state_->writer.emplace("log", [state = state_.get()] { state->run_writer(); });
}

Log::~Log() {
  if (!state_->writer) return;
  {
    const std::lock_guard lock(state_->queue_mutex);
    state_->stopping = true;
  }
  state_->filled.notify_one();
  state_->writer->join();
}

void Log::set_level(std::string_view name, LogLevel level) {
  const std::lock_guard lock(state_->channels_mutex);
  if (name.empty()) {
    state_->options.level = level;
  } else {
    state_->options.levels.insert_or_assign(std::string(name), level);
  }
  state_->apply_levels();
}

void Log::reset_level(std::string_view name) {
  const std::lock_guard lock(state_->channels_mutex);
  if (const auto found = state_->options.levels.find(name); found != state_->options.levels.end()) state_->options.levels.erase(found);
  state_->apply_levels();
}

LogLevel Log::level_of(std::string_view service, std::string_view component) const {
  const std::lock_guard lock(state_->channels_mutex);
  return state_->wanted_level(std::string(service), std::string(component));
}

bool Log::flush() {
  if (!state_->writer) return true;
  std::unique_lock lock(state_->queue_mutex);
  const std::uint64_t target = state_->accepted;
  return state_->drained.wait_for(lock, kFlushLimit, [&] { return state_->finished >= target; });
}

std::uint64_t Log::dropped() const {
  const std::lock_guard lock(state_->queue_mutex);
  return state_->dropped;
}

std::uint64_t Log::written() const {
  const std::lock_guard lock(state_->queue_mutex);
  return state_->finished;
}

Log::Channel& Log::channel(std::string_view service, std::string_view component) {
  const std::lock_guard lock(state_->channels_mutex);
  auto& slot = state_->channels[std::pair(std::string(service), std::string(component))];
  if (!slot) {
    slot = std::make_unique<Channel>();
    slot->service = service;
    slot->component = component;
    slot->level = state_->wanted_level(slot->service, slot->component);
  }
  return *slot;
}

void Log::write(const Channel& channel, LogLevel level, const Context* context, std::string_view message, Fields fields) {
  const Timestamp time = context != nullptr ? context->now() : state_->now();
  LogLine line = state_->format({time, level, channel.service, channel.component, state_->options.instance, context, message, fields});
  if (!state_->writer) {
    state_->hand_to_sinks(std::span(&line, 1));
    const std::lock_guard lock(state_->queue_mutex);
    ++state_->finished;
    return;
  }
  state_->enqueue(std::move(line));
  if (level == LogLevel::kFatal) flush();
}

}  // namespace consilium::runtime
