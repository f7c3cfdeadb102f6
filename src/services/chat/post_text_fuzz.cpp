// What people and processes put into posts: `p` parameters of a predefined post (code, line feed, JSON), `t` the token of a
// button, else the text of a post.
#include <string>
#include <string_view>

#include "base/base64.h"
#include "base/fuzz_testing.h"
#include "base/utf8.h"
#include "services/chat/action_token.h"
#include "services/chat/post_text.h"
#include "services/chat/predefined_posts.h"

namespace consilium::chat {
namespace {

void fuzz_text(std::string_view text) {
  if (!check_post_text(text)) return;
  require(is_valid_utf8(text) && !text.empty() && count_code_points(text) <= kMaxPostCharacters);
  for (const char c : text) require(static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t');
}

void fuzz_parameters(std::string_view input) {
  const auto [code, json] = split_line(input);
  const PredefinedPost* post = find_predefined_post(code);
  if (post == nullptr) return;
  const auto parameters = read_parameters(*post, json);
  if (!parameters) {
    require(!parameters.error().fields.empty());
    return;
  }
  require(parameters->size() <= post->parameters.size());
  const std::string written = write_parameters(*parameters);
  const auto again = read_parameters(*post, written);
  require(again && again->size() == parameters->size() && write_parameters(*again) == written);
}

void fuzz_token(std::string_view token) {
  const ActionTokens tokens(Secret(std::string(32, 'k')));
  const Uuid post{{1}};
  const Uuid person{{2}};
  const Timestamp now{1'767'225'600'000'000};
  require(!tokens.valid(token, post, "yes", person, now));
  const std::string made = tokens.make(post, token, person, now + seconds(1));
  require(tokens.valid(made, post, token, person, now) && !tokens.valid(made, post, token, person, now + seconds(1)));
  require(!tokens.valid(made, person, token, person, now) && !tokens.valid(made, post, std::string(token) + "x", person, now));
}

}  // namespace
}  // namespace consilium::chat

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace consilium;
  const auto [kind, rest] = split_kind(fuzz_input(data, size));
  switch (kind) {
    case 'p': chat::fuzz_parameters(rest); break;
    case 't': chat::fuzz_token(rest); break;
    default: chat::fuzz_text(rest);
  }
  return 0;
}
