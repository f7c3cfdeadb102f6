// An event that always fails, from its first attempt to the end of what waited behind it: by the public API alone, on virtual
// time, with a cause that comes and goes.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "cast.h"
#include "page.h"

namespace consilium::simulation {
namespace {

namespace json = boost::json;

constexpr std::string_view kGroup = "tasks.people";
constexpr Duration kAllAttempts = minutes(20);

// What is stored of people in `tasks_broken` cannot be changed.
const Mutation& breakable() {
  static const Mutation kBuild{"some people cannot be changed",
                               "",
                               {{"CREATE TABLE tasks_person_group (",
                                 "CREATE TABLE tasks_broken(user_id BLOB NOT NULL) STRICT; CREATE TRIGGER tasks_breaks BEFORE UPDATE ON "
                                 "tasks_person WHEN NEW.user_id IN (SELECT user_id FROM tasks_broken) BEGIN SELECT RAISE(ABORT, 'broken'); "
                                 "END; CREATE TABLE tasks_person_group ("}}};
  return kBuild;
}

class DeadLetters : public ::testing::Test {
 protected:
  struct Answer {
    int status = 0;
    json::value body;
  };

  void SetUp() override {
    ASSERT_TRUE(cluster_.start());
    const auto made = cluster_.ask(add_people(&cluster_));
    ASSERT_TRUE(made && *made) << cluster_.failures().size();
    admin_ = log_in("admin");
  }
  void TearDown() override { EXPECT_EQ(cluster_.failures(), std::vector<std::string>()); }

  static Task<void> send(Cluster* cluster, net::HttpRequest request, std::optional<net::HttpResponse>* out) {
    *out = co_await cluster->request(std::move(request));
  }
  net::HttpResponse request(std::string method, std::string path, const json::value& body, const std::string& cookie,
                            const std::string& version = "") {
    net::HttpRequest request;
    request.method = std::move(method);
    request.target = "/api/v1" + path;
    if (!body.is_null()) {
      request.body = json::serialize(body);
      request.headers.emplace_back("Content-Type", "application/json");
    }
    if (!cookie.empty()) request.headers.emplace_back("Cookie", cookie);
    if (!version.empty()) request.headers.emplace_back("If-Match", version);
    std::optional<net::HttpResponse> response;
    cluster_.people().spawn("request", send(&cluster_, std::move(request), &response));
    cluster_.run_until([&] { return response.has_value(); }, minutes(1));
    return response.value_or(net::HttpResponse{.status = 0});
  }
  Answer call(std::string method, std::string path, const json::value& body = nullptr) {
    const net::HttpResponse response = request(std::move(method), std::move(path), body, admin_);
    return {response.status, response.body.empty() ? json::value() : json::parse(response.body)};
  }
  std::string log_in(const std::string& name) {
    const auto response = request("POST", "/sessions", json::object{{"username", name}, {"password", std::string(kPassword)}}, "");
    EXPECT_EQ(response.status, 201);
    const std::string_view cookie = response.header("Set-Cookie");
    return std::string(cookie.substr(0, cookie.find(';')));
  }

  template <class Work>
  static Task<Result<void>> write(Cluster* cluster, Work work) {
    runtime::Context context(cluster->main(), cluster->random());
    auto done = co_await cluster->store().privileged().write(context, work);
    co_return done;
  }
  void change_database(std::string sql) {
    const auto change = [sql](database::Transaction& transaction) -> Result<void> {
      TRY(transaction.execute(sql));
      return {};
    };
    const auto changed = cluster_.ask(write(&cluster_, change));
    ASSERT_TRUE(changed && *changed) << (*changed).error().describe();
  }
  static Task<Result<std::string>> read_name(Cluster* cluster, std::string user_id) {
    runtime::Context context(cluster->main(), cluster->random());
    const auto find = [&user_id](database::Transaction& transaction) {
      return transaction.query_one("SELECT display_name FROM tasks_person WHERE user_id = ?", *Uuid::parse(user_id));
    };
    CO_ASSIGN_OR_RETURN(const auto row, co_await cluster->store().privileged().read(context, find));
    co_return row ? row->text(0) : std::string();
  }
  // As the tasks service knows it.
  std::string name_of(const std::string& user_id) { return **cluster_.ask(read_name(&cluster_, user_id)); }

  std::string id_of(const std::string& name) {
    return std::string(call("GET", "/users?username=" + name).body.at("items").at(0).at("id").as_string());
  }
  void rename(const std::string& user_id, const std::string& first_name) {
    const auto person = request("GET", "/users/" + user_id, nullptr, admin_);
    const auto changed =
        request("PATCH", "/users/" + user_id, json::object{{"firstName", first_name}}, admin_, std::string(person.header("ETag")));
    ASSERT_EQ(changed.status, 200) << changed.body;
  }
  static std::string hex(std::string id) {
    std::erase(id, '-');
    return id;
  }
  json::array dead_letters() { return call("GET", "/dead-letters").body.at("items").as_array(); }

  Tally tally_;
  Cluster cluster_{4, tally_, &breakable()};  // the log of this seed is read
  std::string admin_;
};

TEST_F(DeadLetters, AreListedReplayedAndLetTheirKeyGoOn) {
  const std::string clara = id_of("clara");
  const std::string david = id_of("david");
  cluster_.run_for(seconds(30));
  const std::string before = name_of(clara);
  EXPECT_TRUE(dead_letters().empty());
  change_database("INSERT INTO tasks_broken(user_id) VALUES (x'" + hex(clara) + "')");
  rename(clara, "Clarissa");
  cluster_.run_for(seconds(2));
  rename(clara, "Clementine");
  rename(david, "Dave");
  cluster_.run_for(kAllAttempts);

  EXPECT_TRUE(name_of(david).starts_with("Dave ")) << "other keys go on: " << name_of(david);
  EXPECT_EQ(name_of(clara), before);
  const json::array letters = dead_letters();
  ASSERT_EQ(letters.size(), 1U);
  const json::value& letter = letters[0];
  EXPECT_EQ(letter.at("group").as_string(), kGroup);
  EXPECT_EQ(letter.at("service").as_string(), "tasks");
  EXPECT_EQ(letter.at("key").as_string(), clara);
  EXPECT_EQ(letter.at("attempts").as_int64(), 10);
  EXPECT_EQ(letter.at("waiting").as_int64(), 1);
  EXPECT_EQ(json::serialize(letter).find("Cl"), std::string::npos) << letter;

  const std::string replay = "/dead-letters/" + std::string(letter.at("id").as_string()) + "/replay";
  EXPECT_EQ(request("POST", replay, nullptr, log_in("clara")).status, 403);
  EXPECT_EQ(request("GET", "/dead-letters", nullptr, log_in("clara")).status, 403);
  // The cause is still there: it comes back.
  EXPECT_EQ(call("POST", replay).status, 204);
  EXPECT_EQ(call("POST", replay).status, 404) << "it is being tried";
  EXPECT_TRUE(dead_letters().empty());
  cluster_.run_for(kAllAttempts);
  ASSERT_EQ(dead_letters().size(), 1U);

  change_database("DELETE FROM tasks_broken");
  EXPECT_EQ(call("POST", replay).status, 204);
  cluster_.run_for(seconds(5));
  EXPECT_TRUE(dead_letters().empty());
  EXPECT_TRUE(name_of(clara).starts_with("Clementine ")) << name_of(clara);
  rename(clara, "Cleo");
  cluster_.run_for(seconds(5));
  EXPECT_TRUE(name_of(clara).starts_with("Cleo ")) << name_of(clara);
}

}  // namespace
}  // namespace consilium::simulation
