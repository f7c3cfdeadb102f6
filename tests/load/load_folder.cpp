// Makes a data folder that a benchmark starts the real program on: people with a session each, channels with members, cases that
// wait for a consultant, and years of closed cases and posts. People, cases and sessions are made by the platform's own calls;
// the past is written as rows, because nobody waits for a million posts.
//
// load_folder --data DIR --people FILE [--clients N] [--consultants N] [--members N] [--waiting N] [--closed N] [--posts N]
//   --members   consultants who hear each client's channel; each consultant hears one channel
//   --waiting   clients whose question waits for somebody
//   --closed    cases that are over, copies of one that was played
//   --posts     of the past, over all channels
//   FILE gets {"clients": [{name, id, token, channel}], "consultants": [{name, id, token}]}
#include <sqlite3.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <future>
#include <map>
#include <string>
#include <vector>

#include "app/people.h"
#include "app/platform.h"
#include "ports/database/sqlite/threaded_store.h"
#include "runtime/asio_scheduler.h"
#include "runtime/call_metrics.h"
#include "runtime/data_folder.h"
#include "runtime/log_setup.h"

namespace consilium {
namespace {

namespace json = boost::json;
using database::Transaction;

constexpr std::size_t kAtOnce = 64;         // people who are made beside each other
constexpr std::int64_t kRowsAtOnce = 5000;  // of the past, in one transaction
constexpr Duration kPatience = minutes(2);
constexpr Duration kLook = milliseconds(20);
constexpr std::string_view kPassword = "a-long-demo-password";

struct Options {
  std::string data;
  std::string people;
  std::int64_t clients = 0;
  std::int64_t consultants = 0;
  std::int64_t members = 0;
  std::int64_t waiting = 0;
  std::int64_t closed = 0;
  std::int64_t posts = 0;
};

struct Person {
  std::string name;
  Uuid id;
  Uuid channel;
  std::string token;
};

class Maker {
 public:
  Maker(const Options& options, const runtime::DataFolder& folder, database::Store& store)
      : options_(options),
        database_(folder.database()),
        store_(store),
        main_("main"),
        engine_("engine"),
        pool_("hashing", 2, 10'000),
        log_(runtime::LogOptions{.level = runtime::LogLevel::kOff}, {}),
        observer_(metrics_, log_),
        keys_(folder.keys()),
        platform_({store, main_, engine_, pool_, random_, keys_, Secret(std::string(32, 'k')), observer_, log_,
                   [](const gateway::RequestFigures&) {}, queue_, {}},
                  settings()) {}

  Result<void> run() {
    TRY(platform_.prepare(main_.now()));
    main_.start();
    engine_.start();
    auto made = wait(make());
    wait(then_true(platform_.stop()));
    store_.close();
    engine_.stop();
    main_.stop();
    engine_.join();
    main_.join();
    return made;
  }

 private:
  // Cheap hashes: they are made anew when somebody logs in with a password.
  static app::PlatformSettings settings() {
    app::PlatformSettings settings;
    settings.sessions.password = {8, 1, 1};
    settings.sessions.token.lifetime = hours(12);
    settings.sessions.login.attempts = 1'000'000;
    return settings;
  }

  template <class T>
  static Task<void> keep(Task<T> task, std::promise<T>* out) {
    T answer = co_await std::move(task);
    out->set_value(std::move(answer));
  }
  static Task<bool> then_true(Task<void> task) {
    co_await std::move(task);
    co_return true;
  }
  template <class T>
  T wait(Task<T> task) {
    std::promise<T> promise;
    auto answer = promise.get_future();
    main_.spawn("load.folder", keep(std::move(task), &promise));
    return answer.get();
  }

  runtime::Context service() {
    runtime::Context context(main_, random_);
    context.client = runtime::ClientType::kCommandLine;
    context.request_id = context.new_id().text();
    context.caller.kind = runtime::Caller::Kind::kService;
    context.caller.service = "platform";
    return context;
  }
  runtime::Context person(const Uuid& id) {
    runtime::Context context(main_, random_);
    context.client = runtime::ClientType::kRest;
    context.request_id = context.new_id().text();
    context.caller.kind = runtime::Caller::Kind::kUser;
    context.caller.user_id = id;
    return context;
  }

  Task<Result<void>> make() {
    CO_TRY(co_await platform_.start());
    runtime::Context context = service();
    CO_TRY(co_await make_administrator(&context));
    CO_TRY(co_await make_people());
    if (options_.closed > 0) {
      CO_TRY(co_await play_case());
      CO_TRY(co_await copy_case());
    }
    if (options_.posts > 0) CO_TRY(co_await write_past());
    CO_TRY(co_await ask());
    co_return write_people();
  }

  Task<Result<void>> make_administrator(runtime::Context* context) {
    CO_ASSIGN_OR_RETURN(const auto link, co_await app::make_first_administrator(platform_, *context, "en"));
    if (!link) co_return Result<void>();
    sessions::v1::SetPasswordRequest set;
    set.token = link->token;
    set.password = Secret(std::string(kPassword));
    CO_TRY(co_await platform_.sessions().set_password(*context, std::move(set)));
    co_return Result<void>();
  }

  Task<Result<void>> make_people() {
    clients_.resize(static_cast<std::size_t>(options_.clients));
    consultants_.resize(static_cast<std::size_t>(options_.consultants));
    for (std::size_t i = 0; i < clients_.size(); ++i) clients_[i].name = "load.client." + std::to_string(i);
    for (std::size_t i = 0; i < consultants_.size(); ++i) consultants_[i].name = "load.consultant." + std::to_string(i);
    CO_TRY(co_await make_all(true));
    CO_TRY(co_await make_all(false));
    CO_TRY(co_await admit_members());
    co_return Result<void>();
  }

  Task<Result<void>> make_all(bool clients) {
    next_ = 0;
    working_ = kAtOnce;
    for (std::size_t i = 0; i < kAtOnce; ++i) main_.spawn("load.people", make_some(clients));
    while (working_ > 0) co_await main_.sleep_for(kLook);
    co_return failure_ ? Result<void>(fail(*failure_)) : Result<void>();
  }
  Task<void> make_some(bool clients) {
    auto& people = clients ? clients_ : consultants_;
    while (!failure_ && next_ < people.size()) {
      const std::size_t index = next_++;
      auto made = co_await make_one(clients, index);
      if (!made) failure_ = made.error();
    }
    --working_;
  }

  Task<Result<void>> make_one(bool client, std::size_t index) {
    Person& one = client ? clients_[index] : consultants_[index];
    runtime::Context context = service();
    if (client) {
      users::v1::CreateClientRequest request;
      request.username = one.name;
      request.first_name = "Load";
      request.last_name = "Client";
      request.sex = users::v1::Sex::kF;
      request.birth_date = Date{1980, 5, 17};
      request.phone = "+7" + std::to_string(1'000'000'000 + index);
      request.language = "en";
      CO_TRY(co_await platform_.users().create_client(context, std::move(request)));
    } else {
      users::v1::CreateConsultantRequest request;
      request.username = one.name;
      request.first_name = "Load";
      request.last_name = "Consultant";
      request.email = one.name + "@example.org";
      request.groups = {"consultant"};
      request.language = "en";
      CO_TRY(co_await platform_.users().create_consultant(context, std::move(request)));
    }
    CO_ASSIGN_OR_RETURN(const users::v1::User user, co_await app::wait_until_active(platform_, context, one.name));
    one.id = user.id;
    CO_TRY(co_await log_in(&context, user, &one));
    if (client) CO_TRY(co_await find_channel(&one));
    co_return Result<void>();
  }

  Task<Result<void>> log_in(runtime::Context* context, users::v1::User user, Person* one) {
    CO_ASSIGN_OR_RETURN(const auto link, co_await app::make_link(platform_, *context, std::move(user)));
    sessions::v1::SetPasswordRequest set;
    set.token = link.token;
    set.password = Secret(std::string(kPassword));
    CO_TRY(co_await platform_.sessions().set_password(*context, std::move(set)));
    sessions::v1::LoginRequest login;
    login.username = one->name;
    login.password = Secret(std::string(kPassword));
    login.kind = sessions::v1::SessionKind::kBearer;
    CO_ASSIGN_OR_RETURN(const auto session, co_await platform_.sessions().login(*context, std::move(login)));
    one->token = session.access_token->reveal();
    co_return Result<void>();
  }

  Task<Result<void>> find_channel(Person* one) {
    runtime::Context context = person(one->id);
    chat::v1::ListChannelsRequest request;
    CO_ASSIGN_OR_RETURN(const auto page, co_await platform_.chat().list_channels(context, std::move(request)));
    if (page.items.empty()) co_return fail(ErrorKind::kInternal, "load.no-channel", "A client has no channel");
    one->channel = page.items.front().id;
    co_return Result<void>();
  }

  Task<Result<void>> admit_members() {
    std::size_t next = 0;
    for (const Person& client : clients_) {
      for (std::int64_t i = 0; i < options_.members && next < consultants_.size(); ++i, ++next) {
        runtime::Context context = service();
        chat::v1::SubscribeRequest request;
        request.channel_id = client.channel;
        request.user_id = consultants_[next].id;
        request.access = chat::v1::MemberAccess::kWrite;
        CO_TRY(co_await platform_.chat().subscribe(context, std::move(request)));
      }
    }
    co_return Result<void>();
  }

  // The first client and the first consultant bring one case to its end.
  Task<Result<void>> play_case() {
    if (clients_.empty() || consultants_.empty()) co_return fail(ErrorKind::kInternal, "load.nobody", "A closed case needs two people");
    Person& consultant = consultants_.front();
    runtime::Context hub = service();
    hub.caller.service = "gateway";
    chat::v1::OpenSocketRequest socket;
    socket.socket_id = hub.new_id();
    socket.user_id = consultant.id;
    socket.session_id = hub.new_id();
    const Uuid socket_id = socket.socket_id;
    CO_TRY(co_await platform_.chat().open_socket(hub, std::move(socket)));
    CO_TRY(co_await be(&consultant, chat::v1::PresenceStatus::kOnline));
    CO_TRY(co_await ask_one(&clients_.front()));
    CO_ASSIGN_OR_RETURN(const tasks::v1::Task task, co_await task_in(tasks::v1::Substatus::kAssigned));
    for (const char* transition : {"start", "solve"}) {
      runtime::Context context = person(consultant.id);
      tasks::v1::MakeTransitionRequest request;
      request.id = task.id.text();
      request.transition = transition;
      CO_TRY(co_await platform_.tasks().make_transition(context, std::move(request)));
    }
    CO_TRY(co_await press_yes());
    CO_TRY(co_await be(&consultant, chat::v1::PresenceStatus::kOffline));
    chat::v1::CloseSocketRequest close;
    close.socket_id = socket_id;
    CO_TRY(co_await platform_.chat().close_socket(hub, std::move(close)));
    template_task_ = task.id;
    co_return co_await end_of_case(task.process_instance.value_or(0));
  }

  Task<Result<void>> be(Person* who, chat::v1::PresenceStatus presence) {
    runtime::Context context = person(who->id);
    chat::v1::SetPresenceRequest request;
    request.status = presence;
    CO_TRY(co_await platform_.chat().set_presence(context, std::move(request)));
    co_return Result<void>();
  }

  Task<Result<tasks::v1::Task>> task_in(tasks::v1::Substatus wanted) {
    const Timestamp end = main_.steady_now() + kPatience;
    while (main_.steady_now() < end) {
      runtime::Context context = service();
      tasks::v1::ListTasksRequest list;
      list.channel_id = clients_.front().channel;
      CO_ASSIGN_OR_RETURN(const auto page, co_await platform_.tasks().list_tasks(context, std::move(list)));
      if (!page.items.empty() && page.items.front().substatus == wanted) co_return page.items.front();
      co_await main_.sleep_for(kLook);
    }
    co_return fail(ErrorKind::kDeadlineExceeded, "load.no-task", "The case did not come so far in time");
  }

  Task<Result<void>> press_yes() {
    const Timestamp end = main_.steady_now() + kPatience;
    const Person& client = clients_.front();
    while (main_.steady_now() < end) {
      runtime::Context context = person(client.id);
      chat::v1::ListPostsRequest list;
      list.id = client.channel;
      CO_ASSIGN_OR_RETURN(const auto page, co_await platform_.chat().list_posts(context, std::move(list)));
      for (const chat::v1::Post& post : page.items) {
        for (const chat::v1::Action& action : post.actions) {
          if (action.id != "yes") continue;
          chat::v1::PressActionRequest press;
          press.id = post.id;
          press.action_id = action.id;
          press.token = action.token;
          CO_TRY(co_await platform_.chat().press_action(context, std::move(press)));
          co_return Result<void>();
        }
      }
      co_await main_.sleep_for(kLook);
    }
    co_return fail(ErrorKind::kDeadlineExceeded, "load.no-feedback", "Nobody asked for feedback in time");
  }

  Task<Result<void>> end_of_case(std::int64_t instance) {
    template_instance_ = instance;
    const Timestamp end = main_.steady_now() + kPatience;
    while (main_.steady_now() < end) {
      runtime::Context context = service();
      CO_ASSIGN_OR_RETURN(const auto view, co_await platform_.engine().instance(context, instance));
      if (view.state != process::InstanceState::kActive) co_return Result<void>();
      co_await main_.sleep_for(kLook);
    }
    co_return fail(ErrorKind::kDeadlineExceeded, "load.no-end", "The process of the case did not end in time");
  }

  Task<Result<void>> copy_case() {
    runtime::Context context = service();
    for (const char* table : {"tasks_task", "tasks_history", "processes_instance"}) columns_[table] = columns_of(table);
    for (std::int64_t done = 0; done < options_.closed; done += kRowsAtOnce) {
      const std::int64_t until = std::min(options_.closed, done + kRowsAtOnce);
      std::vector<Uuid> ids;
      for (std::int64_t i = done; i < until; ++i) ids.push_back(context.new_id());
      const auto copy = [&](Transaction& transaction) -> Result<bool> {
        for (std::int64_t i = done; i < until; ++i) TRY(copy_once(transaction, i, ids[static_cast<std::size_t>(i - done)]));
        return true;
      };
      CO_TRY(co_await store_.privileged().write(context, copy));
      std::fprintf(stderr, "\r%lld closed cases", static_cast<long long>(until));
    }
    const std::int64_t used = options_.closed + 100;
    const auto numbers = [used](Transaction& transaction) {
      return transaction.execute("UPDATE tasks_number SET last = last + ?", used);
    };
    CO_TRY(co_await store_.privileged().write(context, numbers));
    std::fprintf(stderr, "\n");
    co_return Result<void>();
  }

  // Older by a minute each, of one client after the other, keys below those that the engine gives.
  Result<void> copy_once(Transaction& transaction, std::int64_t number, const Uuid& id) const {
    const std::int64_t age = (number + 1) * 60'000'000;
    const Person& client = clients_[static_cast<std::size_t>(number) % clients_.size()];
    TRY(copy_rows(transaction, "tasks_task", "id = ?", template_task_,
                  {{"id", database::to_value(id)},
                   {"number", database::to_value("MOI-" + std::to_string(1'000'000 + number))},
                   {"reporter_user_id", database::to_value(client.id)},
                   {"channel_id", database::to_value(client.channel)}},
                  age));
    TRY(copy_rows(transaction, "tasks_history", "task_id = ?", template_task_, {{"task_id", database::to_value(id)}}, age));
    TRY(copy_rows(transaction, "processes_instance", "key = ?", template_instance_,
                  {{"key", database::to_value(1 + number)}, {"idempotency_key", database::to_value("load-" + std::to_string(number))}}, age));
    return {};
  }

  // Services may not ask what columns there are, so another connection does.
  std::vector<std::string> columns_of(const std::string& table) const {
    sqlite3* raw = nullptr;
    sqlite3_stmt* statement = nullptr;
    std::vector<std::string> names;
    sqlite3_open_v2(database_.c_str(), &raw, SQLITE_OPEN_READWRITE, nullptr);
    sqlite3_prepare_v2(raw, ("SELECT name FROM pragma_table_info('" + table + "')").c_str(), -1, &statement, nullptr);
    while (sqlite3_step(statement) == SQLITE_ROW) names.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(statement, 0)));
    sqlite3_finalize(statement);
    sqlite3_close(raw);
    return names;
  }

  template <class Key>
  Result<void> copy_rows(Transaction& transaction, const std::string& table, const std::string& where, const Key& key,
                         const std::map<std::string, database::Value>& changes, std::int64_t age) const {
    std::string names;
    std::string expressions;
    std::vector<database::Value> values;
    for (const std::string& name : columns_.at(table)) {
      names += (names.empty() ? "" : ", ") + name;
      expressions += expressions.empty() ? "" : ", ";
      const bool is_time = name == "at" || name.ends_with("_at");
      if (const auto changed = changes.find(name); changed != changes.end()) {
        expressions += "?";
        values.push_back(changed->second);
      } else if (is_time) {
        expressions += name + " - ?";
        values.push_back(database::to_value(age));
      } else {
        expressions += name;
      }
    }
    values.push_back(database::to_value(key));
    TRY(transaction.run("INSERT INTO " + table + "(" + names + ") SELECT " + expressions + " FROM " + table + " WHERE " + where, values));
    return {};
  }

  // Older than what the logs of people keep, so no events go with them.
  Task<Result<void>> write_past() {
    runtime::Context context = service();
    const Timestamp now = context.now();
    const std::string text = "What was said long ago, in a sentence of the length that people write when they ask for help.";
    for (std::int64_t done = 0; done < options_.posts; done += kRowsAtOnce) {
      const std::int64_t until = std::min(options_.posts, done + kRowsAtOnce);
      std::vector<Uuid> ids;
      for (std::int64_t i = done; i < until; ++i) ids.push_back(context.new_id());
      const auto write = [&](Transaction& transaction) -> Result<bool> {
        for (std::int64_t i = done; i < until; ++i) {
          const Person& client = clients_[static_cast<std::size_t>(i) % clients_.size()];
          TRY(transaction.execute("INSERT INTO chat_posts (post_id, channel_id, author_id, at, text) VALUES (?, ?, ?, ?, ?)",
                                  ids[static_cast<std::size_t>(i - done)], client.channel, client.id,
                                  now - days(400) + seconds(i * 30), text));
        }
        return true;
      };
      CO_TRY(co_await store_.privileged().write(context, write));
      std::fprintf(stderr, "\r%lld posts", static_cast<long long>(until));
    }
    std::fprintf(stderr, "\n");
    co_return Result<void>();
  }

  // Nobody is online: each question waits.
  Task<Result<void>> ask() {
    const auto asking = static_cast<std::size_t>(std::min(options_.waiting, options_.clients - 1));
    for (std::size_t i = 1; i <= asking; ++i) CO_TRY(co_await ask_one(&clients_[i]));
    const Timestamp end = main_.steady_now() + kPatience;
    while (main_.steady_now() < end) {
      runtime::Context context = service();
      CO_ASSIGN_OR_RETURN(const bpmn::EngineFigures figures, co_await figures_of(&context));
      const auto waiting = std::ranges::count_if(figures.jobs, [](const auto& jobs) { return jobs.activated > jobs.completed; });
      if (figures.instances == static_cast<std::int64_t>(asking) && waiting == 0) co_return Result<void>();
      co_await main_.sleep_for(kLook);
    }
    co_return fail(ErrorKind::kDeadlineExceeded, "load.not-waiting", "Not every question came to wait in time");
  }
  Task<Result<bpmn::EngineFigures>> figures_of(runtime::Context* context) {
    auto figures = co_await platform_.figures(*context);
    if (!figures.engine) co_return fail(ErrorKind::kUnavailable, "load.no-figures", "The engine tells no figures");
    co_return std::move(*figures.engine);
  }

  Task<Result<void>> ask_one(Person* client) {
    runtime::Context context = person(client->id);
    chat::v1::CreatePostRequest request;
    request.id = client->channel;
    request.text = "zqx wvk plm btr kjh";
    CO_TRY(co_await platform_.chat().create_post(context, std::move(request)));
    co_return Result<void>();
  }

  Result<void> write_people() const {
    const auto told = [](const std::vector<Person>& people) {
      json::array all;
      for (const Person& one : people) {
        json::object row{{"name", one.name}, {"id", one.id.text()}, {"token", one.token}};
        if (one.channel != Uuid{}) row["channel"] = one.channel.text();
        all.push_back(std::move(row));
      }
      return all;
    };
    std::ofstream file(options_.people);
    file << json::serialize(json::object{{"clients", told(clients_)}, {"consultants", told(consultants_)}});
    if (!file.flush()) return fail(ErrorKind::kUnavailable, "load.not-written", "The file of the people cannot be written");
    return {};
  }

  const Options& options_;
  const std::string database_;
  database::Store& store_;
  std::map<std::string, std::vector<std::string>> columns_;  // of the tables that are copied
  SystemRandom random_;
  runtime::MetricsRegistry metrics_;
  runtime::AsioScheduler main_;
  runtime::AsioScheduler engine_;
  runtime::ThreadPool pool_;
  runtime::Log log_;
  runtime::CallMetrics observer_;
  sessions::FolderKeyStore keys_;
  tasks::QueueObserver queue_;
  app::Platform platform_;
  std::vector<Person> clients_;
  std::vector<Person> consultants_;
  std::size_t next_ = 0;
  std::size_t working_ = 0;
  std::optional<Error> failure_;
  Uuid template_task_;
  std::int64_t template_instance_ = 0;
};

Options parse_options(int argc, char** argv) {
  Options options;
  const std::map<std::string_view, std::int64_t Options::*> numbers = {
      {"--clients", &Options::clients}, {"--consultants", &Options::consultants}, {"--members", &Options::members},
      {"--waiting", &Options::waiting}, {"--closed", &Options::closed},           {"--posts", &Options::posts}};
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--data") options.data = argv[i + 1];
    if (name == "--people") options.people = argv[i + 1];
    if (const auto number = numbers.find(name); number != numbers.end()) options.*number->second = std::atoll(argv[i + 1]);
  }
  return options;
}

Result<void> make_folder(const Options& options) {
  ASSIGN_OR_RETURN(auto folder, runtime::DataFolder::open(options.data));
  database::sqlite::Options store_options{.path = folder.database(), .readers = 2};
  store_options.max_group = 1024;
  ASSIGN_OR_RETURN(auto store, database::sqlite::open_threaded(std::move(store_options)));
  Maker maker(options, folder, *store);
  TRY(maker.run());
  return folder.record_version();
}

}  // namespace
}  // namespace consilium

int main(int argc, char** argv) {
  const consilium::Options options = consilium::parse_options(argc, argv);
  if (options.data.empty() || options.people.empty()) {
    std::fputs("usage: load_folder --data DIR --people FILE [--clients N] [--consultants N] [--members N] [--waiting N] [--closed N] [--posts N]\n", stderr);
    return 2;
  }
  if (auto made = consilium::make_folder(options); !made) {
    std::fprintf(stderr, "load_folder: %s\n", made.error().describe().c_str());
    return 1;
  }
  return 0;
}
