// What every implementation of the database port promises. Each test runs over all of them.
#include <gtest/gtest.h>

#include <map>

#include "base/random.h"
#include "ports/database/store_harness.h"
#include "runtime/panic_testing.h"

namespace consilium::database {
namespace {

using testing::Limits;
using testing::StoreHarness;

struct Implementation {
  const char* name;
  std::unique_ptr<StoreHarness> (*make)(Limits);
};

std::vector<Migration> notes_migrations() {
  return {{1, "create_notes",
           "CREATE TABLE notes_note(id BLOB PRIMARY KEY, title TEXT NOT NULL UNIQUE, size INTEGER NOT NULL CHECK(size >= 0)) STRICT;\n"
           "CREATE TABLE notes_line(id INTEGER PRIMARY KEY, note BLOB NOT NULL REFERENCES notes_note(id), text TEXT) STRICT;\n"}};
}

class DatabaseContract : public ::testing::TestWithParam<Implementation> {
 protected:
  StoreHarness& open(Limits limits = {}) {
    harness_ = GetParam().make(std::move(limits));
    EXPECT_TRUE(migrate("notes", notes_migrations()));
    return *harness_;
  }
  Store& store() { return harness_->store(); }
  Database& notes() { return store().service("notes"); }
  bool migrate(std::string_view service, std::vector<Migration> migrations) {
    const auto done = store().migrate(service, std::move(migrations));
    if (!done) ADD_FAILURE() << done.error().describe();
    return done.has_value();
  }
  Uuid new_id() { return make_uuid_v7(Timestamp{1'000'000'000}, random_); }

  Result<std::int64_t> add(std::string title, std::int64_t size = 1) {
    const Uuid id = new_id();
    return harness_->write(notes(), [id, title, size](Transaction& transaction) {
      return transaction.execute("INSERT INTO notes_note(id, title, size) VALUES (?, ?, ?)", id, title, size);
    });
  }
  std::vector<std::string> titles() {
    auto rows =
        harness_->read(notes(), [](Transaction& transaction) { return transaction.query("SELECT title FROM notes_note ORDER BY title"); });
    if (!rows) return {"error " + rows.error().code};
    std::vector<std::string> all;
    for (const Row& row : *rows) all.push_back(row.text(0));
    return all;
  }
  std::string error_of_statement(Database& database, Database::Mode mode, std::string sql) {
    auto call = harness_->start(database, mode, [sql](Transaction& transaction) { return transaction.query(sql); });
    harness_->wait_until([&] { return call->done.load(); });
    const auto result = call->result();
    if (result) return "none";
    last_detail_ = result.error().detail;
    return result.error().code;
  }

  std::string last_detail_;
  SeededRandom random_{11};
  std::unique_ptr<StoreHarness> harness_;
};

TEST_P(DatabaseContract, StoresAndReadsEveryKindOfValue) {
  open();
  ASSERT_TRUE(migrate("kinds",
                      {{1, "create", "CREATE TABLE kinds_kind(a INTEGER, b REAL, c TEXT, d BLOB, e TEXT, f INTEGER, g BLOB, h INTEGER)"}}));
  const Uuid id = new_id();
  const std::string text("a\0b \xc3\xa4", 6);
  Database& kinds = store().service("kinds");
  ASSERT_TRUE(harness_->write(kinds, [&](Transaction& transaction) {
    return transaction.execute("INSERT INTO kinds_kind VALUES (?, ?, ?, ?, ?, ?, ?, ?)", std::int64_t{-5}, 2.5, text,
                               Blob{std::string("\0\1", 2)}, std::optional<std::string>(), Timestamp{77}, id, true);
  }));
  const auto row = harness_->read(kinds, [](Transaction& transaction) { return transaction.query_one("SELECT * FROM kinds_kind"); });
  ASSERT_TRUE(row && *row);
  EXPECT_EQ((*row)->integer(0), -5);
  EXPECT_EQ((*row)->real(1), 2.5);
  EXPECT_EQ((*row)->text(2), text);
  EXPECT_EQ((*row)->blob(3), std::string("\0\1", 2));
  EXPECT_EQ((*row)->optional_text(4), std::nullopt);
  EXPECT_EQ((*row)->timestamp(5), Timestamp{77});
  EXPECT_EQ((*row)->uuid(6), id);
  EXPECT_TRUE((*row)->boolean(7));
  EXPECT_THROW((*row)->text(0), std::bad_variant_access);
}

TEST_P(DatabaseContract, AnAnswerIsReadableByTheNextRead) {
  open();
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(add("title " + std::to_string(i)), 1);
    ASSERT_EQ(titles().size(), static_cast<std::size_t>(i + 1));
  }
}

TEST_P(DatabaseContract, AnErrorRollsBackTheWholeFunctionAndNothingElse) {
  open();
  ASSERT_TRUE(add("kept"));
  const Uuid id = new_id();
  const auto failed = harness_->write(notes(), [id](Transaction& transaction) -> Result<int> {
    EXPECT_TRUE(transaction.execute("INSERT INTO notes_note VALUES (?, 'half', 1)", id));
    EXPECT_TRUE(transaction.execute("UPDATE notes_note SET size = 9"));
    return fail(ErrorKind::kConflict, "notes.no", "no");
  });
  EXPECT_EQ(failed.error().code, "notes.no");
  EXPECT_EQ(titles(), std::vector<std::string>{"kept"});
  ASSERT_TRUE(add("after"));
  EXPECT_EQ(titles(), (std::vector<std::string>{"after", "kept"}));
}

TEST_P(DatabaseContract, P_1_AnExceptionIsABugThatIsRolledBackAndAnswered) {
  runtime::testing::PanicWatch panics;
  open();
  const Uuid id = new_id();
  const auto failed = harness_->write(notes(), [id](Transaction& transaction) -> Result<int> {
    EXPECT_TRUE(transaction.execute("INSERT INTO notes_note VALUES (?, 'half', 1)", id));
    return runtime::testing::throw_from_deep_inside("a bug of the function");
  });
  EXPECT_EQ(failed.error().kind, ErrorKind::kInternal);
  EXPECT_EQ(panics.count("database"), 1U);
  EXPECT_TRUE(panics.all_show_the_throw("a bug of the function"));
  EXPECT_TRUE(titles().empty());
  EXPECT_TRUE(add("after"));
}

TEST_P(DatabaseContract, AnAttemptIsUndoneAlone) {
  open();
  const auto done = harness_->write(notes(), [&](Transaction& transaction) -> Result<std::string> {
    std::string codes;
    for (const char* title : {"one", "one", "two"}) {
      const auto tried = transaction.attempt([&]() -> Result<std::int64_t> {
        TRY(transaction.execute("UPDATE notes_note SET size = size + 1"));
        const auto nested = transaction.attempt([&]() { return transaction.execute("UPDATE notes_note SET size = -1"); });
        EXPECT_EQ(nested.has_value(), codes.empty());  // no row yet: nothing to check
        return transaction.execute("INSERT INTO notes_note VALUES (?, ?, 1)", new_id(), title);
      });
      codes += tried ? "ok " : tried.error().code + " ";
    }
    return codes;
  });
  ASSERT_TRUE(done);
  EXPECT_EQ(*done, "ok database.unique ok ");
  const auto sizes =
      harness_->read(notes(), [](Transaction& transaction) { return transaction.query("SELECT size FROM notes_note ORDER BY title"); });
  ASSERT_TRUE(sizes);
  EXPECT_EQ(sizes->at(0).integer(0), 2);  // raised by the third attempt, not by the second
  EXPECT_EQ(sizes->at(1).integer(0), 1);
}

TEST_P(DatabaseContract, NamesWhichRuleWasBroken) {
  open();
  ASSERT_TRUE(add("same"));
  const auto again = add("same");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, "database.unique");
  EXPECT_EQ(again.error().kind, ErrorKind::kConflict);
  EXPECT_EQ(again.error().detail, "notes_note.title");
  EXPECT_EQ(add("negative", -1).error().code, "database.check");
  const Uuid nobody = new_id();
  const auto orphan = harness_->write(
      notes(), [nobody](Transaction& transaction) { return transaction.execute("INSERT INTO notes_line(note) VALUES (?)", nobody); });
  EXPECT_EQ(orphan.error().code, "database.foreign-key");
  EXPECT_EQ(error_of_statement(notes(), Database::Mode::kWrite, "INSERT INTO notes_note VALUES (NULL, NULL, 1)"), "database.check");
  EXPECT_EQ(error_of_statement(notes(), Database::Mode::kRead, "SELECT nonsense"), "database.failed");
  EXPECT_EQ(error_of_statement(notes(), Database::Mode::kRead, "SELECT 1; SELECT 2"), "database.failed");
}

TEST_P(DatabaseContract, KeepsAServiceToItsOwnTables) {
  open();
  ASSERT_TRUE(migrate("other", {{1, "create", "CREATE TABLE other_secret(id INTEGER PRIMARY KEY, word TEXT)"}}));
  ASSERT_TRUE(migrate("note", {{1, "create", "CREATE TABLE note_x(id INTEGER PRIMARY KEY)"}}));
  for (const char* sql : {"SELECT word FROM other_secret",
                          "SELECT count(*) FROM other_secret",
                          "SELECT 1 FROM other_secret",
                          "INSERT INTO other_secret(word) VALUES ('x')",
                          "DELETE FROM other_secret",
                          "UPDATE other_secret SET word = 'x'",
                          "SELECT name FROM sqlite_master",
                          "SELECT (SELECT word FROM other_secret)",
                          "WITH w AS (SELECT word FROM other_secret) SELECT * FROM w",
                          "SELECT id FROM note_x",
                          "PRAGMA user_version",
                          "CREATE TABLE notes_new(id INTEGER)",
                          "DROP TABLE notes_note",
                          "ATTACH 'x' AS y",
                          "COMMIT",
                          "ROLLBACK",
                          "SAVEPOINT s",
                          "RELEASE job",
                          "SELECT random()",
                          "SELECT CURRENT_TIMESTAMP",
                          "CREATE TEMP TABLE t(a)",
                          "VACUUM"}) {
    const std::string code = error_of_statement(notes(), Database::Mode::kWrite, sql);
    // SQLite itself refuses changes of its own table.
    const bool by_sqlite = code == "database.failed" && last_detail_.find("sqlite_master may not be modified") != std::string::npos;
    EXPECT_TRUE(by_sqlite || code == "database.forbidden-table") << sql << ": " << code << " " << last_detail_;
  }
  EXPECT_EQ(error_of_statement(store().service("other"), Database::Mode::kRead, "SELECT word FROM other_secret"), "none");
  EXPECT_EQ(error_of_statement(store().privileged(), Database::Mode::kRead, "SELECT word FROM other_secret, notes_note"), "none");
  EXPECT_EQ(error_of_statement(store().privileged(), Database::Mode::kWrite, "DROP TABLE notes_note"), "database.forbidden-table");
  EXPECT_EQ(error_of_statement(notes(), Database::Mode::kRead, "WITH n AS (SELECT 1) SELECT count(*) FROM n, json_each('[1]')"), "none")
      << last_detail_;
  EXPECT_THROW(store().service("no_underscore"), std::invalid_argument);
  EXPECT_THROW(store().service("Sqlite"), std::invalid_argument);
  EXPECT_EQ(&store().service("notes"), &store().service("notes"));
  ASSERT_TRUE(add("still works"));
}

TEST_P(DatabaseContract, AReadCannotWrite) {
  open();
  EXPECT_EQ(error_of_statement(notes(), Database::Mode::kRead, "DELETE FROM notes_note"), "database.read-only");
}

TEST_P(DatabaseContract, BoundsTheRowsOfAStatement) {
  open();
  const std::string up_to = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ";
  EXPECT_EQ(error_of_statement(notes(), Database::Mode::kRead, up_to + "10000) SELECT i FROM n"), "none");
  EXPECT_EQ(error_of_statement(notes(), Database::Mode::kRead, up_to + "10001) SELECT i FROM n"), "database.too-many-rows");
}

TEST_P(DatabaseContract, EndsAReadThatTakesTooLong) {
  std::atomic<std::int64_t> clock{0};
  open({.steady_now = [&clock] { return Timestamp{clock += 10'000}; }});  // every look costs 10 ms
  EXPECT_EQ(error_of_statement(notes(), Database::Mode::kRead,
                               "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"),
            "database.too-slow");
  const auto many = harness_->read(notes(), [](Transaction& transaction) -> Result<int> {
    for (int i = 0; i < 10'000; ++i) TRY(transaction.query("SELECT 1"));
    return 1;
  });
  EXPECT_EQ(many ? "none" : many.error().code, "database.too-slow");
  EXPECT_TRUE(add("goes on"));
  EXPECT_EQ(titles().size(), 1U);
}

TEST_P(DatabaseContract, RefusesWritesWhenLittleSpaceIsLeft) {
  std::atomic<std::uint64_t> left{64ULL << 20};
  open({.free_bytes = [&left] { return std::optional<std::uint64_t>(left); }});
  ASSERT_TRUE(add("at the reserve"));
  --left;
  const auto refused = add("below it");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "storage-full");
  EXPECT_EQ(refused.error().kind, ErrorKind::kUnavailable);
  EXPECT_TRUE(refused.error().retry_after);
  EXPECT_EQ(titles(), std::vector<std::string>{"at the reserve"});
  ++left;
  EXPECT_TRUE(add("again"));
}

TEST_P(DatabaseContract, KeepsWhatItAnsweredOverAReopening) {
  open();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(add(std::to_string(i)));
  harness_->reopen();
  ASSERT_TRUE(migrate("notes", notes_migrations()));
  EXPECT_EQ(titles().size(), 20U);
}

TEST_P(DatabaseContract, MigratesForwardOnly) {
  open();
  auto migrations = notes_migrations();
  migrations.push_back({2, "add_colour", "ALTER TABLE notes_note ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue' CHECK(colour <> '');"});
  ASSERT_TRUE(add("before"));
  ASSERT_TRUE(migrate("notes", migrations));
  ASSERT_TRUE(migrate("notes", migrations));
  EXPECT_EQ(error_of_statement(notes(), Database::Mode::kRead, "SELECT colour FROM notes_note"), "none");

  EXPECT_EQ(store().migrate("notes", notes_migrations()).error().code, "database.newer-schema");
  auto edited = migrations;
  edited[0].sql += " ";
  EXPECT_EQ(store().migrate("notes", edited).error().code, "database.migration-changed");
  auto gap = migrations;
  gap.push_back({4, "gap", "SELECT 1"});
  EXPECT_EQ(store().migrate("notes", gap).error().code, "database.migration-order");
  auto broken = migrations;
  broken.push_back({3, "broken", "CREATE TABLE notes_half(id INTEGER); CREATE TABLE notes_half(id INTEGER);"});
  EXPECT_EQ(store().migrate("notes", broken).error().code, "database.migration-failed");
  auto foreign = migrations;
  foreign.push_back({3, "foreign", "CREATE TABLE other_table(id INTEGER)"});
  EXPECT_EQ(store().migrate("notes", foreign).error().code, "database.migration-failed");
  EXPECT_EQ(error_of_statement(notes(), Database::Mode::kRead, "SELECT * FROM notes_half"), "database.failed");  // rolled back
  EXPECT_TRUE(migrate("notes", migrations));
}

TEST_P(DatabaseContract, MigratesEverySortOfTable) {
  open();
  ASSERT_TRUE(migrate("text", {{1, "create",
                                "CREATE TABLE text_entry(id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);\n"
                                "CREATE INDEX text_by_body ON text_entry(body) WHERE body <> '';\n"
                                "CREATE VIRTUAL TABLE text_search USING fts5(body, content='text_entry', content_rowid='id');\n"
                                "CREATE TRIGGER text_on_insert AFTER INSERT ON text_entry BEGIN\n"
                                "  INSERT INTO text_search(rowid, body) VALUES (new.id, new.body);\n"
                                "END;\n"
                                "-- done\n"}}));
  Database& text = store().service("text");
  EXPECT_EQ(error_of_statement(text, Database::Mode::kWrite, "INSERT INTO text_entry(body) VALUES ('heart and lung')"), "none")
      << last_detail_;
  const auto found = harness_->read(text, [](Transaction& transaction) {
    return transaction.query("SELECT rowid FROM text_search WHERE text_search MATCH ? ORDER BY rank", "lung");
  });
  ASSERT_TRUE(found) << found.error().describe();
  EXPECT_EQ(found->size(), 1U);
}

TEST_P(DatabaseContract, BacksUpWhileItWorks) {
  open();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(add("title " + std::to_string(i)));
  const std::string path = harness_->backup_path();
  harness_->leave_rubbish(path + ".partial");  // of a backup that was killed
  const auto done = store().backup_to(path);
  ASSERT_TRUE(done) << done.error().describe();
  ASSERT_TRUE(add("later"));
  EXPECT_EQ(store().backup_to(path).error().code, "database.backup-exists");
  const auto copy = harness_->open_other(path);
  const auto count = copy->read(copy->store().service("notes"),
                                [](Transaction& transaction) { return transaction.query_one("SELECT count(*) FROM notes_note"); });
  ASSERT_TRUE(count && *count);
  EXPECT_EQ((*count)->integer(0), 30);
  const auto findings = copy->store().verify();
  ASSERT_TRUE(findings);
  EXPECT_TRUE(findings->empty());
}

TEST_P(DatabaseContract, TellsWhoWatchesATable) {
  open();
  std::atomic<int> told{0};
  store().watch("notes_line", [&told] { ++told; });
  ASSERT_TRUE(add("a"));
  EXPECT_EQ(told, 0);
  ASSERT_TRUE(harness_->write(notes(), [](Transaction& transaction) {
    return transaction.execute("INSERT INTO notes_line(note, text) SELECT id, 'x' FROM notes_note");
  }));
  EXPECT_EQ(told, 1);
}

TEST_P(DatabaseContract, RefusesWhenTheQueueIsFull) {
  open({.write_queue = 8});
  std::atomic<bool> open_gate{false};
  std::atomic<bool> at_gate{false};
  const bool threaded = std::string_view(GetParam().name) == "Threaded";
  // The writer stands in a function, so that the queue fills; the simulated one works only when it is let.
  if (threaded) {
    harness_->start(notes(), Database::Mode::kWrite, [&](Transaction&) -> Result<int> {
      at_gate = true;
      at_gate.notify_one();
      open_gate.wait(false);
      return 1;
    });
    at_gate.wait(false);
  }
  std::vector<std::shared_ptr<StoreHarness::Call<Result<int>>>> calls;
  for (int i = 0; i < 9; ++i)
    calls.push_back(harness_->start(notes(), Database::Mode::kWrite, [](Transaction&) -> Result<int> { return 2; }));
  open_gate = true;
  open_gate.notify_one();
  for (int i = 0; i < 9; ++i) {
    harness_->wait_until([&] { return calls[i]->done.load(); });
    if (i < 8) {
      EXPECT_EQ(calls[i]->result(), 2) << i;
    } else {
      EXPECT_EQ(calls[i]->result().error().code, "database.overloaded");
      EXPECT_TRUE(calls[i]->result().error().retry_after);
    }
  }
  EXPECT_EQ(store().statistics().refused, 1U);
}

TEST_P(DatabaseContract, B_73_FinishesWhatIsQueuedWhenItCloses) {
  open();
  std::vector<std::shared_ptr<StoreHarness::Call<Result<std::int64_t>>>> calls;
  for (int i = 0; i < 100; ++i) {
    const Uuid id = new_id();
    calls.push_back(harness_->start(notes(), Database::Mode::kWrite, [id, i](Transaction& transaction) {
      return transaction.execute("INSERT INTO notes_note VALUES (?, ?, 1)", id, std::to_string(i));
    }));
  }
  store().close();
  for (const auto& call : calls) {
    ASSERT_TRUE(call->done);
    EXPECT_EQ(call->result(), 1);
  }
  EXPECT_EQ(add("late").error().code, "database.closed");
  harness_->reopen();
  EXPECT_EQ(titles().size(), 100U);
}

Task<Result<std::int64_t>> add_and_count(Database& database, runtime::Context& context) {
  const Uuid id = context.new_id();
  CO_ASSIGN_OR_RETURN(const auto added, co_await database.write(context, [&](Transaction& transaction) {
    return transaction.execute("INSERT INTO notes_note VALUES (?, ?, 1)", id, id.text());
  }));
  CO_ASSIGN_OR_RETURN(const auto row, co_await database.read(context, [](Transaction& transaction) {
    return transaction.query_one("SELECT count(*) FROM notes_note");
  }));
  co_return row->integer(0) + added - 1;
}

Task<void> add_from_coroutines(StoreHarness& harness, std::vector<std::int64_t>& counts, std::string& late) {
  SeededRandom random(3);
  runtime::Context context(harness.loop(), random);
  Database& notes = harness.store().service("notes");
  for (int i = 0; i < 5; ++i) {
    const auto count = co_await add_and_count(notes, context);
    counts.push_back(count ? *count : -1);
    if (!harness.loop().is_current()) counts.push_back(-2);
  }
  context.deadline = harness.loop().steady_now();
  const auto refused = co_await add_and_count(notes, context);
  late = refused ? "none" : refused.error().code;
}

TEST_P(DatabaseContract, AnswersCoroutinesOnTheirLoop) {
  open();
  std::vector<std::int64_t> counts;
  std::string late;
  harness_->run(add_from_coroutines(*harness_, counts, late));
  EXPECT_EQ(counts, (std::vector<std::int64_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(late, "request.deadline-exceeded");
}

// Random transfers between accounts against a model: the sum stays, and what was answered is what is read.
TEST_P(DatabaseContract, AgreesWithAModelUnderRandomTransactions) {
  open();
  ASSERT_TRUE(
      migrate("bank", {{1, "create", "CREATE TABLE bank_account(id INTEGER PRIMARY KEY, amount INTEGER NOT NULL CHECK(amount >= 0))"}}));
  Database& bank = store().service("bank");
  constexpr int kAccounts = 8;
  std::map<std::int64_t, std::int64_t> model;
  ASSERT_TRUE(harness_->write(bank, [](Transaction& transaction) -> Result<int> {
    for (int id = 0; id < kAccounts; ++id) TRY(transaction.execute("INSERT INTO bank_account VALUES (?, 100)", id));
    return 0;
  }));
  for (int id = 0; id < kAccounts; ++id) model[id] = 100;
  const std::uint64_t seed = 20'260'101;
  SCOPED_TRACE("seed " + std::to_string(seed));
  SeededRandom random(seed);
  for (int round = 0; round < 40; ++round) {
    struct Move {
      std::int64_t from, to, amount;
      std::shared_ptr<StoreHarness::Call<Result<int>>> call;
    };
    std::vector<Move> moves;
    for (std::uint64_t i = 0, count = 1 + random.below(12); i < count; ++i) {
      const auto from = static_cast<std::int64_t>(random.below(kAccounts));
      const auto to = static_cast<std::int64_t>(random.below(kAccounts));
      const auto amount = static_cast<std::int64_t>(random.below(90));
      moves.push_back(
          {from, to, amount, harness_->start(bank, Database::Mode::kWrite, [from, to, amount](Transaction& transaction) -> Result<int> {
             TRY(transaction.execute("UPDATE bank_account SET amount = amount + ? WHERE id = ?", amount, to));
             TRY(transaction.execute("UPDATE bank_account SET amount = amount - ? WHERE id = ?", amount, from));
             return 1;
           })});
    }
    for (const Move& move : moves) {
      harness_->wait_until([&] { return move.call->done.load(); });
      const bool expected = move.from == move.to || model[move.from] >= move.amount;
      ASSERT_EQ(move.call->result().has_value(), expected);
      if (!expected) continue;
      model[move.to] += move.amount;
      model[move.from] -= move.amount;
    }
    const auto rows =
        harness_->read(bank, [](Transaction& transaction) { return transaction.query("SELECT id, amount FROM bank_account"); });
    ASSERT_TRUE(rows);
    for (const Row& row : *rows) ASSERT_EQ(row.integer(1), model[row.integer(0)]);
  }
}

INSTANTIATE_TEST_SUITE_P(All, DatabaseContract,
                         ::testing::Values(Implementation{"Threaded", testing::threaded_harness},
                                           Implementation{"Simulated", testing::simulated_harness}),
                         [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace consilium::database
