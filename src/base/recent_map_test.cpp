#include "base/recent_map.h"

#include <gtest/gtest.h>

namespace consilium {
namespace {

TEST(RecentMap, FindsWhatWasPutLately) {
  RecentMap<int> map(2);
  map.put("a", 1);
  map.put("a", 2);
  ASSERT_NE(map.find("a"), nullptr);
  EXPECT_EQ(*map.find("a"), 2);
  EXPECT_EQ(map.find("b"), nullptr);
}

TEST(RecentMap, HoldsAtMostTwiceItsBoundAndForgetsWhatNobodyLooksFor) {
  RecentMap<int> map(10);
  map.put("wanted", 0);
  for (int i = 0; i < 100; ++i) {
    map.put(std::to_string(i), i);
    ASSERT_NE(map.find("wanted"), nullptr) << i;
    ASSERT_LE(map.size(), 20U);
  }
  EXPECT_EQ(map.find("0"), nullptr);
  EXPECT_NE(map.find("99"), nullptr);
  map.clear();
  EXPECT_EQ(map.find("wanted"), nullptr);
}

}  // namespace
}  // namespace consilium
