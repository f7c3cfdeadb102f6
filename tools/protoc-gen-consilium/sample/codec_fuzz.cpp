// The first byte chooses: `j` JSON of a document, `o` another message (a letter for which, `j` or `w`), `b` a request of the public
// API (its query, line feed, its body), else the wire. What is accepted must come back the same after writing it again.
#include <boost/json.hpp>
#include <string_view>

#include "base/fuzz_testing.h"
#include "base/json_reader.h"
#include "consilium/sample/v1/sample_codec.h"
#include "net/percent_encoding.h"
#include "net/route_binding.h"

namespace {

using namespace consilium::sample::v1;
using consilium::require;

template <class Message>
void try_json(std::string_view text) {
  const auto read = consilium::decode_json<Message>(text, consilium::UnknownMembers::kRefuse);
  const auto lenient = consilium::decode_json<Message>(text, consilium::UnknownMembers::kIgnore);
  if (!read) {
    require(!read.error().fields.empty() && read.error().fields.size() <= consilium::kMaxFieldErrors);
    return;
  }
  require(lenient.has_value());
  static_cast<void>(consilium::validate(*read, consilium::Timestamp{0}));
  // JSON carries times to the millisecond, so the second writing is compared.
  const std::string written = consilium::encode_json(*read);
  const auto again = consilium::decode_json<Message>(written, consilium::UnknownMembers::kIgnore);
  require(again.has_value());
  require(consilium::encode_json(*again) == written);
  // A log shows as many members, but not what they hold.
  require(consilium::is_json(consilium::encode_json_masked(*read)));
  // The binary form holds one of a oneof: the last, and then it keeps that.
  const auto by_wire = consilium::decode_wire<Message>(consilium::encode_wire(*read));
  require(by_wire.has_value());
  const auto kept = consilium::decode_wire<Message>(consilium::encode_wire(*by_wire));
  require(kept && *kept == *by_wire);
}

template <class Message>
void try_wire(std::string_view bytes) {
  const auto read = consilium::decode_wire<Message>(bytes);
  if (!read) return;
  static_cast<void>(consilium::validate(*read, consilium::Timestamp{0}));
  const std::string written = consilium::encode_wire(*read);
  const auto again = consilium::decode_wire<Message>(written);
  require(again.has_value());
  require(consilium::encode_wire(*again) == written);
  // Recursive messages may be deeper in JSON than our own reader goes.
  boost::json::parse_options options;
  options.max_depth = 200;
  boost::system::error_code error;
  static_cast<void>(boost::json::parse(consilium::encode_json(*read), error, {}, options));
  require(!error);
}

// The other messages of the contract, by a letter.
template <class... Message>
void try_other(std::string_view input) {
  using Try = void (*)(std::string_view);
  static constexpr Try kJson[] = {try_json<Message>...};
  static constexpr Try kWire[] = {try_wire<Message>...};
  const auto [letter, rest] = consilium::split_kind(input);
  const auto [form, content] = consilium::split_kind(rest);
  const std::size_t which = static_cast<unsigned char>(letter) % sizeof...(Message);
  (form == 'j' ? kJson : kWire)[which](content);
}

// As generated routes read a request.
void try_route(std::string_view input) {
  using namespace consilium;
  const auto [query, body] = split_line(input);
  net::RouteRequest request;
  const auto members = net::parse_query(query);
  if (!members) return;
  for (const auto& [name, value] : *members) {
    if (name == "id") {
      request.path.insert_or_assign(name, value);
    } else {
      request.query.emplace_back(name, value);
    }
  }
  request.body = body;
  net::RouteBinding binding(request);
  sample::v1::CreateDocumentRequest created;
  sample::v1::ListDocumentsRequest list;
  Uuid id;
  static constexpr std::string_view kReserved[] = {"userAgent"};
  static constexpr std::string_view kQuery[] = {"state", "tag", "limit", "cursor", "count", "since", "owner"};
  binding.body(created, kReserved);
  binding.path("id", id);
  binding.query("state", list.state);
  binding.query("tag", list.tag);
  binding.query("limit", list.limit);
  binding.query("cursor", list.cursor);
  binding.query("count", list.count);
  binding.query("since", list.since);
  binding.query("owner", list.owner);
  binding.only_query(kQuery);
  const auto bound = binding.finish();
  if (!bound) {
    require(bound.error().kind == ErrorKind::kMalformed && !bound.error().fields.empty());
    return;
  }
  require(!created.user_agent && request.path.at("id").size() == id.text().size());
  require(!list.limit || !request.query.empty());
  const auto again = decode_json<sample::v1::CreateDocumentRequest>(encode_json(created), UnknownMembers::kRefuse);
  require(again.has_value());
  static_cast<void>(validate(created, Timestamp{0}));
  static_cast<void>(validate(list, Timestamp{0}));
  net::RouteBinding without(request);
  without.no_body();
  static_cast<void>(without.finish());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto [kind, rest] = consilium::split_kind(consilium::fuzz_input(data, size));
  switch (kind) {
    case 'j': try_json<Document>(rest); break;
    case 'o':
      try_other<CreateDocumentRequest, GetDocumentRequest, ListDocumentsRequest, ListDocumentsReply, ChangeDocumentRequest,
                PutCommentRequest, DeleteDocumentRequest, CountRequest, CountReply, Nothing, Task, DocumentCreated, Counted, DocumentShown,
                Look>(rest);
      break;
    case 'b': try_route(rest); break;
    default: try_wire<Document>(rest);
  }
  return 0;
}
