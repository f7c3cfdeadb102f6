// How stored posts and events look to one reader: texts in the reader's language, buttons with tokens for the reader.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/message_catalogue.h"
#include "services/chat/action_token.h"
#include "services/chat/store.h"

namespace consilium::chat {

struct Reader {
  Uuid user_id;  // nil: a service
  std::string language = "en";
  v1::MemberKind kind = v1::MemberKind::kUnspecified;
};

// People whose names the predefined ones among these posts show.
std::vector<Uuid> people_named_in(std::span<const store::StoredPost* const> posts);

v1::Member member_of(const store::MemberRow& row);

class Renderer {
 public:
  // All outlive it.
  Renderer(const MessageCatalogue& catalogue, const ActionTokens& tokens, Duration token_life)
      : catalogue_(catalogue), tokens_(tokens), token_life_(token_life) {}

  v1::Post post(const store::StoredPost& stored, const Reader& reader, const store::People& people, Timestamp now) const;

  // Posts that look the same to everybody, written once for all events of a page.
  using SharedTexts = std::map<const store::StoredPost*, std::string>;
  // `member`: of an event that tells of one.
  v1::PersonEvent event(const store::StoredEvent& stored, const store::People& people, const std::optional<store::MemberRow>& member,
                        SharedTexts& texts, Timestamp now) const;

  const MessageCatalogue& catalogue() const { return catalogue_; }

 private:
  std::string write_post(const store::StoredEvent& stored, const store::People& people, SharedTexts& texts, Timestamp now) const;
  void add_predefined(v1::Post& post, const store::StoredPost& stored, const Reader& reader, const store::People& people,
                      Timestamp now) const;

  const MessageCatalogue& catalogue_;
  const ActionTokens& tokens_;
  Duration token_life_;
};

}  // namespace consilium::chat
