#include "services/chat/bot.h"

#include <algorithm>

#include "base/utf8.h"

namespace consilium::chat {
namespace {

// Cyrillic and Latin letters have their lower case at a fixed distance; others stay.
char32_t lower(char32_t c) {
  if (c >= 'A' && c <= 'Z') return c + 0x20;
  if (c >= 0xc0 && c <= 0xde && c != 0xd7) return c + 0x20;
  if (c >= 0x410 && c <= 0x42f) return c + 0x20;
  if (c == 0x401 || c == 0x451) return 0x435;  // Ё, ё -> е
  if (c >= 0x400 && c <= 0x40f) return c + 0x50;
  return c;
}

bool is_word_character(char32_t c) {
  if (c < 0x80) return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return (c >= 0xc0 && c <= 0x24f && c != 0xd7 && c != 0xf7) || (c >= 0x400 && c <= 0x52f);
}

// How many words the phrase has if it stands in the text, else 0.
std::size_t words_found(std::span<const std::string> text, std::string_view phrase) {
  const std::vector<std::string> wanted = words_of(phrase);
  const auto place = std::search(text.begin(), text.end(), wanted.begin(), wanted.end());
  return place == text.end() ? 0 : wanted.size();
}

bool matches(const BotTopic& topic, std::span<const std::string> text) {
  return std::any_of(topic.phrases.begin(), topic.phrases.end(), [&](std::string_view phrase) {
    const std::size_t found = words_found(text, phrase);
    return found > 0 && (!topic.max_other_words || text.size() - found <= *topic.max_other_words);
  });
}

// A greeting or thanks with one more word: "hello there", "thanks doctor".
constexpr std::size_t kSmallTalk = 1;

std::vector<BotLanguage> make_languages() {
  return {
      {"en",
       {
           {"product", {"consilium", "what is this service", "what can you do", "how does this work"}, std::nullopt},
           {"company", {"about you", "your company", "who are you", "your address", "your licence", "your license"}, std::nullopt},
           {"opening-hours", {"opening hours", "working hours", "business hours", "are you open", "when do you work"}, std::nullopt},
           {"thanks", {"thank you very much", "thank you so much", "thank you", "thanks a lot", "thanks"}, kSmallTalk},
           {"greeting", {"good morning", "good afternoon", "good evening", "good day", "hello", "hi", "hey"}, kSmallTalk},
       }},
      {"ru",
       {
           {"product", {"консилиум", "consilium", "что это за сервис", "что вы умеете", "как это работает"}, std::nullopt},
           {"company", {"о компании", "ваша компания", "кто вы", "ваш адрес", "ваша лицензия"}, std::nullopt},
           {"opening-hours", {"часы работы", "время работы", "режим работы", "график работы", "когда вы работаете"}, std::nullopt},
           {"thanks", {"большое спасибо", "спасибо большое", "спасибо", "благодарю"}, kSmallTalk},
           {"greeting", {"доброе утро", "добрый день", "добрый вечер", "доброго дня", "здравствуйте", "здравствуй", "привет"}, kSmallTalk},
       }},
  };
}

}  // namespace

std::span<const BotLanguage> bot_languages() {
  static const std::vector<BotLanguage> languages = make_languages();
  return languages;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  bool inside = false;
  while (!text.empty()) {
    const char32_t c = take_code_point(text);
    if (!is_word_character(c)) {
      inside = false;
      continue;
    }
    if (!inside) words.emplace_back();
    inside = true;
    append_utf8(words.back(), lower(c));
  }
  return words;
}

std::optional<std::string_view> find_bot_topic(std::string_view text, std::string_view language) {
  const std::vector<std::string> words = words_of(text);
  const std::string_view primary = language.substr(0, language.find('-'));
  const auto languages = bot_languages();
  const auto known =
      std::find_if(languages.begin(), languages.end(), [&](const BotLanguage& candidate) { return candidate.language == primary; });
  for (const BotTopic& topic : (known == languages.end() ? languages.front() : *known).topics) {
    if (matches(topic, words)) return topic.name;
  }
  return std::nullopt;
}

}  // namespace consilium::chat
