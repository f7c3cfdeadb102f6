// Texts for people, one flat JSON file a language (`locales/en.json`: `{"post.client.hello": "Good day, {client}!"}`).
// A pattern is the part of ICU MessageFormat that the product needs:
//   {name}                                                     a named argument
//   {count, plural, =0 {none} one {# post} other {# posts}}    by the plural rules of CLDR for en and ru; `#` is the number
//   '{'   ''                                                   a literal brace, a literal apostrophe
// ICU itself is not used because its data is 30 MB.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace consilium {

namespace message_detail {
struct Pattern;
}

inline constexpr std::size_t kMaxCatalogueBytes = 4u << 20;  // of one language's file
inline constexpr std::size_t kMaxPatternBytes = 16u << 10;
inline constexpr int kMaxPatternDepth = 4;  // plurals within plurals

struct MessageArgument {
  std::string name;
  std::variant<std::string, std::int64_t> value;
};

// CLDR category of a whole number: `one`, `few`, `many` or `other`. Languages other than en and ru have only `other`.
std::string_view plural_category(std::string_view language, std::int64_t number);

// Filled at start, then read from any thread.
class MessageCatalogue {
 public:
  MessageCatalogue();
  ~MessageCatalogue();
  MessageCatalogue(MessageCatalogue&&) noexcept;
  MessageCatalogue& operator=(MessageCatalogue&&) noexcept;

  // `json`: one object of texts. Errors: `catalogue.malformed` (kMalformed; detail names the key). Adding a language
  // again adds and replaces keys. On an error nothing is added.
  Result<void> add(std::string_view language, std::string_view json);

  // The text of `key` in the language (`ru-RU`, then `ru`), else in English, else the key itself, which is counted.
  // An argument that the pattern names and the caller does not give stays visible as `{name}` and is counted.
  std::string render(std::string_view language, std::string_view key, std::span<const MessageArgument> arguments = {}) const;
  std::string render(std::string_view language, std::string_view key, std::initializer_list<MessageArgument> arguments) const {
    return render(language, key, std::span(arguments.begin(), arguments.size()));
  }

  // Without the fall-back to English.
  bool has(std::string_view language, std::string_view key) const;
  // Names of the arguments that the pattern of exactly this language uses, sorted; empty when there is none.
  std::vector<std::string> arguments_of(std::string_view language, std::string_view key) const;
  std::vector<std::string> languages() const;
  std::vector<std::string> keys(std::string_view language) const;

  // Since start, for metrics.
  std::uint64_t missing_keys() const { return counters_->missing_keys.load(std::memory_order_relaxed); }
  std::uint64_t missing_arguments() const { return counters_->missing_arguments.load(std::memory_order_relaxed); }

 private:
  struct Counters {
    std::atomic<std::uint64_t> missing_keys{0};
    std::atomic<std::uint64_t> missing_arguments{0};
  };
  using Patterns = std::map<std::string, std::unique_ptr<message_detail::Pattern>, std::less<>>;

  const message_detail::Pattern* find(std::string_view language, std::string_view key) const;

  std::map<std::string, Patterns, std::less<>> languages_;
  std::unique_ptr<Counters> counters_;
};

}  // namespace consilium
