#include "runtime/config_settings.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <type_traits>

#include "runtime/config_services.h"

namespace consilium::runtime {
namespace {

// One specialisation a type: its name, what is expected of the text, and both directions.
template <class T>
struct Kind;

template <>
struct Kind<std::string> {
  static constexpr std::string_view kName = "string";
  static std::optional<std::string> parse(std::string_view text) { return std::string(text); }
  static std::string print(const std::string& value) { return value; }
};

template <>
struct Kind<bool> {
  static constexpr std::string_view kName = kBooleanType;
  static std::optional<bool> parse(std::string_view text) {
    if (text == "true") return true;
    if (text == "false") return false;
    return std::nullopt;
  }
  static std::string print(bool value) { return value ? "true" : "false"; }
};

template <>
struct Kind<std::int64_t> {
  static constexpr std::string_view kName = kNumberType;
  static std::optional<std::int64_t> parse(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
  }
  static std::string print(std::int64_t value) { return std::to_string(value); }
  static std::int64_t number(std::int64_t value) { return value; }
};

template <>
struct Kind<Duration> {
  static constexpr std::string_view kName = "duration such as 30s, 5m or 2h";
  static std::optional<Duration> parse(std::string_view text) { return parse_short_duration(text); }
  static std::string print(Duration value) { return format_short(value); }
  static std::int64_t number(Duration value) { return value.microseconds; }
};

template <>
struct Kind<ByteSize> {
  static constexpr std::string_view kName = "size such as 512, 16KB or 1MB";
  static std::optional<ByteSize> parse(std::string_view text) { return ByteSize::parse(text); }
  static std::string print(ByteSize value) { return value.text(); }
  static std::int64_t number(ByteSize value) { return value.bytes; }
};

template <>
struct Kind<Address> {
  static constexpr std::string_view kName = "address host:port";
  static std::optional<Address> parse(std::string_view text) { return Address::parse(text); }
  static std::string print(const Address& value) { return value.text(); }
};

template <>
struct Kind<NetworkRange> {
  static constexpr std::string_view kName = "address range such as 10.0.0.0/8";
  static std::optional<NetworkRange> parse(std::string_view text) { return NetworkRange::parse(text); }
  static std::string print(const NetworkRange& value) { return value.text; }
};

template <>
struct Kind<Path> {
  static constexpr std::string_view kName = "path";
  static std::optional<Path> parse(std::string_view text) { return Path{std::string(text)}; }
  static std::string print(const Path& value) { return value.text; }
};

template <>
struct Kind<Secret> {
  static constexpr std::string_view kName = "secret";
  static std::optional<Secret> parse(std::string_view text) { return Secret(std::string(text)); }
  static std::string print(const Secret& value) { return value.reveal(); }
};

template <>
struct Kind<LogLevel> {
  static constexpr std::string_view kName = "level";
  static std::vector<std::string> choices() { return {"trace", "debug", "info", "warn", "error", "fatal", "off"}; }
  static std::optional<LogLevel> parse(std::string_view text) { return parse_log_level(text); }
  static std::string print(LogLevel value) { return std::string(name_of(value)); }
};

template <>
struct Kind<LogFormat> {
  static constexpr std::string_view kName = "format";
  static std::vector<std::string> choices() { return {"json", "human"}; }
  static std::optional<LogFormat> parse(std::string_view text) {
    if (text == "json") return LogFormat::kJson;
    if (text == "human") return LogFormat::kHuman;
    return std::nullopt;
  }
  static std::string print(LogFormat value) { return value == LogFormat::kJson ? "json" : "human"; }
};

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

template <class T>
std::string parse_into(const Setting& setting, const std::string& text, T& target) {
  const auto value = Kind<T>::parse(text);
  if (!value) {
    const std::string expected = setting.choices.empty() ? "a " + setting.type : "one of " + joined(setting.choices);
    return "expected " + expected + ", got " + (setting.secret ? Secret::masked() : "`" + text.substr(0, 100) + "`");
  }
  if constexpr (requires { Kind<T>::number(*value); }) {
    const std::int64_t number = Kind<T>::number(*value);
    if (number < setting.least || number > setting.most)
      return "expected " + setting.least_text + " to " + setting.most_text + ", got `" + text.substr(0, 100) + "`";
  }
  target = *value;
  return {};
}

RawValue single(std::string text) { return {.items = {std::move(text)}, .is_list = false}; }

// How each shape of member is assigned and read.
template <class T>
struct Shape {
  using Element = T;
  static constexpr SettingShape kShape = SettingShape::kSingle;
  static std::string assign(const Setting& setting, T& member, std::string_view, const RawValue& raw) {
    if (raw.is_list) return "expected a " + setting.type + ", got a list";
    return parse_into(setting, raw.items.front(), member);
  }
  static std::vector<std::pair<std::string, RawValue>> read(const T& member) { return {{"", single(Kind<T>::print(member))}}; }
};

template <class T>
struct Shape<std::optional<T>> {
  using Element = T;
  static constexpr SettingShape kShape = SettingShape::kSingle;
  static std::string assign(const Setting& setting, std::optional<T>& member, std::string_view, const RawValue& raw) {
    member.reset();
    if (!raw.is_list && raw.items.front().empty()) return {};
    return Shape<T>::assign(setting, member.emplace(), {}, raw);
  }
  static std::vector<std::pair<std::string, RawValue>> read(const std::optional<T>& member) {
    if (!member) return {};
    return Shape<T>::read(*member);
  }
};

// In text sources a list is written with commas.
RawValue split(const RawValue& raw) {
  if (raw.is_list) return raw;
  RawValue list{.items = {}, .is_list = true};
  std::string_view rest = raw.items.front();
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    std::string_view item = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    list.items.emplace_back(item);
  }
  return list;
}

template <class T>
struct Shape<std::vector<T>> {
  using Element = T;
  static constexpr SettingShape kShape = SettingShape::kList;
  static std::string assign(const Setting& setting, std::vector<T>& member, std::string_view, const RawValue& raw) {
    std::vector<T> values;
    for (const std::string& item : split(raw).items) {
      if (auto problem = parse_into(setting, item, values.emplace_back()); !problem.empty()) return problem;
    }
    member = std::move(values);
    return {};
  }
  static std::vector<std::pair<std::string, RawValue>> read(const std::vector<T>& member) {
    RawValue list{.items = {}, .is_list = true};
    for (const T& item : member) list.items.push_back(Kind<T>::print(item));
    return {{"", list}};
  }
};

template <class T>
struct Shape<std::map<std::string, T, std::less<>>> {
  using Element = typename Shape<T>::Element;
  static constexpr SettingShape kShape = Shape<T>::kShape == SettingShape::kList ? SettingShape::kMapOfLists : SettingShape::kMap;
  static std::string assign(const Setting& setting, std::map<std::string, T, std::less<>>& member, std::string_view key,
                            const RawValue& raw) {
    if (key.empty()) return "expected a name after " + setting.name.substr(0, setting.name.find('*'));
    return Shape<T>::assign(setting, member[std::string(key)], {}, raw);
  }
  static std::vector<std::pair<std::string, RawValue>> read(const std::map<std::string, T, std::less<>>& member) {
    std::vector<std::pair<std::string, RawValue>> entries;
    for (const auto& [key, value] : member) entries.emplace_back(key, Shape<T>::read(value).front().second);
    return entries;
  }
};

class Table {
 public:
  std::vector<Setting> settings;

  template <class Get>
  Table& add(std::string name, Get get, std::string default_text, std::string description) {
    using Member = std::remove_reference_t<std::invoke_result_t<Get, Config&>>;
    using Element = typename Shape<Member>::Element;
    Setting setting;
    setting.name = std::move(name);
    setting.default_text = std::move(default_text);
    setting.description = std::move(description);
    setting.type = Kind<Element>::kName;
    setting.shape = Shape<Member>::kShape;
    setting.secret = std::is_same_v<Element, Secret>;
    if constexpr (requires { Kind<Element>::choices(); }) setting.choices = Kind<Element>::choices();
    setting.assign = [get](const Setting& self, Config& config, std::string_view key, const RawValue& raw) {
      return Shape<Member>::assign(self, get(config), key, raw);
    };
    setting.read = [get](const Config& config) { return Shape<Member>::read(get(const_cast<Config&>(config))); };
    settings.push_back(std::move(setting));
    return *this;
  }

  // Both ends belong to it; written as the setting itself is.
  template <class T>
  Table& between(T least, T most) {
    Setting& setting = settings.back();
    setting.least = Kind<T>::number(least);
    setting.most = Kind<T>::number(most);
    setting.least_text = Kind<T>::print(least);
    setting.most_text = Kind<T>::print(most);
    return *this;
  }
  Table& between(int least, int most) { return between<std::int64_t>(least, most); }

  Table& reloadable() {
    settings.back().reloadable = true;
    return *this;
  }
};

#define MEMBER(path) [](Config& config) -> auto& { return config.path; }

constexpr ByteSize bytes(std::int64_t n) { return {n}; }
constexpr ByteSize kilobytes(std::int64_t n) { return {n << 10}; }
constexpr ByteSize megabytes(std::int64_t n) { return {n << 20}; }

void add_edge(Table& table) {
  table.add("http.listen", MEMBER(http.listen), "127.0.0.1:8080", "Public address: user interface, HTTP API, WebSocket");
  table.add("http.tls.certificate", MEMBER(http.tls.certificate), "", "PEM file with the certificate and its chain");
  table.add("http.tls.key", MEMBER(http.tls.key), "", "PEM file with the private key");
  table.add("http.behind-proxy", MEMBER(http.behind_proxy), "false", "TLS ends at a proxy in front: allows plain HTTP beyond loopback");
  table.add("http.trusted-proxies", MEMBER(http.trusted_proxies), "", "Proxies whose X-Forwarded-For is believed");
  table.add("http.allowed-origins", MEMBER(http.allowed_origins), "", "Foreign origins that browsers may call from");
  table.add("http.public-url", MEMBER(http.public_url), "", "How people reach the platform; needed for links that it sends");
  table.add("http.threads", MEMBER(http.threads), "0", "Loops that serve connections; 0 is one a core").between(0, 256);
  table.add("http.body-limit", MEMBER(http.body_limit), "1MB", "Largest body of a request").between(kilobytes(1), megabytes(1024));
  table.add("http.header-limit", MEMBER(http.header_limit), "16KB", "Largest header of a request").between(kilobytes(1), megabytes(1));
  table.add("http.header-deadline", MEMBER(http.header_deadline), "10s", "Time to send the header").between(seconds(1), minutes(10));
  table.add("http.request-deadline", MEMBER(http.request_deadline), "30s", "Time for a request as a whole").between(seconds(1), hours(1));
  table.add("http.idle-deadline", MEMBER(http.idle_deadline), "60s", "How long an idle connection stays open")
      .between(seconds(1), hours(1));
  table.add("http.connections", MEMBER(http.connections), "20000", "Connections at a time").between(1, 1'000'000);
  table.add("internal.listen", MEMBER(internal.listen), "127.0.0.1:9090", "Metrics and health");
  table.add("socket.ping", MEMBER(socket.ping), "25s", "How often a WebSocket is probed").between(seconds(1), minutes(10));
  table.add("socket.ping-deadline", MEMBER(socket.ping_deadline), "60s", "Silence after which a WebSocket is closed")
      .between(seconds(2), minutes(30));
  table.add("socket.close-deadline", MEMBER(socket.close_deadline), "5s", "Time to send what is queued when closing")
      .between(milliseconds(100), minutes(1));
  table.add("socket.queue-messages", MEMBER(socket.queue_messages), "256", "Messages that wait for a slow reader").between(1, 65'536);
  table.add("socket.queue-bytes", MEMBER(socket.queue_bytes), "1MB", "Bytes that wait for a slow reader")
      .between(kilobytes(16), megabytes(64));
  table.add("socket.message-limit", MEMBER(socket.message_limit), "16KB", "Largest message from a client")
      .between(kilobytes(1), megabytes(1));
  table.add("limits.logins-per-minute", MEMBER(limits.logins_per_minute), "5", "Logins of an account from an address").between(1, 10'000);
  table.add("limits.posts-per-second", MEMBER(limits.posts_per_second), "5", "Posts of a person").between(1, 100);
  table.add("limits.sockets-per-person", MEMBER(limits.sockets_per_person), "10", "Open WebSockets of a person").between(1, 1000);
  table.add("limits.tracked-callers", MEMBER(limits.tracked_callers), "100000", "Callers remembered by each limit")
      .between(100, 10'000'000);
}

void add_process(Table& table) {
  table.add("data", MEMBER(data), "data", "Folder of everything that is kept");
  table.add("log.level", MEMBER(log.level), "info", "What is logged").reloadable();
  table.add("log.services.*", MEMBER(log.services), "", "Level of one service (`tasks`) or component (`tasks.store`)").reloadable();
  table.add("log.format", MEMBER(log.format), "json", "Form of the lines on standard output");
  table.add("log.file", MEMBER(log.file), "false", "Also write JSON lines to a rotating file in the data folder");
  table.add("log.file-size", MEMBER(log.file_size), "64MB", "Size at which the file is rotated").between(kilobytes(64), megabytes(4096));
  table.add("log.file-keep", MEMBER(log.file_keep), "5", "Rotated files that are kept").between(0, 1000);
  table.add("demo.enabled", MEMBER(demo.enabled), "false", "Create demo people (`--demo`)");
  table.add("demo.password", MEMBER(demo.password), "", "Password of the demo people; generated when empty");
  table.add("shutdown.drain", MEMBER(shutdown.drain), "10s", "Time for running requests to end").between(Duration{}, minutes(10));
  table.add("shutdown.deadline", MEMBER(shutdown.deadline), "30s", "Time for the whole shutdown").between(seconds(1), minutes(30));
  table.add("services.*.address", MEMBER(services.addresses), "", "A service that runs in another process");
  table.add("services.run", MEMBER(services.run), "",
            "What this process runs: users, sessions, chat, tasks, processes, gateway (the public edge); empty is all that has no address");
  table.add("services.listen", MEMBER(services.listen), "", "Where this process offers its services to others; off when empty");
  table.add("services.tls.certificate", MEMBER(services.tls.certificate), "", "Certificate for calls between services");
  table.add("services.tls.key", MEMBER(services.tls.key), "", "Its private key");
  table.add("services.tls.authority", MEMBER(services.authority), "", "Certificates that other services must be signed by");
}

void add_storage(Table& table) {
  table.add("database.group-size", MEMBER(database.group_size), "256", "Transactions in one commit").between(1, 4096);
  table.add("database.group-time", MEMBER(database.group_time), "2ms", "How long a commit waits for others to join")
      .between(Duration{}, seconds(1));
  table.add("database.readers", MEMBER(database.readers), "3", "Connections that read").between(1, 4);
  table.add("database.queue", MEMBER(database.queue), "4096", "Transactions that wait").between(1, 1'000'000);
  table.add("database.reserve", MEMBER(database.reserve), "256MB", "Free disk below which writes are refused")
      .between(bytes(0), megabytes(1 << 20));
  table.add("bus.batch", MEMBER(bus.batch), "64", "Events handed over at a time").between(1, 10'000);
  table.add("bus.attempts", MEMBER(bus.attempts), "10", "Attempts before an event becomes a dead letter").between(1, 1000);
  table.add("bus.first-retry", MEMBER(bus.first_retry), "1s", "Pause after the first failure; doubles").between(milliseconds(1), hours(1));
  table.add("bus.longest-retry", MEMBER(bus.longest_retry), "5m", "Longest pause").between(milliseconds(1), days(1));
  table.add("bus.retention", MEMBER(bus.retention), "7d", "How long handled events are kept").between(Duration{}, days(365));
  table
      .add("engine.checkpoint-records", MEMBER(engine.checkpoint_records), "1000",
           "Records of its journal after which the engine saves its state")
      .between(10, 1'000'000);
  table.add("engine.job-deadline", MEMBER(engine.job_deadline), "60s", "Time a worker has for a job").between(seconds(1), days(1));
  table
      .add("engine.history", MEMBER(engine.history), "0s",
           "How long process instances are known after their end; 0s: for ever. Shorter saves disk: about 0.5 kB an instance")
      .between(Duration{}, days(36'500));
  table.add("engine.listen", MEMBER(engine.listen), "", "Where the process engine serves clients of Zeebe's gateway; off when empty");
  table.add("engine.token", MEMBER(engine.token), "", "Bearer token that these clients must send; needed beyond loopback");
  table.add("engine.tls.certificate", MEMBER(engine.tls.certificate), "",
            "PEM file with their certificate and its chain; plaintext when empty");
  table.add("engine.tls.key", MEMBER(engine.tls.key), "", "PEM file with its private key");
}

void add_domain(Table& table) {
  table.add("sessions.idle", MEMBER(sessions.idle), "12h", "A session ends when unused for so long").between(minutes(1), days(365));
  table.add("sessions.absolute", MEMBER(sessions.absolute), "30d", "A session ends after so long in any case")
      .between(minutes(1), days(365));
  table.add("sessions.expiry-notice", MEMBER(sessions.expiry_notice), "5m", "Open pages are told so long before their session ends")
      .between(seconds(1), hours(24));
  table.add("sessions.access-token", MEMBER(sessions.access_token), "5m", "Life of an access token").between(seconds(10), hours(24));
  table.add("sessions.refresh-token", MEMBER(sessions.refresh_token), "30d", "Life of a refresh token").between(minutes(1), days(365));
  table.add("sessions.refresh-grace", MEMBER(sessions.refresh_grace), "10s", "How long a used refresh token answers again")
      .between(Duration{}, minutes(5));
  table.add("sessions.invitation-link", MEMBER(sessions.invitation_link), "3d", "Life of an invitation").between(minutes(1), days(90));
  table.add("sessions.reset-link", MEMBER(sessions.reset_link), "1h", "Life of a link that resets a password").between(minutes(1), days(7));
  table.add("sessions.issuer", MEMBER(sessions.issuer), "", "Issuer named in tokens; the public URL when empty");
  table.add(
      "sessions.clients.*.redirect-uris", MEMBER(sessions.client_redirect_uris), "",
      "An application that people log in to through this platform (`*` is its client_id), and the addresses that it may be answered at");
  table.add("sessions.clients.*.name", MEMBER(sessions.client_names), "", "What people see it called in their list of sessions");
  table.add("sessions.clients.*.secret-sha256", MEMBER(sessions.client_secrets), "",
            "SHA-256 in hex of its secret, which has 32 random characters or more; without one it has none (pages, apps)");
  table.add("sessions.hashing-threads", MEMBER(sessions.hashing_threads), "2", "Threads that hash passwords").between(1, 64);
  table.add("sessions.hashing-queue", MEMBER(sessions.hashing_queue), "64", "Logins that wait for them").between(1, 10'000);
  table.add("chat.events-kept", MEMBER(chat.events_kept), "7d", "How long events wait for a person who is away")
      .between(minutes(1), days(365));
  table.add("chat.events-kept-per-person", MEMBER(chat.events_kept_per_person), "10000", "How many of them").between(100, 1'000'000);
  table.add("presence.lease", MEMBER(presence.lease), "30s", "A person without a socket for so long is offline")
      .between(seconds(1), minutes(30));
  table.add("assignment.open-tasks", MEMBER(assignment.open_tasks), "3", "Open tasks of a consultant").between(1, 100);
  table.add("assignment.answer-within", MEMBER(assignment.answer_within), "2m", "A task not answered goes back to the queue")
      .between(seconds(1), days(1));
  table.add("assignment.left-out-for", MEMBER(assignment.left_out_for), "10m", "A consultant who gave a task back is left out for so long")
      .between(Duration{}, days(1));
  table.add("assignment.interval", MEMBER(assignment.interval), "1s", "How often the queue is looked at when nothing happens")
      .between(milliseconds(100), minutes(10));
  table
      .add("notices.waiting", MEMBER(notices.waiting), "30s,1m,2m,4m,8m",
           "When a waiting client is told so, counted from the request; in order")
      .between(seconds(1), days(1));
  table.add("feedback.awaited-for", MEMBER(feedback.awaited_for), "24h", "How long a solved case waits for feedback")
      .between(minutes(1), days(30));
  table.add("feedback.changeable-for", MEMBER(feedback.changeable_for), "10m", "How long feedback may be changed")
      .between(Duration{}, days(30));
}

#undef MEMBER

constexpr std::string_view kClientIdCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

// RFC 6749 §3.1.2, RFC 8252 §7: a code in plain text leaves no machine, and a scheme of one's own has a dot.
bool is_redirect_uri(std::string_view uri) {
  constexpr std::string_view kSchemeCharacters = "abcdefghijklmnopqrstuvwxyz0123456789.+-";
  const bool is_printable =
      std::ranges::all_of(uri, [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\'; });
  if (uri.size() > 2000 || !is_printable || uri.find('#') != std::string_view::npos) return false;
  const std::size_t colon = uri.find(':');
  if (colon == std::string_view::npos || uri.find_first_not_of(kSchemeCharacters) < colon) return false;
  const std::string_view scheme = uri.substr(0, colon);
  if (scheme != "https" && scheme != "http") return scheme.find('.') != std::string_view::npos;
  if (uri.substr(colon, 3) != "://") return false;
  const std::string_view authority = uri.substr(colon + 3, uri.find_first_of("/?", colon + 3) - colon - 3);
  if (authority.empty() || authority.find('@') != std::string_view::npos) return false;
  if (scheme == "https") return true;
  const auto address =
      Address::parse(authority.find_last_of(':') == std::string_view::npos || authority.ends_with(']') ? std::string(authority) + ":80"
                                                                                                       : std::string(authority));
  return address && address->is_loopback();
}

class Rules {
 public:
  Rules(const Config& config, std::vector<FieldError>& problems) : config_(config), problems_(problems) {}

  void check() {
    pair_of_files("http.tls", config_.http.tls);
    pair_of_files("services.tls", config_.services.tls);
    pair_of_files("engine.tls", config_.engine.tls);
    exposure();
    division();
    applications();
    not_over("sessions.idle", config_.sessions.idle, "sessions.absolute", config_.sessions.absolute);
    if (config_.engine.history > Duration{})  // an event that comes again finds what it started
      not_over("bus.retention", config_.bus.retention, "engine.history", config_.engine.history);
    not_over("bus.first-retry", config_.bus.first_retry, "bus.longest-retry", config_.bus.longest_retry);
    not_over("shutdown.drain", config_.shutdown.drain, "shutdown.deadline", config_.shutdown.deadline);
    if (config_.socket.ping >= config_.socket.ping_deadline)
      problem("socket.ping-deadline", "too-small", "must be longer than socket.ping (" + format_short(config_.socket.ping) + ")");
    for (std::size_t i = 1; i < config_.notices.waiting.size(); ++i) {
      if (config_.notices.waiting[i - 1] >= config_.notices.waiting[i]) {
        problem("notices.waiting", "not-rising", "each time must be later than the one before");
        break;
      }
    }
    if (config_.data.empty()) problem("data", "required", "must name a folder");
  }

 private:
  void problem(std::string name, std::string code, std::string message) {
    problems_.push_back({std::move(name), std::move(code), std::move(message)});
  }

  void pair_of_files(const std::string& section, const TlsFiles& files) {
    if (files.certificate.empty() == files.key.empty()) return;
    problem(section + (files.key.empty() ? ".key" : ".certificate"), "required", "certificate and key belong together");
  }

  void exposure() {
    const Config::Http& http = config_.http;
    if (!http.listen.is_loopback() && !http.tls.enabled() && !http.behind_proxy)
      problem("http.listen", "needs-tls",
              "listening beyond loopback needs http.tls.certificate and http.tls.key, or http.behind-proxy: true");
    if (config_.demo.enabled && !http.listen.is_loopback())
      problem("demo.enabled", "exposed", "demo people are refused when others can reach the server");
    const bool has_mutual_tls = config_.services.tls.enabled() && !config_.services.authority.empty();
    const auto split = [&](const std::string& name, const Address& address) {
      if (!address.is_loopback() && !has_mutual_tls)
        problem(name, "needs-tls", "services on other machines need services.tls.certificate, services.tls.key and services.tls.authority");
    };
    for (const auto& [service, address] : config_.services.addresses) split("services." + service + ".address", address);
    if (config_.services.listen) split("services.listen", *config_.services.listen);
    const Config::Engine& engine = config_.engine;
    if (engine.listen && !engine.listen->is_loopback() && engine.token.empty())
      problem("engine.token", "required", "others than this machine can reach engine.listen: who knows the token may do everything there");
  }

  void applications() {
    const Config::Sessions& sessions = config_.sessions;
    std::set<std::string> ids;
    for (const auto& [id, uris] : sessions.client_redirect_uris) ids.insert(id);
    for (const auto& [id, name] : sessions.client_names) ids.insert(id);
    for (const auto& [id, secret] : sessions.client_secrets) {
      ids.insert(id);
      const bool is_digest = secret.size() == 64 && secret.find_first_not_of("0123456789abcdef") == std::string::npos;
      if (!is_digest) problem("sessions.clients." + id + ".secret-sha256", "invalid", "must be 64 hexadecimal digits in lower case");
    }
    for (const std::string& id : ids) {
      const std::string setting = "sessions.clients." + id + ".redirect-uris";
      if (id.size() > 100 || id.find_first_not_of(kClientIdCharacters) != std::string::npos)
        problem(setting, "invalid", "the client_id may have letters, digits, `.`, `_` and `-`, at most 100");
      const auto uris = sessions.client_redirect_uris.find(id);
      if (uris == sessions.client_redirect_uris.end() || uris->second.empty()) {
        problem(setting, "required", "must name where the application may be answered");
        continue;
      }
      for (const std::string& uri : uris->second) {
        if (!is_redirect_uri(uri))
          problem(setting, "invalid",
                  "`" + uri.substr(0, 100) +
                      "` must be https, http of this machine, or of a scheme of its own such as com.example.app:/back, without #");
      }
    }
  }

  // Each part that runs here must find what it needs, here or at an address, and be found by those that need it.
  void division() {
    const Config::Services& services = config_.services;
    std::set<std::string> named;
    for (const std::string& part : services.run) {
      if (find_part(part) == nullptr) problem("services.run", "unknown", "there is no part `" + part.substr(0, 100) + "` of the platform");
      if (!named.insert(part).second) problem("services.run", "repeated", "names `" + part.substr(0, 100) + "` twice");
    }
    for (const auto& [service, address] : services.addresses) {
      const std::string setting = "services." + service + ".address";
      if (find_part(service) == nullptr || service == kGatewayPart) {
        problem(setting, "unknown", "there is no service `" + service.substr(0, 100) + "` of the platform");
      } else if (services.runs(service)) {
        problem(setting, "runs-here", "services.run says that this process runs it");
      }
      if (address.port == 0) problem(setting, "invalid", "must name the port where the service listens");
    }
    const bool has_authority = !services.authority.empty();
    if (has_authority != services.tls.enabled())
      problem(has_authority ? "services.tls.certificate" : "services.tls.authority", "required",
              "services know each other by certificates of both sides: certificate, key and authority belong together");
    if (config_.engine.listen && !services.runs("processes"))
      problem("engine.listen", "runs-elsewhere", "the process engine runs in the process of the service processes");
    std::set<std::string> others;
    for (const PlatformPart& part : kPlatformParts) {
      for (const std::string_view needed : part.needs) {
        const bool is_here = services.runs(needed);
        if (services.runs(part.name) && !is_here && !services.addresses.contains(needed)) {
          if (others.insert(std::string(needed)).second)
            problem("services." + std::string(needed) + ".address", "required",
                    std::string(part.name) + " runs here and needs it: where does it run?");
        }
        if (!services.runs(part.name) && is_here && !services.listen && others.insert("services.listen").second)
          problem("services.listen", "required",
                  std::string(part.name) + " runs in another process and needs " + std::string(needed) + ", which runs here");
      }
    }
  }

  void not_over(const std::string& name, Duration value, const std::string& bound, Duration most) {
    if (value > most) problem(name, "too-large", "must not be longer than " + bound + " (" + format_short(most) + ")");
  }

  const Config& config_;
  std::vector<FieldError>& problems_;
};

std::vector<Setting> make_settings() {
  Table table;
  add_edge(table);
  add_process(table);
  add_storage(table);
  add_domain(table);
  return std::move(table.settings);
}

}  // namespace

const std::vector<Setting>& settings() {
  static const std::vector<Setting> all = make_settings();
  return all;
}

bool Config::Services::runs(std::string_view part) const {
  if (run.empty()) return !addresses.contains(part);
  return std::ranges::find(run, part) != run.end();
}

void check_rules(const Config& config, std::vector<FieldError>& problems) { Rules(config, problems).check(); }

}  // namespace consilium::runtime
