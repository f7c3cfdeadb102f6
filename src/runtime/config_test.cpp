#include "runtime/config.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <set>

#include "base/random.h"
#include "runtime/config_settings.h"
#include "runtime/config_text.h"

namespace consilium::runtime {
namespace {

ConfigSources with_yaml(std::string yaml) {
  ConfigSources sources;
  sources.yaml = std::move(yaml);
  return sources;
}

ConfigSources with_variable(std::string name, std::string value) {
  ConfigSources sources;
  sources.environment.emplace(std::move(name), std::move(value));
  return sources;
}

Config loaded(const ConfigSources& sources) {
  auto result = load_config(sources);
  if (result) return result->config;
  ADD_FAILURE() << describe_config_problems(result.error());
  return {};
}

// `name: code` of each problem, in order of appearance.
std::vector<std::string> problems(const ConfigSources& sources) {
  auto result = load_config(sources);
  std::vector<std::string> found;
  if (result) return found;
  EXPECT_EQ(result.error().code, "config.invalid");
  EXPECT_EQ(result.error().kind, ErrorKind::kValidation);
  for (const auto& field : result.error().fields) found.push_back(field.name + ": " + field.code);
  return found;
}

std::string message(const ConfigSources& sources) {
  auto result = load_config(sources);
  return result ? "" : describe_config_problems(result.error());
}

using Names = std::vector<std::string>;

TEST(Config, DefaultsAreComplete) {
  const Config config = loaded({});
  EXPECT_EQ(config.http.listen, (Address{"127.0.0.1", 8080}));
  EXPECT_EQ(config.internal.listen, (Address{"127.0.0.1", 9090}));
  EXPECT_EQ(config.http.body_limit, ByteSize{1024 * 1024});
  EXPECT_EQ(config.sessions.idle, hours(12));
  EXPECT_EQ(config.sessions.absolute, days(30));
  EXPECT_EQ(config.database.group_size, 256);
  EXPECT_EQ(config.database.group_time, milliseconds(2));
  EXPECT_EQ(config.notices.waiting, (std::vector<Duration>{seconds(30), minutes(1), minutes(2), minutes(4), minutes(8)}));
  EXPECT_EQ(config.log.level, LogLevel::kInfo);
  EXPECT_TRUE(config.log.services.empty());
  EXPECT_FALSE(config.http.behind_proxy);
}

TEST(Config, ReadsEveryTypeFromYaml) {
  const Config config = loaded(with_yaml(R"(# a comment
http:
  listen: "[::1]:0"
  body-limit: 2MB
  trusted-proxies: [10.0.0.0/8, "::1"]
  allowed-origins:
    - https://a.example
    - https://b.example
data: /var/lib/consilium
log:
  level: warn
  format: human
  file: true
  services:
    tasks: debug
    tasks.store: trace
    chat:
      posts: error
engine:
  job-deadline: 90s
services:
  users: {address: "127.0.0.1:7001"}
notices:
  waiting: [10s, 20s]
demo:
)"));
  EXPECT_EQ(config.http.listen, (Address{"::1", 0}));
  EXPECT_EQ(config.http.body_limit.bytes, 2 * 1024 * 1024);
  EXPECT_EQ(config.http.trusted_proxies.size(), 2u);
  EXPECT_EQ(config.http.allowed_origins, (Names{"https://a.example", "https://b.example"}));
  EXPECT_EQ(config.data.text, "/var/lib/consilium");
  EXPECT_EQ(config.log.level, LogLevel::kWarn);
  EXPECT_EQ(config.log.format, LogFormat::kHuman);
  EXPECT_TRUE(config.log.file);
  EXPECT_EQ(config.log.services.at("tasks"), LogLevel::kDebug);
  EXPECT_EQ(config.log.services.at("tasks.store"), LogLevel::kTrace);
  EXPECT_EQ(config.log.services.at("chat.posts"), LogLevel::kError);
  EXPECT_EQ(config.engine.job_deadline, seconds(90));
  EXPECT_EQ(config.services.addresses.at("users"), (Address{"127.0.0.1", 7001}));
  EXPECT_EQ(config.notices.waiting, (std::vector<Duration>{seconds(10), seconds(20)}));
}

TEST(Config, C_1_SourcesHaveTheirOrder) {
  ConfigSources sources = with_yaml("bus: {batch: 1, attempts: 1, retention: 1d}\ndatabase: {readers: 1}\nhttp: {threads: 1}\n");
  sources.dot_env = "CONSILIUM_BUS_ATTEMPTS=2\nCONSILIUM_BUS_RETENTION=2d\nCONSILIUM_DATABASE_READERS=2\nOTHER=1\n";
  sources.environment = {{"CONSILIUM_BUS_RETENTION", "3d"}, {"CONSILIUM_DATABASE_READERS", "3"}, {"PATH", "/bin"}};
  sources.flags = {{"database.readers", "4"}};
  auto result = load_config(sources);
  ASSERT_TRUE(result) << describe_config_problems(result.error());
  EXPECT_EQ(result->config.http.threads, 1);
  EXPECT_EQ(result->config.bus.batch, 1);
  EXPECT_EQ(result->config.bus.attempts, 2);
  EXPECT_EQ(result->config.bus.retention, days(3));
  EXPECT_EQ(result->config.database.readers, 4);
  EXPECT_EQ(result->origins.at("bus.batch"), "consilium.yaml");
  EXPECT_EQ(result->origins.at("bus.attempts"), ".env");
  EXPECT_EQ(result->origins.at("bus.retention"), "environment");
  EXPECT_EQ(result->origins.at("database.readers"), "flag");
  EXPECT_EQ(result->origins.at("database.queue"), "default");
}

TEST(Config, C_1_EnvironmentNamesFollowTheDots) {
  EXPECT_TRUE(loaded(with_variable("CONSILIUM_HTTP_BEHIND__PROXY", "true")).http.behind_proxy);
  EXPECT_EQ(loaded(with_variable("CONSILIUM_DATA", "/x")).data.text, "/x");
  EXPECT_EQ(loaded(with_variable("CONSILIUM_HTTP_LISTEN", "localhost:1")).http.listen, (Address{"localhost", 1}));
  EXPECT_EQ(loaded(with_variable("CONSILIUM_LOG_SERVICES_TASKS_STORE", "debug")).log.services.at("tasks.store"), LogLevel::kDebug);
  EXPECT_EQ(loaded(with_variable("CONSILIUM_SERVICES_USERS_ADDRESS", "127.0.0.1:1")).services.addresses.at("users").port, 1);
  EXPECT_EQ(loaded(with_variable("CONSILIUM_HTTP_ALLOWED__ORIGINS", "https://a, https://b")).http.allowed_origins,
            (Names{"https://a", "https://b"}));
  EXPECT_EQ(loaded(with_variable("CONSILIUM_CHAT_EVENTS__KEPT__PER__PERSON", "200")).chat.events_kept_per_person, 200);
  EXPECT_EQ(loaded(with_variable("CONSILIUM_CONFIG", "whatever")).data.text, "data");
}

// Every setting can be set by its variable: the name is found again.
TEST(Config, C_1_EverySettingHasAVariableOfItsOwn) {
  std::set<std::string> seen;
  const std::string reference = config_reference();
  for (const Setting& setting : settings()) {
    EXPECT_TRUE(seen.insert(setting.name).second) << setting.name;
    EXPECT_FALSE(setting.description.empty()) << setting.name;
    EXPECT_EQ(setting.name.find('_'), std::string::npos) << setting.name;
    EXPECT_NE(reference.find("`" + setting.name + "`"), std::string::npos);
  }
}

// `http.behind-proxy` has CONSILIUM_HTTP_BEHIND__PROXY.
std::string variable_for(const std::string& name) {
  std::string variable = "CONSILIUM_";
  for (const char c : name) variable += c == '.' ? "_" : c == '-' ? "__" : std::string(1, static_cast<char>(std::toupper(c)));
  return variable;
}

std::string some_value(const Setting& setting) {
  if (!setting.choices.empty()) return setting.choices.back();
  if (!setting.default_text.empty()) return setting.default_text;
  if (setting.type.starts_with("address")) return "127.0.0.1:1";
  if (setting.type == kNumberType) return "1";
  if (setting.type == kBooleanType) return "true";
  return "x";
}

// A table of all settings: what the file says, whatever it is, gives way to the variable, dashes and levels in the name or not.
TEST(Config, C_1_EachVariableOverridesTheFile) {
  std::size_t with_dash = 0;
  for (const Setting& setting : settings()) {
    std::string name = setting.name;
    if (const auto star = name.find('*'); star != std::string::npos) name.replace(star, 1, "users");
    with_dash += name.find('-') != std::string::npos ? 1 : 0;
    ConfigSources sources = with_yaml(name + ": '?'");
    sources.environment = {{variable_for(name), some_value(setting)}};
    auto result = load_config(sources);
    if (result) {
      EXPECT_EQ(result->origins.at(name), "environment") << name;
      continue;
    }
    // What it says may want others beside it; but it was read, and the file's value was not.
    for (const FieldError& problem : result.error().fields) {
      EXPECT_EQ(problem.message.find("`?`"), std::string::npos) << problem.message;
      EXPECT_EQ(problem.message.find("unknown setting"), std::string::npos) << problem.message;
    }
  }
  EXPECT_GT(with_dash, 20U);
}

TEST(Config, C_1_VariablesThatNameNothingAreProblems) {
  EXPECT_EQ(problems(with_variable("CONSILIUM_HTTP_BEHIND_PROXY", "true")), Names{"http.behind.proxy: unknown"});
  EXPECT_EQ(problems(with_variable("CONSILIUM_HTTP__LISTEN", "localhost:1")), Names{"http-listen: unknown"});
  EXPECT_EQ(problems(with_variable("CONSILIUM_COLOUR", "red")), Names{"colour: unknown"});
  EXPECT_EQ(problems(with_variable("OTHER_CONSILIUM_COLOUR", "red")), Names{});
}

TEST(Config, ApplicationsAreRegisteredByTheirId) {
  const Config config = loaded(with_yaml(R"(
sessions:
  clients:
    portal:
      name: The portal
      secret-sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
      redirect-uris: ["https://portal.example/back", "http://127.0.0.1:8088/back?x=1"]
    phone: {redirect-uris: "com.example.phone:/back"}
)"));
  EXPECT_EQ(config.sessions.client_redirect_uris.at("portal"), (Names{"https://portal.example/back", "http://127.0.0.1:8088/back?x=1"}));
  EXPECT_EQ(config.sessions.client_redirect_uris.at("phone"), Names{"com.example.phone:/back"});
  EXPECT_EQ(config.sessions.client_names.at("portal"), "The portal");
  EXPECT_EQ(config.sessions.client_secrets.size(), 1U);
  EXPECT_EQ(loaded(with_variable("CONSILIUM_SESSIONS_CLIENTS_PORTAL_REDIRECT__URIS", "https://a/b, https://c/d"))
                .sessions.client_redirect_uris.at("portal"),
            (Names{"https://a/b", "https://c/d"}));
}

TEST(Config, RefusesApplicationsThatCouldNotBeAnsweredSafely) {
  const auto with_uri = [](const std::string& uri) { return problems(with_variable("CONSILIUM_SESSIONS_CLIENTS_A_REDIRECT__URIS", uri)); };
  for (const char* good : {"https://portal.example/", "https://portal.example", "http://localhost:1/x", "http://[::1]/x",
                           "http://127.0.0.1/x", "com.example.app:/x"})
    EXPECT_EQ(with_uri(good), Names{}) << good;
  for (const char* bad :
       {"portal.example/x", "/back", "http://portal.example/x", "https:portal", "https:///x", "https://x/#y", "https://a@b/",
        "javascript:alert(1)", "data:text/html", "https://x/ y", "https://x\\y", "http://localhost.evil.example/", "HTTPS://x/"})
    EXPECT_EQ(with_uri(bad), Names{"sessions.clients.a.redirect-uris: invalid"}) << bad;
  EXPECT_EQ(problems(with_variable("CONSILIUM_SESSIONS_CLIENTS_A_NAME", "A")), Names{"sessions.clients.a.redirect-uris: required"});
  EXPECT_EQ(problems(with_yaml("sessions: {clients: {a: {redirect-uris: [\"https://x/\"], secret-sha256: secret}}}")),
            Names{"sessions.clients.a.secret-sha256: invalid"});
  EXPECT_EQ(problems(with_yaml("sessions: {clients: {\"a b\": {redirect-uris: [\"https://x/\"]}}}")),
            Names{"sessions.clients.a b.redirect-uris: invalid"});
}

TEST(Config, B_70_SecretsComeFromFiles) {
  ConfigSources sources = with_variable("CONSILIUM_DEMO_PASSWORD_FILE", "/run/secret");
  sources.read_file = [](const std::string& path) -> Result<std::string> {
    if (path == "/run/secret") return "hunter2\n";
    return fail(ErrorKind::kNotFound, "config.file");
  };
  EXPECT_EQ(loaded(sources).demo.password.reveal(), "hunter2");
  sources.environment["CONSILIUM_DEMO_PASSWORD"] = "other";
  EXPECT_EQ(problems(sources), Names{"demo.password: duplicate"});
  sources.environment = {{"CONSILIUM_DEMO_PASSWORD_FILE", "/nowhere"}};
  EXPECT_EQ(problems(sources), Names{"demo.password: unreadable"});
  sources.environment = {{"CONSILIUM_LOG_LEVEL_FILE", "/run/secret"}};  // no secret
  EXPECT_EQ(problems(sources), Names{"log.level.file: unknown"});
  sources.environment = {{"CONSILIUM_FILE", "/run/secret"}};  // nothing between the prefix and the ending
  EXPECT_EQ(problems(sources), Names{"file: unknown"});
}

TEST(Config, C_1_ListsAllProblemsAtOnce) {
  ConfigSources sources = with_yaml(R"(
http:
  listen: nowhere
  bodylimit: 1MB
  threads: 1000
  allowed-origins: {a: b}
log:
  level: loud
  services: {chat: louder}
sessions: {idle: 3 hours}
lgo: {level: info}
)");
  sources.environment = {{"CONSILIUM_DATABASE_READERS", "many"}};
  sources.flags = {{"bus.batch", "0"}};
  EXPECT_EQ(problems(sources), (Names{"http.listen: invalid", "http.bodylimit: unknown", "http.threads: invalid",
                                      "http.allowed-origins.a: unknown", "log.level: invalid", "log.services.chat: invalid",
                                      "sessions.idle: invalid", "lgo.level: unknown", "database.readers: invalid", "bus.batch: invalid"}));
  const std::string text = message(sources);
  EXPECT_NE(text.find("http.bodylimit: unknown setting in consilium.yaml (line 4); did you mean http.body-limit?"), std::string::npos)
      << text;
  EXPECT_NE(text.find("lgo.level: unknown setting in consilium.yaml (line 11); did you mean log.level?"), std::string::npos) << text;
  EXPECT_NE(text.find("log.level: expected one of trace, debug, info, warn, error, fatal, off, got `loud` in consilium.yaml (line 8)"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("http.threads: expected 0 to 256, got `1000`"), std::string::npos) << text;
  EXPECT_NE(text.find("database.readers: expected a whole number, got `many` in environment (CONSILIUM_DATABASE_READERS)"),
            std::string::npos)
      << text;
}

TEST(Config, C_1_ALaterSourceMendsAnEarlierOne) {
  ConfigSources sources = with_yaml("log: {level: loud}");
  sources.environment = {{"CONSILIUM_LOG_LEVEL", "warn"}};
  EXPECT_EQ(loaded(sources).log.level, LogLevel::kWarn);
}

TEST(Config, BoundsBelongToTheRange) {
  EXPECT_EQ(loaded(with_yaml("http: {threads: 256}")).http.threads, 256);
  EXPECT_EQ(problems(with_yaml("http: {threads: 257}")), Names{"http.threads: invalid"});
  EXPECT_EQ(problems(with_yaml("http: {threads: -1}")), Names{"http.threads: invalid"});
  EXPECT_EQ(problems(with_yaml("http: {threads: }")), Names{});
  EXPECT_EQ(problems(with_yaml("http: {threads: ''}")), Names{"http.threads: invalid"});
  EXPECT_EQ(problems(with_yaml("http: {threads: [1]}")), Names{"http.threads: invalid"});
  EXPECT_EQ(problems(with_yaml("notices: {waiting: [30s, 2d]}")), Names{"notices.waiting: invalid"});
}

TEST(Config, RefusesUnsafeExposure) {
  EXPECT_EQ(problems(with_yaml("http: {listen: '0.0.0.0:8080'}")), Names{"http.listen: needs-tls"});
  EXPECT_EQ(problems(with_yaml("http: {listen: '[::]:8080'}")), Names{"http.listen: needs-tls"});
  EXPECT_EQ(problems(with_yaml("http: {listen: 'example.org:8080'}")), Names{"http.listen: needs-tls"});
  EXPECT_EQ(problems(with_yaml("http: {listen: '127.9.9.9:8080'}")), Names{});
  EXPECT_EQ(problems(with_yaml("http: {listen: '0.0.0.0:8080', behind-proxy: true}")), Names{});
  EXPECT_EQ(problems(with_yaml("http: {listen: '0.0.0.0:8080', tls: {certificate: a, key: b}}")), Names{});
  EXPECT_EQ(problems(with_yaml("http: {tls: {certificate: a}}")), Names{"http.tls.key: required"});
  EXPECT_EQ(problems(with_yaml("http: {tls: {key: a}}")), Names{"http.tls.certificate: required"});
  EXPECT_EQ(problems(with_yaml("{http: {listen: '0.0.0.0:8080', behind-proxy: true}, demo: {enabled: true}}")),
            Names{"demo.enabled: exposed"});
  EXPECT_EQ(problems(with_yaml("demo: {enabled: true}")), Names{});
  EXPECT_EQ(problems(with_yaml("services: {users: {address: '10.0.0.1:1'}, listen: '10.0.0.2:1'}")),
            (Names{"services.users.address: needs-tls", "services.listen: needs-tls"}));
  EXPECT_EQ(problems(with_yaml("engine: {listen: '127.0.0.1:26500'}")), Names{});
  EXPECT_EQ(problems(with_yaml("engine: {listen: '0.0.0.0:26500', token: of-the-clients}")), Names{});
  EXPECT_EQ(problems(with_yaml("engine: {listen: '0.0.0.0:26500', tls: {key: a}}")),
            (Names{"engine.tls.certificate: required", "engine.token: required"}));
  EXPECT_EQ(problems(with_yaml("{engine: {listen: '127.0.0.1:26500'}, services: {processes: {address: '127.0.0.1:1'}, "
                               "listen: '127.0.0.1:0'}}")),
            Names{"engine.listen: runs-elsewhere"});
}

TEST(Config, EachPartFindsWhatItNeeds) {
  const std::string addresses = "users: {address: '127.0.0.1:1'}, sessions: {address: '127.0.0.1:1'}";
  EXPECT_EQ(problems(with_yaml("services: {run: [chat], listen: '127.0.0.1:0', " + addresses + "}")), Names{});
  EXPECT_EQ(problems(with_yaml("services: {run: [users], listen: '127.0.0.1:0'}")), Names{});
  EXPECT_EQ(problems(with_yaml("services: {run: [users, sessions, chat, tasks, processes, gateway]}")), Names{});
  EXPECT_EQ(problems(with_yaml("services: {run: [chat]}")),
            (Names{"services.users.address: required", "services.sessions.address: required", "services.listen: required"}));
  EXPECT_EQ(problems(with_yaml("services: {processes: {address: '127.0.0.1:1'}}")), Names{"services.listen: required"});
  EXPECT_EQ(problems(with_yaml("services: {run: [mail, chat, chat], listen: '127.0.0.1:0', " + addresses + "}")),
            (Names{"services.run: unknown", "services.run: repeated"}));
  EXPECT_EQ(problems(with_yaml("services: {run: [users], listen: '127.0.0.1:0', users: {address: '127.0.0.1:0'}, mail: {address: 'a:1'}}")),
            (Names{"services.mail.address: needs-tls", "services.mail.address: unknown", "services.users.address: runs-here",
                   "services.users.address: invalid"}));
  EXPECT_EQ(problems(with_yaml("services: {gateway: {address: '127.0.0.1:1'}, listen: '127.0.0.1:0'}")),
            Names{"services.gateway.address: unknown"});
}

TEST(Config, ServicesKnowEachOtherByCertificatesOfBothSides) {
  const std::string split = "services: {users: {address: 'users.internal:1'}, tls: ";
  EXPECT_EQ(problems(with_yaml(split + "{certificate: a, key: b, authority: c}}")), Names{});
  EXPECT_EQ(problems(with_yaml(split + "{certificate: a, key: b}}")),
            (Names{"services.users.address: needs-tls", "services.tls.authority: required"}));
  EXPECT_EQ(problems(with_yaml(split + "{authority: c}}")),
            (Names{"services.users.address: needs-tls", "services.tls.certificate: required"}));
}

TEST(Config, C_1_ChecksRulesBetweenSettings) {
  EXPECT_EQ(problems(with_yaml("sessions: {idle: 2d, absolute: 1d}")), Names{"sessions.idle: too-large"});
  EXPECT_EQ(problems(with_yaml("engine: {history: 6d}")), Names{"bus.retention: too-large"});
  EXPECT_EQ(problems(with_yaml("engine: {history: 7d}")), Names());
  EXPECT_EQ(problems(with_yaml("notices: {waiting: [30s, 30s]}")), Names{"notices.waiting: not-rising"});
  EXPECT_EQ(problems(with_yaml("socket: {ping: 60s}")), Names{"socket.ping-deadline: too-small"});
  EXPECT_EQ(problems(with_yaml("data: ''")), Names{"data: required"});
}

TEST(Config, RefusesYamlThatIsMoreThanSettings) {
  for (const std::string yaml : {"a: [b", "a: &x 1\nb: *x", "a: !!binary x", "- a\n- b", "just text", "? [a]\n: b", "a: b\n---\nc: d",
                                 "http: [[1]]", "http: [{a: b}]", "\t\tx", "log: {services: {'': info}}"}) {
    EXPECT_FALSE(problems(with_yaml(yaml)).empty()) << yaml;
  }
  EXPECT_EQ(problems(with_yaml("http: {threads: 1}\nhttp: {threads: 2}")), Names{"http.threads: duplicate"});
  EXPECT_EQ(problems(with_yaml("")), Names{});
  EXPECT_EQ(problems(with_yaml("# nothing\n")), Names{});
}

TEST(Config, BoundsTheFile) {
  EXPECT_EQ(problems(with_yaml(std::string(kMaxConfigFile, '\n'))), Names{});
  EXPECT_EQ(problems(with_yaml(std::string(kMaxConfigFile + 1, '\n'))), Names{"consilium.yaml: too-large"});
  EXPECT_EQ(problems(with_yaml("data: /srv/\xFC")), Names{"consilium.yaml: malformed"});
  std::string deep;
  for (std::size_t i = 0; i < kMaxConfigDepth; ++i) deep += "{a: ";
  EXPECT_EQ(problems(with_yaml(deep + "1" + std::string(kMaxConfigDepth, '}'))), Names{"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a: unknown"});
  EXPECT_EQ(problems(with_yaml("{a: " + deep + "1" + std::string(kMaxConfigDepth + 1, '}'))), Names{"consilium.yaml: malformed"});
  std::string many = "notices:\n  waiting: [";
  for (std::size_t i = 0; i <= kMaxConfigEntries; ++i) many += "1s,";
  EXPECT_EQ(problems(with_yaml(many + "2s]")), Names{"consilium.yaml: malformed"});
  EXPECT_FALSE(problems(with_yaml(std::string(100'000, '['))).empty());
  EXPECT_FALSE(problems(with_yaml(std::string(100'000, '{'))).empty());
}

TEST(Config, SurvivesRandomText) {
  const std::uint64_t seed = 20260101;
  SeededRandom random(seed);
  static constexpr std::string_view kAlphabet = "http:listen \n-[]{}&*!|>'\"%@`#,?\t\\x00ab01:.";
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    for (std::uint64_t n = random.below(60); n > 0; --n) text += kAlphabet[random.below(kAlphabet.size())];
    std::vector<FieldError> found;
    read_yaml(text, "file", found);
    read_dot_env(text, "file", found);
    for (const auto& problem : found) ASSERT_FALSE(problem.message.empty()) << "seed " << seed << " round " << i;
  }
}

TEST(Config, ReadsDotEnvFiles) {
  std::vector<FieldError> found;
  const auto entries = read_dot_env(
      "# c\n\nA=1\nexport B = two words \r\nC=\"q # \\\"x\\\" \\n\" # c\nD='s'\nE=v # c\nF=\nbroken\nG=\"open\n", ".env", found);
  std::vector<std::string> read;
  for (const auto& entry : entries) read.push_back(entry.name + "|" + entry.value.items.front());
  EXPECT_EQ(read, (Names{"A|1", "B|two words", "C|q # \"x\" \n", "D|s", "E|v", "F|"}));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].message, "line 9: expected NAME=value");
}

TEST(Config, B_70_PrintsWhatItWouldReadAgain) {
  ConfigSources sources = with_yaml(
      "demo: {password: hunter2}\nlog: {services: {tasks.store: debug, chat: warn}}\nservices: {users: {address: '127.0.0.1:1'}}\nnotices: "
      "{waiting: [5s]}");
  auto result = load_config(sources);
  ASSERT_TRUE(result);
  const std::string printed = print_config(*result);
  EXPECT_EQ(printed.find("hunter2"), std::string::npos);
  EXPECT_NE(printed.find("  password: \"***\"  # consilium.yaml\n"), std::string::npos) << printed;
  EXPECT_NE(printed.find("    \"tasks.store\": \"debug\"  # consilium.yaml\n"), std::string::npos) << printed;
  auto again = load_config(with_yaml(printed));
  ASSERT_TRUE(again) << describe_config_problems(again.error()) << printed;
  EXPECT_EQ(again->config.demo.password.reveal(), "***");
  again->config.demo.password = result->config.demo.password;
  EXPECT_TRUE(config_changes(result->config, again->config).empty());
}

TEST(Config, B_70_SecretsAreNotInProblems) {
  EXPECT_EQ(message(with_yaml("demo: {password: [hunter2]}")).find("hunter2"), std::string::npos);
}

TEST(Config, TellsWhatChanged) {
  const Config before = loaded({});
  const Config after =
      loaded(with_yaml("log: {level: debug, services: {chat: trace}}\nhttp: {threads: 3}\nhttp.allowed-origins: [https://a]\ndatabase: "
                       "{readers: 1}"));
  std::vector<std::string> changed;
  for (const auto& change : config_changes(before, after)) changed.push_back(change.name + (change.reloadable ? " now" : " restart"));
  EXPECT_EQ(changed, (Names{"database.readers restart", "http.allowed-origins restart", "http.threads restart", "log.level now",
                            "log.services.chat now"}));
}

TEST(Config, C_1_SchemaNamesEverySetting) {
  const auto schema = boost::json::parse(config_schema());
  EXPECT_EQ(schema.at_pointer("/properties/http/properties/listen/default"), "127.0.0.1:8080");
  EXPECT_EQ(schema.at_pointer("/properties/http/additionalProperties"), false);
  EXPECT_EQ(schema.at_pointer("/properties/database/properties/readers/maximum"), 4);
  EXPECT_EQ(schema.at_pointer("/properties/log/properties/services/additionalProperties/enum/0"), "trace");
  EXPECT_EQ(schema.at_pointer("/properties/services/additionalProperties/properties/address/type"), "string");
  EXPECT_EQ(schema.at_pointer("/properties/services/properties/listen/type"), "string");
  EXPECT_EQ(schema.at_pointer("/properties/sessions/properties/clients/additionalProperties/properties/redirect-uris/items/type"),
            "string");
  EXPECT_EQ(schema.at_pointer("/properties/notices/properties/waiting/items/type"), "string");
}

TEST(ConfigValue, Addresses) {
  for (const std::string text : {"127.0.0.1:8080", "[::1]:0", "localhost:65535", "my-host.example:1"}) {
    const auto address = Address::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
  }
  for (const std::string text : {"", ":80", "host", "host:", "host:65536", "host:-1", "::1:80", "[::1:80", "[x]:1", "a b:1", "host:1x"})
    EXPECT_FALSE(Address::parse(text)) << text;
  EXPECT_FALSE(Address::parse(std::string_view("[::1\0x]:80", 10))) << "C sees the end of a text at its first NUL";
  EXPECT_TRUE((Address{"localhost", 1}).is_loopback());
  EXPECT_TRUE((Address{"::1", 1}).is_loopback());
  EXPECT_FALSE((Address{"0.0.0.0", 1}).is_loopback());
  EXPECT_FALSE((Address{"localhost.example", 1}).is_loopback());
}

TEST(ConfigValue, Sizes) {
  EXPECT_EQ(ByteSize::parse("512")->bytes, 512);
  EXPECT_EQ(ByteSize::parse("16KB")->bytes, 16384);
  EXPECT_EQ(ByteSize::parse("2GB")->text(), "2GB");
  EXPECT_EQ(ByteSize{1025}.text(), "1025");
  for (const std::string text : {"", "KB", "-1", "1.5MB", "1 MB", "1mb", "9223372036854775807GB"})
    EXPECT_FALSE(ByteSize::parse(text)) << text;
}

TEST(ConfigValue, NetworkRanges) {
  EXPECT_TRUE(NetworkRange{"10.0.0.0/8"}.contains("10.255.1.2"));
  EXPECT_FALSE(NetworkRange{"10.0.0.0/8"}.contains("11.0.0.0"));
  EXPECT_TRUE(NetworkRange{"10.0.0.128/25"}.contains("10.0.0.200"));
  EXPECT_FALSE(NetworkRange{"10.0.0.128/25"}.contains("10.0.0.127"));
  EXPECT_TRUE(NetworkRange{"10.0.0.1"}.contains("10.0.0.1"));
  EXPECT_TRUE(NetworkRange{"10.0.0.1"}.contains("::ffff:10.0.0.1"));
  EXPECT_TRUE(NetworkRange{"fd00::/8"}.contains("fd12::1"));
  EXPECT_TRUE(NetworkRange{"0.0.0.0/0"}.contains("8.8.8.8"));
  EXPECT_FALSE(NetworkRange{"0.0.0.0/0"}.contains("fd12::1"));
  EXPECT_FALSE(NetworkRange{"10.0.0.0/8"}.contains("nonsense"));
  for (const std::string text : {"", "10.0.0", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "host"})
    EXPECT_FALSE(NetworkRange::parse(text)) << text;
  EXPECT_FALSE(NetworkRange::parse(std::string_view("10.0.0.1\0x", 10))) << "C sees the end of a text at its first NUL";
}

}  // namespace
}  // namespace consilium::runtime
