// The bot: answers what needs no consultant. A topic is found by whole words, in any case; topics are tried in their order,
// so that the same post always gets the same answer. Answers are messages `bot.<topic>` of the catalogue.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace consilium::chat {

struct BotTopic {
  std::string_view name;
  // In one language: words or phrases, lower-case, single spaces.
  std::vector<std::string_view> phrases;
  // A greeting in front of a question must not swallow it: the post may hold at most this many words beside the phrase.
  std::optional<std::size_t> max_other_words;
};

struct BotLanguage {
  std::string_view language;
  std::vector<BotTopic> topics;
};

std::span<const BotLanguage> bot_languages();

// The topic of a post, or nullopt. An unknown language is read as English.
std::optional<std::string_view> find_bot_topic(std::string_view text, std::string_view language);

// Lower-case words of a text, Latin and Cyrillic letters and digits; everything else separates. `ё` counts as `е`.
std::vector<std::string> words_of(std::string_view text);

}  // namespace consilium::chat
