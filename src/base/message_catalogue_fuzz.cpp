// Catalogues of texts: `j` a whole file, else one pattern. A pattern's text, quoted and read again, renders as itself.
#include <algorithm>
#include <string>
#include <string_view>

#include "base/fuzz_testing.h"
#include "base/json_writer.h"
#include "base/message_catalogue.h"
#include "base/utf8.h"

namespace consilium {
namespace {

const MessageArgument kArguments[] = {
    {"name", "Anna"}, {"count", std::int64_t{1}}, {"other", std::int64_t{-12}}, {"text", "5"}, {"word", "x"}};

void render_all(const MessageCatalogue& catalogue, std::string_view language) {
  for (const std::string& key : catalogue.keys(language)) {
    require(catalogue.has(language, key));
    const std::vector<std::string> names = catalogue.arguments_of(language, key);
    require(std::is_sorted(names.begin(), names.end()) && std::find(names.begin(), names.end(), "") == names.end());
    const std::string text = catalogue.render(language, key, kArguments);
    require(text == catalogue.render(std::string(language) + "-XX", key, kArguments));
    static_cast<void>(catalogue.render(language, key));
  }
}

std::string catalogue_of(std::string_view pattern) {
  JsonWriter out;
  out.begin_object();
  out.name("k");
  out.text(pattern);
  out.end_object();
  return out.take();
}

// As a text that means nothing but itself: from the first special character on in one quotation.
std::string quoted(std::string_view text) {
  std::string out;
  bool open = false;
  for (const char c : text) {
    if (!open && (c == '{' || c == '}')) {
      open = true;
      out += '\'';
    }
    out += c;
    if (c == '\'') out += c;
  }
  return open ? out + '\'' : out;
}

void fuzz_pattern(std::string_view pattern) {
  if (!is_valid_utf8(pattern)) return;
  MessageCatalogue catalogue;
  if (const auto added = catalogue.add("en", catalogue_of(pattern)); !added) {
    require(added.error().code == "catalogue.malformed" && catalogue.keys("en").empty());
    return;
  }
  render_all(catalogue, "en");
  MessageCatalogue russian;
  require(russian.add("ru", catalogue_of(pattern)).has_value());
  render_all(russian, "ru");
  const std::string text = catalogue.render("en", "k", kArguments);
  MessageCatalogue again;
  const std::string written = quoted(text);
  if (written.size() > kMaxPatternBytes) return;
  require(again.add("en", catalogue_of(written)).has_value());
  require(again.render("en", "k") == text && again.arguments_of("en", "k").empty());
}

void fuzz_file(std::string_view json) {
  MessageCatalogue catalogue;
  const auto added = catalogue.add("ru", json);
  if (!added) {
    require(added.error().kind == ErrorKind::kMalformed && added.error().detail.size() <= 400 && catalogue.languages().empty());
    return;
  }
  require(catalogue.languages() == std::vector<std::string>{"ru"});
  render_all(catalogue, "ru");
  require(catalogue.render("ru", "no-such-key") == "no-such-key" || catalogue.has("ru", "no-such-key"));
}

}  // namespace
}  // namespace consilium

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [kind, rest] = consilium::split_kind(consilium::fuzz_input(data, size));
  if (kind == 'j') {
    consilium::fuzz_file(rest);
  } else {
    consilium::fuzz_pattern(rest);
  }
  return 0;
}
