// The outputs of the sample contract are kept in testdata/golden. After a wanted change make them again with
//   CONSILIUM_MAKE_GOLDEN=1 build/release/contract_generator_test --gtest_filter='Golden.*'
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "check.h"
#include "contract_text_test.h"
#include "generator.h"
#include "names.h"

namespace consilium::generator {
namespace {

namespace fs = std::filesystem;

const fs::path kTestdata = fs::path(CONSILIUM_SOURCE_DIR) / "tools/protoc-gen-consilium/testdata";

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<Output> sample_outputs() {
  const ContractText text({}, (kTestdata / "api").string(), {"consilium/shared/v1/shared.proto", "consilium/sample/v1/sample.proto"});
  EXPECT_TRUE(text.syntax_errors().empty()) << join(text.syntax_errors(), "\n");
  const auto reasons = check(text.contract());
  EXPECT_TRUE(reasons.empty()) << join(reasons, "\n");
  return generate(text.contract());
}

TEST(Golden, OutputsAreThoseThatAreKept) {
  const fs::path golden = kTestdata / "golden";
  std::set<std::string> made;
  for (const Output& output : sample_outputs()) {
    // Kept with another ending, so that no build or format tool takes them for code.
    const fs::path place = golden / (output.path + ".golden");
    made.insert(place.string());
    if (std::getenv("CONSILIUM_MAKE_GOLDEN") != nullptr) {
      fs::create_directories(place.parent_path());
      std::ofstream(place, std::ios::binary) << output.text;
      continue;
    }
    EXPECT_EQ(output.text, read_file(place)) << output.path;
  }
  for (const auto& entry : fs::recursive_directory_iterator(golden)) {
    const bool expected = !entry.is_regular_file() || made.contains(entry.path().string());
    EXPECT_TRUE(expected) << "no output makes " << entry.path();
  }
}

TEST(Golden, OnlyWhatChangedIsWritten) {
  const fs::path folder = fs::path(testing::TempDir()) / ("consilium_generator_" + std::to_string(::getpid()));
  std::vector<Output> outputs{{"a/x.h", "one"}, {"web/y.ts", "two"}};
  const Folders folders{(folder / "out").string(), (folder / "pages").string()};
  ASSERT_EQ(write_changed(folders, outputs), "");
  EXPECT_EQ(read_file(folder / "out/a/x.h"), "one");
  EXPECT_EQ(read_file(folder / "pages/y.ts"), "two");
  const auto long_ago = fs::file_time_type() + std::chrono::hours(1);
  fs::last_write_time(folder / "out/a/x.h", long_ago);
  fs::last_write_time(folder / "pages/y.ts", long_ago);
  outputs[1].text = "three";
  ASSERT_EQ(write_changed(folders, outputs), "");
  EXPECT_EQ(fs::last_write_time(folder / "out/a/x.h"), long_ago);
  EXPECT_NE(fs::last_write_time(folder / "pages/y.ts"), long_ago);
  EXPECT_EQ(read_file(folder / "pages/y.ts"), "three");
  fs::remove_all(folder);
}

}  // namespace
}  // namespace consilium::generator
