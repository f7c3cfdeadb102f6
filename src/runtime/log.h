// Structured logging. A line has a time, a level, the service and component, a message that is a constant, and fields;
// a Context adds request id, session, user and client type. The caller formats the line and puts it into a bounded
// queue; a thread of its own writes. Nobody ever waits for a disk: what does not fit is counted and dropped.
//
//   log_.info(context, "Task assigned", {{"task", task.id}, {"attempt", attempt}});
//   log_.warn("Retrying", {{"error", error}, {"in", delay}});
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "base/secret.h"
#include "base/time.h"

namespace consilium::runtime {

class Context;
class LogSink;

enum class LogLevel : std::uint8_t { kTrace, kDebug, kInfo, kWarn, kError, kFatal, kOff };

std::string_view name_of(LogLevel level);  // `trace` … `fatal`, `off`
std::optional<LogLevel> parse_log_level(std::string_view name);

enum class LogFormat : std::uint8_t { kJson, kHuman };

// A name and a view of a value: making one formats and copies nothing. Lives until the end of the logging statement.
class Field {
 public:
  enum class Kind : std::uint8_t { kText, kInteger, kUnsigned, kReal, kBoolean, kUuid, kTime, kDuration, kMasked, kError, kLazy };

  template <class T>
    requires std::convertible_to<const T&, std::string_view>
  Field(std::string_view field_name, const T& value) : name(field_name), kind(Kind::kText), text(value) {}
  Field(std::string_view field_name, bool value) : name(field_name), kind(Kind::kBoolean), boolean(value) {}
  template <std::signed_integral T>
  Field(std::string_view field_name, T value) : name(field_name), kind(Kind::kInteger), integer(value) {}
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  Field(std::string_view field_name, T value) : name(field_name), kind(Kind::kUnsigned), unsigned_integer(value) {}
  Field(std::string_view field_name, double value) : name(field_name), kind(Kind::kReal), real(value) {}
  Field(std::string_view field_name, const Uuid& value) : name(field_name), kind(Kind::kUuid), uuid(&value) {}
  Field(std::string_view field_name, Timestamp value) : name(field_name), kind(Kind::kTime), integer(value.microseconds) {}
  Field(std::string_view field_name, Duration value) : name(field_name), kind(Kind::kDuration), integer(value.microseconds) {}
  // Prints as `***`.
  template <class Tag>
  Field(std::string_view field_name, const Guarded<Tag>&) : name(field_name), kind(Kind::kMasked), integer(0) {}
  // Becomes the fields `errorCode`, `errorKind`, `errorDetail`, `errorCause`, whatever its name.
  Field(std::string_view field_name, const Error& value) : name(field_name), kind(Kind::kError), error(&value) {}
  // A function that makes the text: called only when the line is written.
  template <class Function>
    requires std::is_invocable_r_v<std::string, const Function&>
  Field(std::string_view field_name, const Function& value)
      : name(field_name),
        kind(Kind::kLazy),
        lazy{&value, [](const void* object) { return std::string((*static_cast<const Function*>(object))()); }} {}

  struct Lazy {
    const void* object;
    std::string (*render)(const void*);
  };

  std::string_view name;
  Kind kind;
  union {
    std::string_view text;
    bool boolean;
    std::int64_t integer;
    std::uint64_t unsigned_integer;
    double real;
    const Uuid* uuid;
    const Error* error;
    Lazy lazy;
  };
};

using Fields = std::initializer_list<Field>;

// A line on its way to the sinks; only the forms that some sink asks for are filled.
struct LogLine {
  Timestamp time;
  LogLevel level = LogLevel::kInfo;
  std::string service;
  std::string json;   // without the newline
  std::string human;  // without the newline
};

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  // By `service` or `service.component`; the longer name wins.
  std::map<std::string, LogLevel, std::less<>> levels;
  std::string instance;  // on every line when not empty
  // Time of lines without a Context. The machine's clock when empty.
  std::function<Timestamp()> clock;
  // Lines are written by the caller, for simulations and short commands: no thread, nothing is dropped.
  bool synchronous = false;
};

// Owns the sinks, the queue and the levels. Outlives its loggers. All members are safe to call from any thread.
class Log {
 public:
  static constexpr std::size_t kQueueLines = 8192;
  static constexpr std::size_t kQueueBytes = 8 * 1024 * 1024;
  static constexpr std::size_t kMaxMessage = 2048;  // bytes; longer ones are cut and end in `…`
  static constexpr std::size_t kMaxValue = 4096;
  static constexpr std::size_t kMaxName = 64;

  Log(LogOptions options, std::vector<std::shared_ptr<LogSink>> sinks);
  // Writes what is queued.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Takes effect at once. `name` is a service or `service.component`; empty: the level of all that have none.
  void set_level(std::string_view name, LogLevel level);
  // The service or component has the level of its surroundings again.
  void reset_level(std::string_view name);
  LogLevel level_of(std::string_view service, std::string_view component) const;

  // Waits until all that was queued before is written, at most 2 s. False when it is not.
  bool flush();
  // Lines that did not fit into the queue, ever.
  std::uint64_t dropped() const;
  std::uint64_t written() const;

 private:
  friend class Logger;
  struct State;
  struct Channel {
    std::string service;
    std::string component;
    std::atomic<LogLevel> level = LogLevel::kOff;
  };

  Channel& channel(std::string_view service, std::string_view component);
  void write(const Channel& channel, LogLevel level, const Context* context, std::string_view message, Fields fields);

  std::unique_ptr<State> state_;
};

// The pen of one component. Cheap to copy. A default one writes nothing.
class Logger {
 public:
  Logger() = default;
  Logger(Log& log, std::string_view service, std::string_view component) : log_(&log), channel_(&log.channel(service, component)) {}

  bool enabled(LogLevel level) const { return channel_ != nullptr && level >= channel_->level.load(std::memory_order_relaxed); }

  void write(LogLevel level, std::string_view message, Fields fields = {}) const {
    if (enabled(level)) log_->write(*channel_, level, nullptr, message, fields);
  }
  void write(LogLevel level, const Context& context, std::string_view message, Fields fields = {}) const {
    if (enabled(level)) log_->write(*channel_, level, &context, message, fields);
  }

  void trace(std::string_view message, Fields fields = {}) const { write(LogLevel::kTrace, message, fields); }
  void debug(std::string_view message, Fields fields = {}) const { write(LogLevel::kDebug, message, fields); }
  void info(std::string_view message, Fields fields = {}) const { write(LogLevel::kInfo, message, fields); }
  void warn(std::string_view message, Fields fields = {}) const { write(LogLevel::kWarn, message, fields); }
  void error(std::string_view message, Fields fields = {}) const { write(LogLevel::kError, message, fields); }
  void fatal(std::string_view message, Fields fields = {}) const { write(LogLevel::kFatal, message, fields); }

  void trace(const Context& context, std::string_view message, Fields fields = {}) const {
    write(LogLevel::kTrace, context, message, fields);
  }
  void debug(const Context& context, std::string_view message, Fields fields = {}) const {
    write(LogLevel::kDebug, context, message, fields);
  }
  void info(const Context& context, std::string_view message, Fields fields = {}) const {
    write(LogLevel::kInfo, context, message, fields);
  }
  void warn(const Context& context, std::string_view message, Fields fields = {}) const {
    write(LogLevel::kWarn, context, message, fields);
  }
  void error(const Context& context, std::string_view message, Fields fields = {}) const {
    write(LogLevel::kError, context, message, fields);
  }
  void fatal(const Context& context, std::string_view message, Fields fields = {}) const {
    write(LogLevel::kFatal, context, message, fields);
  }

 private:
  Log* log_ = nullptr;
  const Log::Channel* channel_ = nullptr;
};

}  // namespace consilium::runtime
