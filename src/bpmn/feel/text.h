// Texts as FEEL sees them: sequences of characters (code points), not of bytes.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace consilium::bpmn::feel {

// Where a part occurs first; nullopt: nowhere. In time that grows with the sum of both.
std::optional<std::size_t> offset_of_text(std::string_view text, std::string_view part);
// Where the character with that index (from 0) begins; the size of the text beyond its end.
std::size_t offset_of_character(std::string_view text, std::size_t index);
std::string upper_case(std::string_view text);
std::string lower_case(std::string_view text);
std::string trimmed(std::string_view text);

// A regular expression of XPath and XQuery with its flags s, m, i, x and q, compiled. Immutable, any thread.
class Pattern {
 public:
  Pattern(std::string_view pattern, std::string_view flags);
  ~Pattern();
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  // How many this thread has compiled.
  static std::int64_t compiled();

  struct Compiled;
  // An error is a sentence.
  const std::expected<std::unique_ptr<const Compiled>, std::string>& result() const { return result_; }

 private:
  std::expected<std::unique_ptr<const Compiled>, std::string> result_;
};

// What matching took, in steps of an evaluation: some for each turn that the search goes back, and one for a few matches.
struct RegexWork {
  std::int64_t steps = 0;
};

// The work of each is bounded.
std::expected<bool, std::string> regex_matches(std::string_view text, const Pattern& pattern, RegexWork& work);
std::expected<std::string, std::string> regex_replace(std::string_view text, const Pattern& pattern, std::string_view replacement,
                                                      std::size_t most_bytes, RegexWork& work);
std::expected<std::vector<std::string>, std::string> regex_split(std::string_view text, const Pattern& pattern, RegexWork& work);
std::expected<std::vector<std::string>, std::string> regex_extract(std::string_view text, const Pattern& pattern, RegexWork& work);

}  // namespace consilium::bpmn::feel
