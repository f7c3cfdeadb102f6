#include "bpmn/engine/ascending_map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace consilium::bpmn::engine {
namespace {

template <class Map>
void expect_equal(const AscendingMap<Key>& map, const Map& expected) {
  ASSERT_EQ(map.size(), expected.size());
  std::vector<std::pair<Key, Key>> entries;
  for (const auto& entry : map.entries()) {
    if (entry.value != 0) entries.emplace_back(entry.key, entry.value);
  }
  ASSERT_EQ(entries, (std::vector<std::pair<Key, Key>>(expected.begin(), expected.end())));
}

TEST(AscendingMap, IsAMap) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    AscendingMap<Key> map;
    std::map<Key, Key> expected;
    Key last = 0;
    for (int i = 0; i < 3000; ++i) {
      const Key known = last == 0 ? 0 : static_cast<Key>(random() % static_cast<std::uint64_t>(last)) + 1;
      switch (random() % 8) {
        case 0:
        case 1:
        case 2: {
          const Key key = ++last;
          map.set(key, key * 10);
          expected[key] = key * 10;
          break;
        }
        case 3: {  // one that was there, or between others
          map.set(known + 1, known + 7);
          expected[known + 1] = known + 7;
          last = std::max(last, known + 1);
          break;
        }
        default: {
          const auto found = expected.find(known);
          ASSERT_EQ(map.take(known), found == expected.end() ? 0 : found->second);
          if (found != expected.end()) expected.erase(found);
        }
      }
      const Key* value = map.find(known);
      const auto found = expected.find(known);
      ASSERT_EQ(value != nullptr, found != expected.end());
      if (value) {
        ASSERT_EQ(*value, found->second);
      }
    }
    expect_equal(map, expected);
  }
}

TEST(AscendingMap, IsLoadedInAnyOrder) {
  AscendingMap<Key> map;
  std::map<Key, Key> expected;
  for (Key i = 0; i < 1000; ++i) {
    const Key key = i * 7919 % 1009 + 1;
    map.load(key, key + 1);
    expected[key] = key + 1;
  }
  expect_equal(map, expected);
  EXPECT_EQ(map.find(2000), nullptr);
}

}  // namespace
}  // namespace consilium::bpmn::engine
