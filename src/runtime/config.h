// The configuration: read, checked and complete before anything is opened, and never changed afterwards. Code takes
// the section that it needs by value or const reference; there is no lookup by name.
//
// Each setting is declared once, in `config_settings.cpp`: loading, `config print`, `config schema` and the reference
// page come from there.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "runtime/config_value.h"

namespace consilium::runtime {

struct TlsFiles {
  Path certificate;  // PEM, with its chain
  Path key;          // PEM
  bool enabled() const { return !certificate.empty() && !key.empty(); }
};

struct Config {
  struct Http {
    Address listen;
    TlsFiles tls;
    bool behind_proxy = false;
    std::vector<NetworkRange> trusted_proxies;
    std::vector<std::string> allowed_origins;
    std::string public_url;  // empty: what the browser sent
    std::int64_t threads = 0;
    ByteSize body_limit;
    ByteSize header_limit;
    Duration header_deadline;
    Duration request_deadline;
    Duration idle_deadline;
    std::int64_t connections = 0;
  } http;

  struct Internal {
    Address listen;
  } internal;

  Path data;

  struct Log {
    LogLevel level = LogLevel::kInfo;
    LogFormat format = LogFormat::kJson;
    std::map<std::string, LogLevel, std::less<>> services;  // by `service` or `service.component`
    bool file = false;
    ByteSize file_size;
    std::int64_t file_keep = 0;
  } log;

  struct Demo {
    bool enabled = false;
    Secret password;
  } demo;

  struct Sessions {
    Duration idle;
    Duration absolute;
    Duration expiry_notice;
    Duration access_token;
    Duration refresh_token;
    Duration refresh_grace;
    Duration invitation_link;
    Duration reset_link;
    std::string issuer;  // empty: the public URL
    // Applications of OpenID Connect, by client_id.
    std::map<std::string, std::vector<std::string>, std::less<>> client_redirect_uris;
    std::map<std::string, std::string, std::less<>> client_names;
    std::map<std::string, std::string, std::less<>> client_secrets;  // SHA-256 in hex
    std::int64_t hashing_threads = 0;
    std::int64_t hashing_queue = 0;
  } sessions;

  struct Limits {
    std::int64_t logins_per_minute = 0;
    std::int64_t posts_per_second = 0;
    std::int64_t sockets_per_person = 0;
    std::int64_t tracked_callers = 0;
  } limits;

  struct Socket {
    Duration ping;
    Duration ping_deadline;
    Duration close_deadline;
    std::int64_t queue_messages = 0;
    ByteSize queue_bytes;
    ByteSize message_limit;
  } socket;

  struct Chat {
    Duration events_kept;
    std::int64_t events_kept_per_person = 0;
  } chat;

  struct Presence {
    Duration lease;
  } presence;

  struct Assignment {
    std::int64_t open_tasks = 0;
    Duration answer_within;
    Duration left_out_for;
    Duration interval;
  } assignment;

  struct Notices {
    std::vector<Duration> waiting;
  } notices;

  struct Feedback {
    Duration awaited_for;
    Duration changeable_for;
  } feedback;

  struct Engine {
    std::int64_t checkpoint_records = 0;
    Duration job_deadline;
    Duration history;               // of what has ended; 0: kept for ever
    std::optional<Address> listen;  // for clients of Zeebe's gateway protocol
    Secret token;                   // that they must name
    TlsFiles tls;
  } engine;

  struct Database {
    std::int64_t group_size = 0;
    Duration group_time;
    std::int64_t readers = 0;
    std::int64_t queue = 0;
    ByteSize reserve;
  } database;

  struct Bus {
    std::int64_t batch = 0;
    std::int64_t attempts = 0;
    Duration first_retry;
    Duration longest_retry;
    Duration retention;
  } bus;

  struct Services {
    std::map<std::string, Address, std::less<>> addresses;  // services that run in other processes
    std::vector<std::string> run;                           // what this process runs; empty: all that has no address
    std::optional<Address> listen;                          // where this process offers its own to others
    TlsFiles tls;
    Path authority;

    // `part`: a service, or `gateway`.
    bool runs(std::string_view part) const;
  } services;

  struct Shutdown {
    Duration drain;
    Duration deadline;
  } shutdown;
};

// Where values come from, in rising order of weight.
struct ConfigSources {
  std::optional<std::string> yaml;     // text of the file
  std::optional<std::string> dot_env;  // text of `.env`
  std::map<std::string, std::string, std::less<>> environment;
  std::vector<std::pair<std::string, std::string>> flags;  // dotted name, value
  // Reads the file that `<NAME>_FILE` points to.
  std::function<Result<std::string>(const std::string& path)> read_file;
};

struct LoadedConfig {
  Config config;
  // Which source set it: `default`, `consilium.yaml`, `.env`, `environment`, `flag`.
  std::map<std::string, std::string, std::less<>> origins;
};

inline constexpr std::size_t kMaxConfigFile = 1024 * 1024;  // bytes
inline constexpr std::size_t kMaxConfigDepth = 16;
inline constexpr std::size_t kMaxConfigEntries = 10'000;

// Error `config.invalid` (kValidation): its fields list every problem at once, by the dotted name of the setting.
Result<LoadedConfig> load_config(const ConfigSources& sources);

// Of this process. `file`: from `--config`, else CONSILIUM_CONFIG, else `consilium.yaml` when it exists. Errors:
// `config.file` when a named file cannot be read or is over its bound.
Result<ConfigSources> gather_config_sources(const std::optional<std::string>& file, std::vector<std::pair<std::string, std::string>> flags);

// For people: one problem a line, with the name of the setting.
std::string describe_config_problems(const Error& error);

// YAML of all settings with secrets masked; `config print`.
std::string print_config(const LoadedConfig& loaded);
// JSON Schema (2020-12) of the file; `config schema`.
std::string config_schema();
// A Markdown table of all settings, for the documentation.
std::string config_reference();

struct ConfigChange {
  std::string name;
  bool reloadable = false;
};
// What differs; a running process may take over only the reloadable ones.
std::vector<ConfigChange> config_changes(const Config& before, const Config& after);

}  // namespace consilium::runtime
