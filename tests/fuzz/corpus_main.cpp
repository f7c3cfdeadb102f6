// Feeds a fuzzer's body its kept corpus, and each file again with fixed random damage, in every run of the tests: what a
// fuzzer found once stays mended. One test a file; a crash is told by the name printed before it.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/random.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// Of the program that this is linked into (cmake/consilium.cmake).
extern const char* const kCorpusFolder;

namespace {

// Of each file, but so that a large corpus takes no longer than a small one.
constexpr std::size_t kMostDamagedCopies = 200;
constexpr std::size_t kLeastDamagedCopies = 20;
constexpr std::size_t kDamagedCopiesOfAll = 4'000;
constexpr std::uint64_t kSeed = 4711;

// What is being fed; a crash writes it to `corpus-finding` in the working folder, for the fuzzer to be run with.
const std::string* fed = nullptr;

void keep_finding(int signal) {
  const int file = ::open("corpus-finding", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file >= 0 && fed != nullptr && ::write(file, fed->data(), fed->size()) < 0) ::_exit(1);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void feed(const std::string& input) {
  fed = &input;
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

// Changes a few bytes but the first, which names the parser.
std::string damaged(std::string input, consilium::RandomSource& random) {
  for (std::uint64_t changes = 1 + random.below(4); changes > 0 && input.size() > 1; --changes) {
    const std::size_t at = 1 + random.below(input.size() - 1);
    switch (random.below(4)) {
      case 0: input[at] = static_cast<char>(random.below(256)); break;
      case 1: input.erase(at, 1 + random.below(8)); break;
      case 2: input.insert(at, input.substr(1 + random.below(input.size() - 1), random.below(16))); break;
      default: input.resize(at + 1);
    }
  }
  return input;
}

class CorpusFile : public ::testing::Test {
 public:
  CorpusFile(std::filesystem::path file, std::size_t copies) : file_(std::move(file)), copies_(copies) {}

  void TestBody() override {
    std::fprintf(stderr, "corpus file %s\n", file_.c_str());
    std::ifstream in(file_, std::ios::binary);
    const std::string input{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    ASSERT_FALSE(in.bad());
    feed(input);
    consilium::SeededRandom random(kSeed);
    for (std::size_t copy = 0; copy < copies_; ++copy) feed(damaged(input, random));
  }

 private:
  std::filesystem::path file_;
  std::size_t copies_;
};

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  std::signal(SIGABRT, keep_finding);
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(kCorpusFolder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  if (files.empty()) {
    std::fprintf(stderr, "%s holds no file\n", kCorpusFolder);
    return 1;
  }
  const std::size_t copies = std::clamp(kDamagedCopiesOfAll / files.size(), kLeastDamagedCopies, kMostDamagedCopies);
  for (const auto& file : files) {
    ::testing::RegisterTest("Corpus", file.filename().c_str(), nullptr, nullptr, __FILE__, __LINE__,
                            [file, copies]() -> ::testing::Test* { return new CorpusFile(file, copies); });
  }
  return RUN_ALL_TESTS();
}
