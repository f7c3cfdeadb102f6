// Reads JSON text front to back, straight into generated messages, without a tree between. Generated `read_json`
// functions call it; services call `decode_json`.
// A member of a wrong type, unknown or repeated is noted with its path and skipped, so that all of them are told at
// once; text that is not JSON ends the reading.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/codec.h"
#include "base/id.h"
#include "base/member_path.h"
#include "base/secret.h"
#include "base/time.h"

namespace consilium {

inline constexpr int kMaxJsonDepth = 32;
inline constexpr std::size_t kMaxFieldErrors = 32;  // further ones are not listed
inline constexpr std::size_t kMaxMembers = 128;     // of one message
// Beyond it numbers of JavaScript lose digits.
inline constexpr std::int64_t kMaxJsonInteger = 9'007'199'254'740'991;

// Whether `text` is one JSON value: UTF-8, no NUL, no repeated member, depth <= kMaxJsonDepth.
bool is_json(std::string_view text);

class JsonReader {
 public:
  // `text` outlives the reader.
  JsonReader(std::string_view text, UnknownMembers unknown);

  // Members of the outermost object that come from the path of the URL or from a header: refused in the body.
  void reserve(std::span<const std::string_view> names) { reserved_ = names; }

  // Each takes one value. False: it was of another type, which is noted, and it was skipped.
  bool text(std::string& out);
  bool boolean(bool& out);
  bool integer(std::int64_t& out, std::int64_t min, std::int64_t max);
  bool number(double& out);
  bool base64(std::string& out);
  // Any value, as its text.
  bool raw(std::string& out);
  // Takes a null if one stands here.
  bool take_null();
  // Takes a null of a member that may be absent: a request may not say so, events and replies may.
  bool take_absent();
  void skip();

  // Notes what is wrong with the value just taken or about to be skipped.
  void note(std::string_view code, std::string_view message);

  // The members of one object, in the order of the text.
  class Object {
   public:
    Object(JsonReader& in, std::span<const std::string_view> names);
    ~Object();
    Object(const Object&) = delete;
    Object& operator=(const Object&) = delete;
    // Index in `names` of the next member, whose value must be taken then; nullopt at the end.
    std::optional<std::size_t> next();

   private:
    std::optional<std::size_t> known(const std::string& name);

    JsonReader& in_;
    std::span<const std::string_view> names_;
    std::bitset<kMaxMembers> seen_;
    bool first_ = true;
    bool inside_ = false;  // a member's name is on the path
    bool open_;
  };

  // The members of an object whose names are free.
  class Map {
   public:
    explicit Map(JsonReader& in);
    ~Map();
    Map(const Map&) = delete;
    Map& operator=(const Map&) = delete;
    // The next name, valid until the next call.
    const std::string* next();

   private:
    JsonReader& in_;
    std::string name_;
    bool first_ = true;
    bool open_;
  };

  class List {
   public:
    explicit List(JsonReader& in);
    ~List();
    List(const List&) = delete;
    List& operator=(const List&) = delete;
    // Whether another item stands here, which must be taken then.
    bool next();

   private:
    JsonReader& in_;
    std::size_t index_ = 0;
    bool open_;
  };

  // After the outermost value: nothing may follow it.
  Result<void> finish();
  // The notes so far; for readers that add some of their own.
  std::vector<FieldError>& notes() { return notes_; }

 private:
  friend bool is_json(std::string_view text);

  char peek();
  bool take(char c);
  bool expect(char c);
  bool open(char bracket, std::string_view wanted);
  bool next_member(bool first, std::string& name);
  bool parse_string(std::string& out);
  bool parse_escape(std::string& out);
  bool parse_hex(std::uint32_t& out);
  std::string_view number_token();
  bool skip_strictly(int depth);
  bool skip_members(int depth);
  bool wrong_type(std::string_view wanted);
  void syntax(std::string_view what);

  std::string_view text_;
  std::size_t position_ = 0;
  UnknownMembers unknown_;
  std::span<const std::string_view> reserved_;
  MemberPath path_;
  int depth_ = 0;
  bool broken_ = false;
  std::vector<FieldError> notes_;
};

inline void read_json(JsonReader& in, std::string& out) { in.text(out); }
inline void read_json(JsonReader& in, bool& out) { in.boolean(out); }
inline void read_json(JsonReader& in, double& out) { in.number(out); }
inline void read_json(JsonReader& in, std::int64_t& out) { in.integer(out, -kMaxJsonInteger, kMaxJsonInteger); }
inline void read_json(JsonReader& in, JsonText& out) { in.raw(out.text); }
void read_json(JsonReader& in, float& out);
void read_json(JsonReader& in, std::int32_t& out);
void read_json(JsonReader& in, std::uint32_t& out);
void read_json(JsonReader& in, std::uint64_t& out);
void read_json(JsonReader& in, Uuid& out);
void read_json(JsonReader& in, Timestamp& out);
void read_json(JsonReader& in, Duration& out);
void read_json(JsonReader& in, Date& out);
void read_json(JsonReader& in, Secret& out);
void read_json_key(JsonReader& in, std::int64_t& out);
inline void read_json_bytes(JsonReader& in, std::string& out) { in.base64(out); }

template <class Enum>
  requires std::is_enum_v<Enum>
void read_json(JsonReader& in, Enum& out) {
  std::string text;
  if (in.text(text) && !from_text(text, out)) in.note("unknown-value", "Expected one of the values that the contract names");
}

namespace json_detail {

template <class Item, class Read>
void read_optional(JsonReader& in, std::optional<Item>& out, Read read) {
  if constexpr (!std::is_same_v<Item, JsonText>) {
    if (in.take_absent()) return out.reset();
  }
  read(in, out.emplace());
}

template <class Item, class Read>
void read_list(JsonReader& in, std::vector<Item>& out, Read read) {
  JsonReader::List list(in);
  out.clear();
  while (list.next()) {
    Item item{};
    read(in, item);
    out.push_back(std::move(item));
  }
}

}  // namespace json_detail

template <class Item>
void read_json(JsonReader& in, std::vector<Item>& out) {
  json_detail::read_list(in, out, [](JsonReader& reader, Item& item) { read_json(reader, item); });
}

template <class Item>
void read_json(JsonReader& in, std::map<std::string, Item>& out) {
  JsonReader::Map map(in);
  out.clear();
  while (const std::string* name = map.next()) {
    const auto [place, added] = out.try_emplace(*name);
    if (added) {
      read_json(in, place->second);
    } else {
      in.note("duplicate-member", "Expected each member once");
      in.skip();
    }
  }
}

template <class Item>
void read_json(JsonReader& in, std::optional<Item>& out) {
  json_detail::read_optional(in, out, [](JsonReader& reader, Item& item) { read_json(reader, item); });
}

template <class Item>
void read_json_key(JsonReader& in, std::optional<Item>& out) {
  json_detail::read_optional(in, out, [](JsonReader& reader, Item& item) { read_json_key(reader, item); });
}

template <class Item>
void read_json_key(JsonReader& in, std::vector<Item>& out) {
  json_detail::read_list(in, out, [](JsonReader& reader, Item& item) { read_json_key(reader, item); });
}

template <class Item>
void read_json_bytes(JsonReader& in, std::optional<Item>& out) {
  json_detail::read_optional(in, out, [](JsonReader& reader, Item& item) { read_json_bytes(reader, item); });
}

template <class Item>
void read_json_bytes(JsonReader& in, std::vector<Item>& out) {
  json_detail::read_list(in, out, [](JsonReader& reader, Item& item) { read_json_bytes(reader, item); });
}

// A member that its contract marks nullable: null is how its absence is written.
template <class Item>
void read_json_nullable(JsonReader& in, std::optional<Item>& out) {
  if (in.take_null()) return out.reset();
  read_json(in, out);
}

}  // namespace consilium
