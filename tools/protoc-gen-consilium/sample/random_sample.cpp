#include "random_sample.h"

#include "base/utf8.h"

namespace consilium::sample::v1 {
namespace {

bool chance(RandomSource& random) { return random.below(2) == 0; }

std::int64_t number(RandomSource& random, std::int64_t limit) {
  const auto bits = static_cast<int>(random.below(54));
  const auto value = static_cast<std::int64_t>(random.next() & ((1ULL << bits) - 1)) % (limit + 1);
  return chance(random) ? value : -value;
}

constexpr std::int64_t kMax32 = 2'147'483'647;
constexpr std::int64_t kMax53 = 9'007'199'254'740'991;

std::int32_t small(RandomSource& random) { return static_cast<std::int32_t>(number(random, kMax32)); }
std::int64_t wide(RandomSource& random) { return number(random, kMax53); }
std::uint32_t unsigned_small(RandomSource& random) { return static_cast<std::uint32_t>(random.next() >> random.below(33)); }
std::uint64_t unsigned_wide(RandomSource& random) { return static_cast<std::uint64_t>(std::abs(wide(random))); }

double real(RandomSource& random) {
  static constexpr double kOdd[] = {0.0, -0.0, 1e300, -1e-300, 0.1, 5e-324};
  return chance(random) ? kOdd[random.below(std::size(kOdd))] : static_cast<double>(wide(random)) / 1024.0;
}

std::string text(RandomSource& random, std::uint64_t limit = 12) {
  static constexpr char32_t kCharacters[] = {U'a', U'Z', U'"', U'\\', U'\n',         U'\t', U'\x7F',
                                             U'/', U'ä', U'я', U'漢', U'\U0001F600', U'<',  U'\x01'};
  std::string out;
  for (auto length = random.below(limit); length > 0; --length) append_utf8(out, kCharacters[random.below(std::size(kCharacters))]);
  return out;
}

std::string bytes(RandomSource& random) {
  std::string out;
  for (auto length = random.below(9); length > 0; --length) out += static_cast<char>(random.below(256));
  return out;
}

DocumentState state(RandomSource& random) { return static_cast<DocumentState>(random.below(4)); }
DocumentState named_state(RandomSource& random) { return static_cast<DocumentState>(1 + random.below(3)); }

template <class Item, class Make>
void fill(RandomSource& random, std::vector<Item>& out, Make make) {
  for (auto length = random.below(5); length > 0; --length) out.push_back(make());
}

Uuid id(RandomSource& random) { return make_uuid_v7(Timestamp{static_cast<std::int64_t>(random.below(4'000'000'000'000'000))}, random); }
// To the millisecond, which is what JSON carries.
Timestamp time(RandomSource& random) { return Timestamp{static_cast<std::int64_t>(random.below(4'000'000'000'000)) * 1000}; }
Date date(RandomSource& random) { return date_of(time(random)); }

JsonText json(RandomSource& random) {
  static constexpr const char* kTexts[] = {"null", "{}", R"({"a":[1,{"b":null}]})", "[]", "-1.5e3", R"("x\u00e4")", "true"};
  return {kTexts[random.below(std::size(kTexts))]};
}

}  // namespace

Scalars random_scalars(RandomSource& random) {
  Scalars out;
  out.a_int32 = small(random);
  out.a_int64 = wide(random);
  out.a_uint32 = unsigned_small(random);
  out.a_uint64 = unsigned_wide(random);
  out.a_sint32 = small(random);
  out.a_sint64 = wide(random);
  out.a_fixed32 = unsigned_small(random);
  out.a_fixed64 = unsigned_wide(random);
  out.a_sfixed32 = small(random);
  out.a_sfixed64 = wide(random);
  out.a_bool = chance(random);
  out.a_float = static_cast<float>(small(random)) / 64.0F;
  out.a_double = real(random);
  out.a_string = text(random);
  out.some_bytes = bytes(random);
  out.state = state(random);
  fill(random, out.numbers, [&] { return small(random); });
  fill(random, out.reals, [&] { return real(random); });
  fill(random, out.flags, [&] { return chance(random); });
  fill(random, out.texts, [&] { return text(random); });
  fill(random, out.states, [&] { return named_state(random); });
  fill(random, out.blobs, [&] { return bytes(random); });
  fill(random, out.fixed, [&] { return unsigned_small(random); });
  for (auto count = random.below(4); count > 0; --count) {
    out.counts[text(random)] = small(random);
    out.prices[text(random)] = {std::abs(wide(random)), static_cast<shared::v1::Currency>(random.below(3))};
  }
  if (chance(random)) out.maybe_int32 = small(random);
  if (chance(random)) out.maybe_string = text(random);
  if (chance(random)) out.maybe_bool = chance(random);
  if (chance(random)) out.maybe_double = real(random);
  if (chance(random)) out.maybe_state = named_state(random);
  out.far = text(random);
  return out;
}

Formats random_formats(RandomSource& random) {
  Formats out;
  if (chance(random)) out.id = id(random);
  if (chance(random)) out.other_id = id(random);
  fill(random, out.ids, [&] { return id(random); });
  out.at = time(random);
  if (chance(random)) out.due_at = time(random);
  out.wait = microseconds(wide(random));
  if (chance(random)) out.born = date(random);
  if (chance(random)) out.until = date(random);
  out.data = json(random);
  if (chance(random)) out.more_data = json(random);
  out.key = static_cast<std::int64_t>(random.next());
  fill(random, out.keys, [&] { return static_cast<std::int64_t>(random.next()); });
  out.email = text(random);
  out.phone = text(random);
  out.url = text(random);
  out.language = text(random);
  out.name = text(random);
  out.code = text(random);
  out.password = Secret(text(random));
  if (chance(random)) out.count = small(random);
  fill(random, out.tags, [&] { return text(random); });
  out.state = state(random);
  return out;
}

Comment random_comment(RandomSource& random, int depth) {
  Comment out;
  out.text = text(random);
  if (depth > 0) fill(random, out.answers, [&] { return random_comment(random, depth - 1); });
  out.place.page = small(random);
  if (chance(random)) out.second_place = CommentPlace{small(random)};
  return out;
}

Document random_document(RandomSource& random) {
  Document out;
  if (chance(random)) out.id = id(random);
  out.title = text(random);
  out.state = state(random);
  out.scalars = random_scalars(random);
  if (chance(random)) out.formats = random_formats(random);
  fill(random, out.comments, [&] { return random_comment(random, 2); });
  switch (random.below(4)) {
    case 0: out.file = text(random); break;
    case 1: out.scan = small(random); break;
    case 2: out.comment = random_comment(random, 1); break;
    default: break;
  }
  out.created_at = time(random);
  out.version = std::abs(wide(random));
  if (chance(random)) out.reviewer = text(random);
  if (chance(random)) out.ticket = Secret(text(random));
  return out;
}

}  // namespace consilium::sample::v1
