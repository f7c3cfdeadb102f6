// One consultation from its question to its feedback, and the power goes at a sync of it: one run for each sync and each moment.
// What people were told before is there afterwards, and the case goes on to its end. CONSILIUM_SEED: with this one instead.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "cast.h"
#include "invariants.h"

namespace consilium::simulation {
namespace {

using database::simulated::CutMoment;

constexpr std::uint64_t kDefaultSeed = 11;
constexpr Duration kPatience = minutes(30);
constexpr std::size_t kMessages = 2;  // each way, after the question

std::uint64_t seed() {
  const char* text = std::getenv("CONSILIUM_SEED");
  return text ? std::strtoull(text, nullptr, 10) : kDefaultSeed;
}

// Both do the next thing that is to be done, by what the pages show: whoever wakes up anywhere in the case goes on with it.
class Party : public Page {
 public:
  using Page::Page;
  void start() { cluster_.people().spawn("party", live(this)); }
  void go_home() { over_ = true; }
  bool is_done() const { return done_; }

 protected:
  virtual Task<void> act() = 0;
  static std::size_t posts_of(const Json& posts, std::string_view user) {
    return static_cast<std::size_t>(
        std::ranges::count_if(items_of(posts), [user](const Json& post) { return text_at(post, "authorId") == user; }));
  }
  static std::size_t posts_of_others(const Json& posts, std::string_view user) {
    return static_cast<std::size_t>(std::ranges::count_if(
        items_of(posts), [user](const Json& post) { return text_at(post, "authorKind") == "user" && text_at(post, "authorId") != user; }));
  }
  bool done_ = false;

 private:
  static Task<void> live(Party* self) {
    self->cluster_.people().spawn("ping", ping(self, &self->over_));
    while (!self->over_) {
      co_await self->cluster_.people().sleep_for(milliseconds(250));
      if (!self->cluster_.is_up()) continue;
      if (self->cookie().empty()) {
        co_await self->log_in();
        continue;
      }
      co_await self->keep_socket();
      co_await self->act();
    }
  }

  bool over_ = false;
};

class Asking final : public Party {
 public:
  using Party::Party;

 private:
  Task<void> act() override {
    if (done_) co_return;
    auto channels = co_await call("GET", "/channels", "");
    if (!channels.ok() || items_of(channels.body).empty()) co_return;
    const std::string channel = text_at(items_of(channels.body).front(), "id");
    auto posts = co_await call("GET", "/channels/" + channel + "/posts?limit=50", "");
    if (!posts.ok()) co_return;
    note_posts(posts.body);
    const std::size_t mine = posts_of(posts.body, user_id());
    const std::size_t theirs = posts_of_others(posts.body, user_id());
    if (mine == 0 || (mine <= kMessages && theirs >= mine)) {
      std::string text = mine == 0 ? "My knee hurts since 17 days" : "Especially in the evening, number " + std::to_string(mine);
      std::string client_id = "asking-" + std::to_string(mine);
      co_await post(channel, std::move(client_id), std::move(text));
      co_return;
    }
    for (const Json& post : items_of(posts.body)) {
      if (text_at(post, "code") != "client.feedback") continue;
      const Json& yes = post.at("actions").as_array().front();
      std::string id = text_at(post, "id");
      std::string token = text_at(yes, "token");
      auto rated = co_await press(std::move(id), text_at(yes, "id"), std::move(token));
      // Refused as final: the first press was taken, and its answer lost.
      done_ = rated.ok() || text_at(rated.body, "code") == "chat.action-final";
      co_return;
    }
  }
};

class Answering final : public Party {
 public:
  using Party::Party;

 private:
  // Comes once: a presence that was acknowledged need not be chosen again.
  Task<void> act() override {
    if (!presence()) {
      co_await choose_presence("online");
      co_return;
    }
    auto tasks = co_await call("GET", "/tasks?status=open", "");
    if (!tasks.ok()) co_return;
    if (items_of(tasks.body).empty()) {
      done_ = solving_;  // it was solved, though its answer may be lost
      co_return;
    }
    const Json task = items_of(tasks.body).front();
    const std::string channel = text_at(task, "channelId");
    auto posts = co_await call("GET", "/channels/" + channel + "/posts?limit=50", "");
    if (!posts.ok()) co_return;
    note_posts(posts.body);
    const std::size_t mine = posts_of(posts.body, user_id());
    const std::size_t theirs = posts_of_others(posts.body, user_id());
    if (mine < kMessages && theirs > mine) {
      std::string client_id = "answering-" + std::to_string(mine);
      co_await post(channel, std::move(client_id), "Please tell me more");
    } else if (mine == kMessages && theirs > kMessages) {
      std::string id = text_at(task, "id");
      solving_ = true;
      co_await transition(std::move(id), "solve", "");
    }
  }

  bool solving_ = false;
};

// Where the power goes: at this sync after the consultation began, or, in a build that does not sync, after this write.
struct Cut {
  std::uint64_t number = 0;
  std::optional<CutMoment> moment;
};

std::string name_of(const Cut& cut) {
  static constexpr std::string_view kMoments[] = {"before", "in", "after"};
  if (!cut.moment) return "after write " + std::to_string(cut.number);
  return std::string(kMoments[static_cast<std::size_t>(*cut.moment)]) + " sync " + std::to_string(cut.number);
}

class Consultation {
 public:
  explicit Consultation(const Mutation* build = nullptr) : build_(build), cluster_(seed(), tally_, build) {}

  // Undisturbed: where it can be cut, from its beginning to its end.
  std::vector<Cut> run_undisturbed() {
    begin();
    const std::uint64_t syncs = cluster_.disk().syncs();
    const std::uint64_t writes = cluster_.disk().writes();
    go_on_to_the_end();
    std::vector<Cut> cuts;
    for (std::uint64_t number = 1; number <= last_sync_ - syncs; ++number) {
      for (const CutMoment moment : {CutMoment::kBeforeSync, CutMoment::kInSync, CutMoment::kAfterSync}) cuts.push_back({number, moment});
    }
    if (!cuts.empty()) return cuts;
    for (std::uint64_t number = 1; number <= last_write_ - writes; ++number) cuts.push_back({number, std::nullopt});
    return cuts;
  }

  void run(const Cut& cut) {
    begin();
    arrange(cut);
    if (fine()) wait_for_end([this] { return cluster_.is_lost(); });
    if (fine() && !cluster_.is_lost()) return cluster_.blame("the power never went");
    if (!fine()) return;
    cluster_.crash(Cluster::Crash::kPowerCut);
    if (!cluster_.start()) {
      if (fine()) cluster_.blame("the platform does not start again");
      return;
    }
    check_invariants(cluster_, pages_, Moment::kDuring);
    if (fine()) go_on_to_the_end();
  }

  bool fine() const { return cluster_.failures().empty(); }
  const std::vector<std::string>& failures() const { return cluster_.failures(); }

 private:
  void begin() {
    if (!cluster_.start()) return cluster_.blame("the platform does not start");
    const auto added = cluster_.ask(add_people(&cluster_));
    if (!added || !*added) return cluster_.blame("the people were not made");
    cluster_.run_for(seconds(5));  // what their making left to do
    for (Party* party : {static_cast<Party*>(&asking_), static_cast<Party*>(&answering_)}) {
      pages_.push_back(party);
      party->start();
    }
  }

  void arrange(const Cut& cut) {
    if (cut.moment) return cluster_.disk().cut_at_sync(cut.number, *cut.moment);
    cluster_.disk().cut_at_write(cut.number);
  }

  template <class Condition>
  void wait_for_end(Condition condition) {
    if (!cluster_.run_until([&] { return condition() || (asking_.is_done() && answering_.is_done()) || !fine(); }, kPatience) &&
        !cluster_.is_lost())
      cluster_.blame("the case did not come to its end");
    if (!cluster_.is_lost()) cluster_.run_for(seconds(5));  // the process of the case ends
    last_sync_ = cluster_.disk().syncs();
    last_write_ = cluster_.disk().writes();
  }

  void go_on_to_the_end() {
    wait_for_end([] { return false; });
    if (fine()) check_invariants(cluster_, pages_, Moment::kQuiet);
    asking_.go_home();
    answering_.go_home();
    cluster_.run_for(seconds(15));
    if (fine()) check_invariants(cluster_, pages_, Moment::kAtTheEnd);
    if (!fine()) return;
    expect_one("SELECT count(*) FROM tasks_task WHERE is_open = 0 AND substatus = 7 AND feedback_answer = 1",
               "a solved task with its feedback");
    expect_one("SELECT count(*) FROM tasks_task", "a task");
    expect_one("SELECT count(*) FROM tasks_history WHERE transition = 'assign'", "an assignment");
    expect_one("SELECT count(*) FROM tasks_history WHERE transition = 'solve'", "a solution");
    expect_one(
        "SELECT count(*) FROM processes_instance WHERE process_id = 'p-client-request' AND key = (SELECT process_instance FROM tasks_task)",
        "a process of the task");
    for (const char* code :
         {"client.new-request", "client.request-assigned", "consultant.request-assigned", "client.task-solved", "client.feedback"})
      expect_one("SELECT count(*) FROM chat_posts WHERE code = '" + std::string(code) + "'", code);
    if (running_instances(cluster_) != 0) cluster_.blame("the process of the case did not end");
  }

  void expect_one(std::string sql, std::string_view what) {
    const std::int64_t found = number_in(cluster_, std::move(sql));
    if (found != 1) cluster_.blame("expected once: " + std::string(what) + ", found " + std::to_string(found) + " times");
  }

  const Mutation* build_;
  Tally tally_;
  Cluster cluster_;
  Asking asking_{cluster_, "anna"};
  Answering answering_{cluster_, "clara"};
  Pages pages_;
  std::uint64_t last_sync_ = 0;
  std::uint64_t last_write_ = 0;
};

std::vector<Cut> all_cuts(const Mutation* build = nullptr) {
  Consultation undisturbed(build);
  std::vector<Cut> cuts = undisturbed.run_undisturbed();
  for (const std::string& failure : undisturbed.failures()) ADD_FAILURE() << failure;
  return cuts;
}

// About `count` of them, spread evenly, of each moment as many.
std::vector<Cut> some_cuts(const Mutation& build, std::size_t count) {
  const std::vector<Cut> all = all_cuts(&build);
  std::size_t step = std::max<std::size_t>(1, all.size() / std::max<std::size_t>(1, count));
  while (step > 1 && step % 3 == 0) ++step;
  std::vector<Cut> some;
  for (std::size_t i = 0; i < all.size(); i += step) some.push_back(all[i]);
  return some;
}

TEST(PowerCutInAConsultation, LosesNothingThatWasAcknowledgedAndTheCaseEnds) {
  const std::vector<Cut> cuts = all_cuts();
  EXPECT_GT(cuts.size(), 3U * 40U) << "a consultation has more syncs";
  for (const Cut& cut : cuts) {
    Consultation consultation;
    consultation.run(cut);
    for (const std::string& failure : consultation.failures())
      ADD_FAILURE() << failure << "\nthe power went " << name_of(cut) << "; again with: CONSILIUM_SEED=" << seed()
                    << " build/release/simulation_test --gtest_filter='PowerCut*'";
    if (HasFailure()) return;
  }
  std::printf("%zu cuts: before, in and after each of %zu syncs of a consultation\n", cuts.size(), cuts.size() / 3);
}

// How many of some cuts the test above would have found in this build, as the loss of something acknowledged.
std::size_t caught(const Mutation& build) {
  std::size_t found = 0;
  std::string example;
  const std::vector<Cut> cuts = some_cuts(build, 50);
  for (const Cut& cut : cuts) {
    Consultation consultation(&build);
    consultation.run(cut);
    const auto failure =
        std::ranges::find_if(consultation.failures(), [&build](const std::string& text) { return text.starts_with(build.caught_as); });
    if (failure == consultation.failures().end()) continue;
    ++found;
    if (example.empty()) example = *failure + ", the power went " + name_of(cut);
  }
  std::printf("%s: caught by %zu of %zu cuts: %s\n", std::string(build.name).c_str(), found, cuts.size(), example.c_str());
  return found;
}

TEST(PowerCutInAConsultation, IsNoticedWhenCommitsAreNotSynced) {
  EXPECT_GT(caught({"synchronous=OFF", "invariant acknowledged", {}, Mutation::Elsewhere::kCommitsAreNotSynced}), 0U);
}

TEST(PowerCutInAConsultation, IsNoticedWhenAnswersLeaveBeforeTheCommitIsOnTheDisk) {
  EXPECT_GT(caught({"answers before the commit", "invariant acknowledged", {}, Mutation::Elsewhere::kAnswersBeforeTheSync}), 0U);
}

}  // namespace
}  // namespace consilium::simulation
