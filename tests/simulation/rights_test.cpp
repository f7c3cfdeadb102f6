// Every call of the platform × every role × own and foreign things, against rights.txt: the public API at its edge, with a session of
// each role, and the calls between services, which people may not make at all.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include "app/demo_people.h"
#include "app/people.h"
#include "cluster.h"
#include "consilium/chat/v1/chat_codec.h"
#include "consilium/chat/v1/chat_routes.h"
#include "consilium/documents.h"
#include "consilium/events/v1/dead_letters_routes.h"
#include "consilium/events/v1/events_codec.h"
#include "consilium/processes/v1/processes_routes.h"
#include "consilium/sessions/v1/sessions_codec.h"
#include "consilium/sessions/v1/sessions_routes.h"
#include "consilium/tasks/v1/tasks_codec.h"
#include "consilium/tasks/v1/tasks_routes.h"
#include "consilium/users/v1/users_codec.h"
#include "consilium/users/v1/users_routes.h"
#include "people.h"
#include "services/users/roles.h"

namespace consilium::simulation {
namespace {

namespace json = boost::json;
using runtime::Context;

// The columns of rights.txt. Nobody logs in as `service`: its calls are those of the platform's own parts.
constexpr std::array<std::string_view, 7> kRoles = {"none", "client", "consultant", "expert", "supervisor", "administrator", "service"};

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in{std::string(text)};
  for (std::string part; std::getline(in, part, separator);) {
    const auto first = part.find_first_not_of(' ');
    parts.push_back(first == std::string::npos ? "" : part.substr(first, part.find_last_not_of(' ') - first + 1));
  }
  return parts;
}

struct Row {
  std::string method;
  std::string path;     // with `{id}`
  std::string own;      // values of the path, and what is sent
  std::string foreign;  // empty: there is nothing that is another's
  std::string body;
  std::vector<std::string> expected;  // `ok`, `not-found`, or `own/foreign`; one a role

  std::string name() const { return method + " " + path; }
};

std::vector<Row> read_table() {
  std::ifstream file(std::string(CONSILIUM_SOURCE_DIR) + "/tests/simulation/rights.txt");
  std::vector<Row> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    const std::vector<std::string> cells = split(line + " ", '|');
    if (cells.size() != 4 + kRoles.size()) throw std::runtime_error("rights.txt: expected 11 columns: " + line);
    const std::vector<std::string> route = split(cells[0], ' ');
    rows.push_back({route.at(0), route.at(1), cells[1], cells[2], cells[3], {cells.begin() + 4, cells.end()}});
  }
  return rows;
}

// `GET /users/{id}` as the API describes itself.
std::set<std::string> described_routes() {
  std::set<std::string> names;
  const json::value document = json::parse(openapi_document());
  for (const auto& [path, methods] : document.at("paths").as_object()) {
    for (const auto& [method, call] : methods.as_object()) {
      std::string upper(method);
      std::ranges::transform(upper, upper.begin(), [](char c) { return static_cast<char>(std::toupper(c)); });
      if (call.is_object() && call.as_object().contains("operationId")) names.insert(upper + " " + std::string(path));
    }
  }
  return names;
}

// Last part of a code: `tasks.not-found` → `not-found`.
std::string brief(std::string_view code) { return std::string(code.substr(code.rfind('.') + 1)); }

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().describe());
  return std::move(*result);
}

// The platform with a person of each role, `boris`, whose things are foreign to all, and `david`, who works on them.
class RightsTest : public ::testing::Test {
 protected:
  RightsTest() : cluster_(11, tally_, nullptr, roomy) {
    if (!cluster_.start()) throw std::runtime_error("the platform does not start");
    Context context = as_service();
    must(run(app::create_demo_people(cluster_.platform(), context, Secret(std::string(kPassword)))));
    people_["client"] = add_client();
    add_staff("supervisor", users::v1::UserType::kSupervisor);
    for (const auto& [role, name] : {std::pair("consultant", "clara"), {"expert", "elena"}, {"administrator", "admin"}})
      people_[role] = find(name);
    stranger_ = find("boris");
    worker_ = find("david");
    own_channel_ = *people_["client"].common_channel_id;
    foreign_channel_ = *stranger_.common_channel_id;
    for (const char* role : {"consultant", "expert", "supervisor", "administrator"}) {
      chat::v1::SubscribeRequest request;
      request.channel_id = own_channel_;
      request.user_id = people_[role].id;
      request.access = chat::v1::MemberAccess::kWrite;
      must(run(cluster_.platform().chat().subscribe(context, request)));
    }
    append(users::v1::routes(cluster_.platform().users()));
    append(sessions::v1::routes(cluster_.platform().sessions()));
    append(chat::v1::routes(cluster_.platform().chat()));
    append(tasks::v1::routes(cluster_.platform().tasks()));
    append(processes::v1::routes(cluster_.platform().processes()));
    append(events::v1::routes(cluster_.platform().dead_letters()));
  }
  ~RightsTest() override { cluster_.stop(); }

  static void roomy(app::PlatformSettings& settings) {
    settings.tasks.limit = 1000;
    settings.sessions.login.attempts = 100'000;
    settings.sessions.openid.codes_at_a_time = 1000;
  }
  void append(std::vector<net::Route> more) {
    for (net::Route& route : more) {
      std::string name = std::string(route.method) + " " + std::string(route.path);
      routes_.emplace(std::move(name), std::move(route));
    }
  }

  template <class T>
  T run(Task<T> work) {
    auto answer = cluster_.ask(std::move(work));
    if (!answer) throw std::runtime_error("no answer");
    return std::move(*answer);
  }
  Context as_service() {
    Context context(cluster_.main(), cluster_.random());
    context.client = runtime::ClientType::kTest;
    context.request_id = context.new_id().text();
    context.caller.kind = runtime::Caller::Kind::kService;
    context.caller.service = "test";
    return context;
  }
  Context as_person(const std::string& role) {
    Context context = as_service();
    context.caller = {};
    if (role == "none") return context;
    context.caller.kind = runtime::Caller::Kind::kUser;
    context.caller.user_id = people_.at(role).id;
    context.caller.roles = {role};
    context.caller.permissions = users::permissions_of({role});
    return context;
  }
  users::v1::User find(std::string name) {
    Context context = as_service();
    return must(run(app::wait_until_active(cluster_.platform(), context, std::move(name))));
  }
  void give_password(const users::v1::User& user) {
    Context context = as_service();
    auto link = must(run(app::make_link(cluster_.platform(), context, user)));
    must(run(cluster_.platform().sessions().set_password(context, {link.token, Secret(std::string(kPassword))})));
  }
  // An active client nobody has met before.
  users::v1::User add_client() {
    Context context = as_service();
    users::v1::CreateClientRequest request;
    request.username = "client" + std::to_string(++made_);
    request.first_name = "Carla";
    request.last_name = "Costa";
    request.sex = users::v1::Sex::kF;
    request.birth_date = Date{1990, 2, 28};
    request.phone = new_phone();
    must(run(cluster_.platform().users().create_client(context, request)));
    users::v1::User user = find(*request.username);
    give_password(user);
    return user;
  }
  void add_staff(const std::string& name, users::v1::UserType type) {
    Context context = as_service();
    users::v1::CreateStaffRequest request;
    request.type = type;
    request.username = name;
    request.first_name = "Sara";
    request.last_name = "Stone";
    must(run(cluster_.platform().users().create_staff(context, request)));
    people_[name] = find(name);
    give_password(people_[name]);
  }
  std::string new_phone() { return "+4930" + std::to_string(1'000'000 + ++made_); }

  struct Session {
    std::string id;
    std::string access;
    std::string refresh;
  };
  Session log_in(const users::v1::User& user) {
    Context context = as_service();
    context.caller = {};
    sessions::v1::LoginRequest request;
    request.username = user.username;
    request.password = Secret(std::string(kPassword));
    request.kind = sessions::v1::SessionKind::kBearer;
    const auto reply = must(run(cluster_.platform().sessions().login(context, request)));
    return {reply.session_id.text(), reply.access_token->reveal(), reply.refresh_token->reveal()};
  }

  // Reported by one and worked on by the other; each is a new one.
  tasks::v1::Task add_task(const users::v1::User& reporter, const users::v1::User& assignee) {
    Context context = as_service();
    tasks::v1::CreateRequestRequest request;
    request.task.type = {"client", "common-request"};
    request.task.reporter_user_id = reporter.id;
    request.task.channel_id = context.new_id();
    const auto made = must(run(cluster_.platform().tasks().create_request(context, request)));
    tasks::v1::SetAssigneeRequest assign;
    assign.id = made.task.id.text();
    assign.version = made.task.version;
    assign.user_id = assignee.id;
    return must(run(cluster_.platform().tasks().set_assignee(context, assign)));
  }
  chat::v1::Post add_post(const Uuid& channel, std::optional<std::string> code = std::nullopt) {
    Context context = as_service();
    chat::v1::BotPostRequest request;
    request.channel_id = channel;
    request.idempotency_key = std::to_string(++made_);
    if (code) {
      request.code = std::move(code);
      request.parameters = JsonText{R"({"taskId":")" + context.new_id().text() + R"("})"};
    } else {
      request.text = "hello";
    }
    return must(run(cluster_.platform().chat().bot_post(context, request)));
  }
  // The token of the button `yes`, as the channel's client is shown it.
  std::string button_of(const Uuid& channel, const Uuid& post) {
    const users::v1::User& client = channel == own_channel_ ? people_.at("client") : stranger_;
    Context context = as_service();
    context.caller = {};
    context.caller.kind = runtime::Caller::Kind::kUser;
    context.caller.user_id = client.id;
    const auto page = must(run(cluster_.platform().chat().list_posts(context, {channel, 50, std::nullopt})));
    for (const chat::v1::Post& one : page.items) {
      for (const chat::v1::Action& action : one.actions) {
        if (one.id == post && action.id == "yes") return action.token;
      }
    }
    throw std::runtime_error("the client is offered no button");
  }

  // What stands for a word in braces.
  std::string value_of(const std::string& word, const std::string& role) {
    const bool has_account = people_.contains(role);
    const users::v1::User& self = has_account ? people_.at(role) : stranger_;
    if (word == "self") return self.id.text();
    if (word == "stranger") return stranger_.id.text();
    if (word == "new-person") return add_client().id.text();
    if (word == "locked-person") {
      const Uuid id = add_client().id;
      Context context = as_service();
      must(run(cluster_.platform().users().lock_user(context, {id})));
      return id.text();
    }
    if (word == "new-consultant") {
      Context context = as_service();
      users::v1::CreateConsultantRequest request;
      request.first_name = "Clara";
      request.last_name = "Weiss";
      request.email = "consultant" + std::to_string(++made_) + "@example.org";
      request.groups = {"consultant-med"};
      const auto made = must(run(cluster_.platform().users().create_consultant(context, request)));
      return find(made.username).id.text();
    }
    if (word == "own-channel") return (last_post_ = add_post(own_channel_)).channel_id.text();
    if (word == "foreign-channel") return (last_post_ = add_post(foreign_channel_)).channel_id.text();
    if (word == "channel-post") return last_post_.id.text();
    if (word == "own-question") return (last_post_ = add_post(own_channel_, "client.feedback")).id.text();
    if (word == "foreign-question") return (last_post_ = add_post(foreign_channel_, "client.feedback")).id.text();
    if (word == "button") return button_of(last_post_.channel_id, last_post_.id);
    if (word == "own-task") return (role == "consultant" ? add_task(stranger_, self) : add_task(self, worker_)).id.text();
    if (word == "foreign-task") return add_task(stranger_, worker_).id.text();
    if (word == "consultant") return people_.at("consultant").id.text();
    if (word == "own-session") return log_in(self).id;
    if (word == "foreign-session") return log_in(stranger_).id;
    if (word == "refresh") return log_in(self).refresh;
    if (word == "username") return self.username;
    if (word == "password") return std::string(kPassword);
    if (word == "link") {
      Context context = as_service();
      return must(run(app::make_link(cluster_.platform(), context, add_client()))).token.reveal();
    }
    if (word == "phone") return new_phone();
    if (word == "mail") return "person" + std::to_string(++made_) + "@example.org";
    if (word == "instance") return instance();
    if (word == "model") return model();
    throw std::runtime_error("rights.txt: unknown word {" + word + "}");
  }
  std::string instance() {
    Context context = as_service();
    const auto list = must(run(cluster_.platform().processes().list_instances(context, {})));
    return std::to_string(list.items.at(0).key);
  }
  std::string model() {
    Context context = as_service();
    const auto list = must(run(cluster_.platform().processes().list_models(context, {})));
    return std::to_string(list.items.at(0).key);
  }
  std::string filled(std::string text, const std::string& role) {
    for (std::size_t from = 0; (from = text.find('{', from)) != std::string::npos;) {
      const std::size_t end = text.find('}', from);
      const std::string word = text.substr(from + 1, end - from - 1);
      const bool is_word = !word.empty() && std::ranges::all_of(word, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
      if (!is_word) {
        ++from;
        continue;
      }
      const std::string value = value_of(word, role);
      text.replace(from, end - from + 1, value);
      from += value.size();
    }
    return text;
  }

  struct Asked {
    std::map<std::string, std::string, std::less<>> path;
    std::string body;
    std::optional<std::int64_t> version;
  };
  // Values of the path in their order, then what is sent.
  Asked prepare(const Row& row, const std::string& things, const std::string& role) {
    Asked asked;
    const std::vector<std::string> values = split(filled(things, role), ' ');
    std::size_t next = 0;
    for (const std::string& part : split(row.path, '/')) {
      if (part.starts_with('{')) asked.path[part.substr(1, part.size() - 2)] = values.at(next++);
    }
    asked.body = filled(row.body, role);
    if (routes_.at(row.name()).needs_version) asked.version = version_of(row, asked.path.at("id"));
    return asked;
  }
  std::int64_t version_of(const Row& row, const std::string& id) {
    Context context = as_service();
    if (routes_.at(row.name()).service == "tasks") {
      const auto task = run(cluster_.platform().tasks().get_task(context, {id}));
      return task ? task->version : 1;
    }
    const auto user = run(cluster_.platform().users().get_user(context, {*Uuid::parse(id)}));
    return user ? user->version : 1;
  }

  std::string outcome_of(const Row& row, const Asked& asked, const std::string& role) {
    return role == "service" ? as_the_service(row, asked) : at_the_edge(row, asked, role);
  }
  std::string as_the_service(const Row& row, const Asked& asked) {
    const net::Route& route = routes_.at(row.name());
    Context context = as_service();
    context.expected_version = asked.version;
    net::RouteRequest request;
    request.path = asked.path;
    request.body = asked.body;
    const auto reply = run(route.handle(context, std::move(request)));
    return reply ? "ok" : brief(reply.error().code);
  }
  std::string at_the_edge(const Row& row, const Asked& asked, const std::string& role) {
    net::HttpRequest request;
    request.method = row.method;
    request.target = "/api/v1";
    for (const std::string& part : split(row.path.substr(1), '/'))
      request.target += "/" + (part.starts_with('{') ? asked.path.at(part.substr(1, part.size() - 2)) : part);
    request.remote_address = "127.0.0.1";
    request.headers.emplace_back("Host", "consilium.example");
    if (role != "none") request.headers.emplace_back("Authorization", "Bearer " + log_in(people_.at(role)).access);
    if (!asked.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    if (asked.version) request.headers.emplace_back("If-Match", "\"" + std::to_string(*asked.version) + "\"");
    request.body = asked.body;
    const net::HttpResponse response = run(cluster_.platform().edge().handle(cluster_.main(), std::move(request)));
    if (response.status < 300) return "ok";
    const json::value problem = json::parse(response.body);
    const std::string code(problem.at("code").as_string());
    if (response.status == 403) ++refused_[{people_.contains(role) ? people_.at(role).id : Uuid{}, row.name(), code}];
    return brief(code);
  }

  // As `own/foreign`, or one word where nothing is another's; what the table says does not exist is not asked for.
  std::string seen(const Row& row, std::size_t role) {
    const std::string name(kRoles[role]);
    const std::string& expected = row.expected[role];
    const std::string own = expected.starts_with('-') ? "-" : outcome_of(row, prepare(row, row.own, name), name);
    if (row.foreign.empty()) return own;
    const Asked foreign = prepare(row, row.foreign, name);
    const std::string outcome = outcome_of(row, foreign, name);
    if (outcome.ends_with("not-found")) {
      EXPECT_EQ(outcome_of(row, unknown(foreign), name), outcome) << row.name() << " tells " << name << " what there is";
    }
    return own + "/" + outcome;
  }
  // What the services have on record of a person's changes.
  std::int64_t records_of(const Uuid& person) {
    constexpr std::pair<const char*, const char*> kRecords[] = {
        {"users", "SELECT count(*) FROM users_audit WHERE actor = ? AND outcome = 'done'"},
        {"sessions", "SELECT count(*) FROM sessions_audit WHERE actor = ?"},
        {"processes", "SELECT count(*) FROM processes_audit WHERE actor = ?"},
        {"tasks",
         "SELECT count(*) FROM tasks_history WHERE 'user:' || lower(substr(hex(changed_by_user_id), 1, 8) || '-' || "
         "substr(hex(changed_by_user_id), 9, 4) || '-' || substr(hex(changed_by_user_id), 13, 4) || '-' || "
         "substr(hex(changed_by_user_id), 17, 4) || '-' || substr(hex(changed_by_user_id), 21)) = ?"},
    };
    Context context = as_service();
    const std::string actor = "user:" + person.text();
    std::int64_t all = 0;
    for (const auto& [service, sql] : kRecords) {
      const auto count = [&actor, sql = sql](database::Transaction& transaction) { return transaction.query_one(sql, actor); };
      const auto row = must(run(cluster_.store().service(service).read(context, count)));
      all += row->integer(0);
    }
    return all;
  }
  // The same of something that is not there.
  Asked unknown(Asked asked) {
    for (auto& [variable, value] : asked.path) {
      if (Uuid::parse(value)) value = as_service().new_id().text();
    }
    return asked;
  }

  Tally tally_;
  Cluster cluster_;
  std::map<std::string, users::v1::User, std::less<>> people_;  // by role
  users::v1::User stranger_;
  users::v1::User worker_;
  Uuid own_channel_;
  Uuid foreign_channel_;
  chat::v1::Post last_post_;
  std::map<std::string, net::Route, std::less<>> routes_;  // by `GET /users/{id}`
  std::map<std::tuple<Uuid, std::string, std::string>, int> refused_;
  int made_ = 0;
};

TEST_F(RightsTest, U_6_B_15_B_19_EveryRouteForEveryRoleOnOwnAndForeignThings) {
  const std::vector<Row> table = read_table();
  std::set<std::string> listed;
  for (const Row& row : table) EXPECT_TRUE(listed.insert(row.name()).second) << row.name() << " stands twice in rights.txt";
  EXPECT_EQ(listed, described_routes()) << "rights.txt and the API differ";
  for (const Row& row : table) {
    if (!routes_.contains(row.name())) {
      ADD_FAILURE() << row.name() << " is a route of no service that this test knows";
      continue;
    }
    std::vector<std::string> actual;
    for (std::size_t role = 0; role < kRoles.size(); ++role) actual.push_back(seen(row, role));
    std::string line;
    for (const std::string& outcome : actual) line += " | " + outcome;
    EXPECT_EQ(actual, row.expected) << "rights.txt should say, if this is right:\n"
                                    << row.name() << " | " << row.own << " | " << row.foreign << " | " << row.body << line;
  }
}

// Each denial by the edge is a row of the audit.
TEST_F(RightsTest, U_6_EveryDenialIsOnRecord) {
  for (const Row& row : read_table()) {
    for (std::size_t role = 1; role + 1 < kRoles.size(); ++role) {
      const std::string& expected = row.expected[role];
      if (expected.find("forbidden") == std::string::npos && expected.find("not-yours") == std::string::npos) continue;
      seen(row, role);
    }
  }
  cluster_.run_for(seconds(30));
  EXPECT_GT(refused_.size(), 50U);
  Context context = as_service();
  for (const auto& [what, times] : refused_) {
    const auto& [person, route, code] = what;
    sessions::v1::ListRefusalsRequest request;
    request.user_id = person;
    request.code = code;
    request.limit = 200;
    const auto page = must(run(cluster_.platform().sessions().list_refusals(context, request)));
    std::int64_t recorded = 0;
    for (const sessions::v1::Refusal& one : page.items) recorded += one.call == route ? one.times : 0;
    EXPECT_EQ(recorded, times) << route << " " << code;
  }
}

TEST_F(RightsTest, U_6_AGroupThatWasTakenAwayTakesEffectWithinASecond) {
  const users::v1::User& consultant = people_.at("consultant");
  Context context = as_service();
  const tasks::v1::Task task = add_task(stranger_, consultant);
  users::v1::ChangeGroupsRequest change;
  change.id = consultant.id;
  change.version = must(run(cluster_.platform().users().get_user(context, {consultant.id}))).version;
  change.groups = {"consultant-med"};
  must(run(cluster_.platform().users().change_groups(context, change)));
  cluster_.run_for(seconds(1));
  const auto now = must(run(cluster_.platform().tasks().get_task(context, {task.id.text()})));
  EXPECT_NE(now.assignee.user_id, consultant.id) << "what they had is another's";
  tasks::v1::SetAssigneeRequest assign;
  assign.id = task.id.text();
  assign.version = now.version;
  assign.user_id = consultant.id;
  const auto refused = run(cluster_.platform().tasks().set_assignee(context, assign));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "tasks.not-in-group");
}

// Whatever somebody changes by a right that not everybody has, is in the audit or the history of its service, with who it was.
TEST_F(RightsTest, U_6_EveryAdministrativeCallIsOnRecord) {
  constexpr std::size_t kAdministrator = 5;
  const users::v1::User& administrator = people_.at("administrator");
  int checked = 0;
  for (const Row& row : read_table()) {
    const std::string_view permission = routes_.at(row.name()).permission;
    if (row.method == "GET" || permission == "public" || permission == "session" || permission == "chat.post") continue;
    const auto outcomes = split(row.expected[kAdministrator], '/');
    const auto changes = std::ranges::count(outcomes, "ok");
    if (changes == 0) continue;
    const std::int64_t before = records_of(administrator.id);
    seen(row, kAdministrator);
    EXPECT_GE(records_of(administrator.id) - before, changes) << row.name();
    ++checked;
  }
  EXPECT_GT(checked, 8);
}

// A valid request of each call between services; what is in no list here fails.
std::map<std::string, std::function<std::string(const Uuid&)>> internal_requests() {
  namespace u = users::v1;
  namespace s = sessions::v1;
  namespace c = chat::v1;
  namespace t = tasks::v1;
  const auto status = [](const Uuid& id) { return encode_wire(u::ChangeStatusRequest{id}); };
  const auto identity = [](const Uuid& id) { return encode_wire(s::IdentityRequest{id}); };
  const auto fixed = [](auto request) { return [bytes = encode_wire(request)](const Uuid&) { return bytes; }; };
  u::CreateStaffRequest staff;
  staff.type = u::UserType::kSupervisor;
  staff.username = "planted";
  staff.first_name = "Sara";
  staff.last_name = "Stone";
  return {
      {"users.v1.Users/CreateStaff", fixed(staff)},
      {"users.v1.Users/FindUser", fixed(u::FindUserRequest{"boris"})},
      {"users.v1.Users/SetLinks",
       [](const Uuid& id) {
         u::SetLinksRequest request;
         request.id = id;
         return encode_wire(request);
       }},
      {"users.v1.Users/ActivateUser", status},
      {"users.v1.Users/DeleteUser", status},
      {"sessions.v1.Sessions/Authenticate", fixed(s::AuthenticateRequest{Secret("x"), std::nullopt})},
      {"sessions.v1.Sessions/CheckSessions", fixed(s::CheckSessionsRequest{})},
      {"sessions.v1.Sessions/GetKeySet", fixed(s::KeySetRequest{})},
      {"sessions.v1.Sessions/Authorize", fixed(s::AuthorizeRequest{})},
      {"sessions.v1.Sessions/IssueTokens", fixed(s::TokenRequest{})},
      {"sessions.v1.Sessions/GetUserInfo", fixed(s::UserInfoRequest{Secret("x")})},
      {"sessions.v1.Sessions/GetDiscovery", fixed(s::DiscoveryRequest{})},
      {"sessions.v1.Sessions/RecordRefusals", fixed(s::RecordRefusalsRequest{})},
      {"sessions.v1.Sessions/CreateIdentity",
       [](const Uuid& id) { return encode_wire(s::CreateIdentityRequest{id, "planted", std::nullopt}); }},
      {"sessions.v1.Sessions/DeleteIdentity", identity},
      {"sessions.v1.Sessions/EndAllSessions", [](const Uuid& id) { return encode_wire(s::EndAllRequest{id, "locked"}); }},
      {"chat.v1.Chat/CreateChatUser",
       [](const Uuid& id) { return encode_wire(c::CreateChatUserRequest{id, "Planted", c::MemberKind::kConsultant, "en", std::nullopt}); }},
      {"chat.v1.Chat/DeleteChatUser", [](const Uuid& id) { return encode_wire(c::ChatUserRequest{id}); }},
      {"chat.v1.Chat/CreateChannel",
       [](const Uuid& id) { return encode_wire(c::CreateChannelRequest{c::ChannelKind::kCommon, id, "Planted"}); }},
      {"chat.v1.Chat/Subscribe",
       [](const Uuid& id) {
         c::SubscribeRequest request;
         request.channel_id = id;
         request.user_id = id;
         request.access = c::MemberAccess::kWrite;
         return encode_wire(request);
       }},
      {"chat.v1.Chat/Unsubscribe", [](const Uuid& id) { return encode_wire(c::UnsubscribeRequest{id, id}); }},
      {"chat.v1.Chat/BotPost",
       [](const Uuid& id) {
         c::BotPostRequest request;
         request.channel_id = id;
         request.text = "planted";
         request.idempotency_key = "planted";
         return encode_wire(request);
       }},
      {"chat.v1.Chat/AskBot", fixed(c::AskBotRequest{"hello", "en"})},
      {"chat.v1.Chat/GetPost", [](const Uuid& id) { return encode_wire(c::GetPostRequest{id}); }},
      {"chat.v1.Chat/GetPresences", [](const Uuid& id) { return encode_wire(c::GetPresencesRequest{{id}}); }},
      {"chat.v1.Chat/OpenSocket", [](const Uuid& id) { return encode_wire(c::OpenSocketRequest{id, id, id}); }},
      {"chat.v1.Chat/RenewSockets", [](const Uuid& id) { return encode_wire(c::RenewSocketsRequest{{id}, std::nullopt}); }},
      {"chat.v1.Chat/CloseSocket", [](const Uuid& id) { return encode_wire(c::CloseSocketRequest{id}); }},
      {"chat.v1.Chat/Notify",
       [](const Uuid& id) { return encode_wire(c::NotifyRequest{{id}, "task.created", JsonText{"{}"}, "planted", true}); }},
      {"chat.v1.Chat/ReadFeed", fixed(c::ReadFeedRequest{-1, -1, {}})},
      {"chat.v1.Chat/ReadEvents", [](const Uuid& id) { return encode_wire(c::ReadEventsRequest{id, 0, 10}); }},
      {"tasks.v1.Tasks/CreateRequest",
       [](const Uuid& id) {
         t::CreateRequestRequest request;
         request.task.type = {"client", "common-request"};
         request.task.reporter_user_id = id;
         return encode_wire(request);
       }},
      {"tasks.v1.Tasks/FindOpen",
       [](const Uuid& id) { return encode_wire(t::FindOpenRequest{id, {"client", "common-request"}, std::nullopt}); }},
      {"events.v1.Events/Read", fixed(events::v1::ReadRequest{"users", "planted", 0, 0, 10})},
      {"events.v1.Events/Await", fixed(events::v1::AwaitRequest{"users", -1, {}})},
  };
}

// What may be called by people, too: typing comes from their sockets.
const std::set<std::string> kCallsOfPeopleWithoutRoute = {"chat.v1.Chat/Typing"};

TEST_F(RightsTest, U_6_B_15_CallsBetweenServicesAreNotForPeople) {
  std::set<std::string> routed;
  for (const auto& [name, route] : routes_) routed.insert(std::string(route.service) + "/" + std::string(route.call));
  auto requests = internal_requests();
  for (const net::RpcMethod& method : cluster_.platform().rpc_methods()) {
    // `/consilium.users.v1.Users/FindUser`
    const std::string name = method.name.substr(std::string_view("/consilium.").size());
    const std::string call = name.substr(name.rfind('/') + 1);
    const std::string service = name.substr(0, name.find('.'));
    if (routed.contains(service + "/" + call) || kCallsOfPeopleWithoutRoute.contains(name)) continue;
    const auto request = requests.extract(name);
    if (!request) {
      ADD_FAILURE() << name << " is a call between services of which this test knows no request";
      continue;
    }
    for (const std::string_view role : kRoles) {
      const Uuid target = role == "service" ? as_service().new_id() : stranger_.id;
      Context context = role == "service" ? as_service() : as_person(std::string(role));
      const auto answer = run(method.handle(context, request.mapped()(target)));
      const std::string outcome = answer ? "ok" : answer.error().code;
      EXPECT_EQ(outcome == "request.forbidden", role != "service") << name << " by " << role << ": " << outcome;
    }
  }
  EXPECT_TRUE(requests.empty()) << requests.begin()->first << " is no call of the platform";
  Context context = as_service();
  EXPECT_EQ(run(cluster_.platform().users().get_user(context, {stranger_.id})), stranger_) << "none of it changed anything";
}

}  // namespace
}  // namespace consilium::simulation
