#include "ports/database/read_cache.h"

#include <gtest/gtest.h>

#include "ports/database/service_bench_testing.h"

namespace consilium::database {
namespace {

class ReadCacheTest : public ::testing::Test {
 protected:
  ReadCacheTest() {
    bench_.migrate("shop", {{1, "create",
                             "CREATE TABLE shop_item (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;"
                             "CREATE TABLE shop_price (id INTEGER PRIMARY KEY, price INTEGER NOT NULL) WITHOUT ROWID;"
                             "CREATE TABLE shop_other (id INTEGER PRIMARY KEY) STRICT;"}});
    cache_.emplace(bench_.store().service("shop"), std::initializer_list<std::string_view>{"shop_item", "shop_price"}, 10);
  }

  std::string look() {
    if (const auto found = cache_->find("item")) return "kept " + *found;
    const auto version = cache_->version();
    auto row = bench_.read("shop", [](Transaction& transaction) { return transaction.query_one("SELECT max(name) FROM shop_item"); });
    cache_->keep(version, "item", row->value().optional_text(0).value_or(""));
    return "read " + row->value().optional_text(0).value_or("");
  }
  template <class... Values>
  bool change(std::string sql) {
    return bench_.write("shop", [sql](Transaction& transaction) { return transaction.execute(sql); }).has_value();
  }

  testing::ServiceBench bench_;
  std::optional<ReadCache<std::string>> cache_;
};

TEST_F(ReadCacheTest, HoldsUntilOneOfItsTablesChanges) {
  EXPECT_EQ(look(), "read ");
  EXPECT_EQ(look(), "kept ");
  ASSERT_TRUE(change("INSERT INTO shop_item (name) VALUES ('a')"));
  EXPECT_EQ(look(), "read a");
  ASSERT_TRUE(change("INSERT INTO shop_other (id) VALUES (1)"));
  EXPECT_EQ(look(), "kept a");
  ASSERT_TRUE(change("INSERT INTO shop_price (id, price) VALUES (1, 2)"));  // a table without row ids
  EXPECT_EQ(look(), "read a");
  ASSERT_TRUE(change("UPDATE shop_item SET name = 'b' WHERE id = 99"));  // changes nothing
  EXPECT_EQ(look(), "kept a");
  ASSERT_TRUE(change("DELETE FROM shop_item"));
  EXPECT_EQ(look(), "read ");
}

TEST_F(ReadCacheTest, M_1_CountsItsLooks) {
  look();
  look();
  ASSERT_TRUE(change("INSERT INTO shop_item (name) VALUES ('a')"));
  look();
  look();
  look();
  const CacheFigures figures = cache_->figures();
  EXPECT_EQ(figures.hits, 3U);
  EXPECT_EQ(figures.misses, 2U);
  EXPECT_EQ(figures.entries, 1U);
}

TEST_F(ReadCacheTest, WhatWasReadBeforeAChangeIsNotKeptAfterIt) {
  const auto before = cache_->version();
  ASSERT_TRUE(change("INSERT INTO shop_item (name) VALUES ('a')"));
  cache_->keep(before, "item", "old");
  EXPECT_EQ(look(), "read a");
  cache_->keep(before, "item", "old");
  EXPECT_EQ(look(), "kept a");
}

// Else a consumer that is woken by the event of a change would be given what was read before it.
TEST_F(ReadCacheTest, WhoIsToldOfAChangeFindsItCounted) {
  const auto before = cache_->version();
  std::optional<std::uint64_t> when_told;
  bench_.store().watch("shop_item", [&] { when_told = cache_->version(); });
  ASSERT_TRUE(change("INSERT INTO shop_item (name) VALUES ('a')"));
  ASSERT_TRUE(before && when_told);
  EXPECT_EQ(*when_told, *before + 1);
}

class NoCounts final : public Database {
 public:
  void enqueue(Mode, Work, Done) override {}
};

TEST(ReadCache, KeepsNothingWhereChangesAreNotCounted) {
  NoCounts database;
  ReadCache<int> cache(database, {"shop_item"}, 10);
  cache.keep(cache.version(), "a", 1);
  EXPECT_FALSE(cache.find("a"));
}

}  // namespace
}  // namespace consilium::database
