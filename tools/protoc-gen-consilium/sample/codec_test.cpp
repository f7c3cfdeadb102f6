// The generated codecs: round trips, refusals, and agreement with protobuf's own implementation.
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "../contract_text_test.h"
#include "base/json_reader.h"
#include "base/wire_reader.h"
#include "random_sample.h"

namespace consilium::sample::v1 {
namespace {

constexpr std::uint64_t kSeeds = 400;
const std::string kTestdata = std::string(CONSILIUM_SOURCE_DIR) + "/tools/protoc-gen-consilium/testdata";

// What replays a failure: each seed is one message.
std::string replay(std::uint64_t seed) { return "seed " + std::to_string(seed); }

TEST(Json, RoundTripsRandomDocuments) {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    SeededRandom random(seed);
    const Document document = random_document(random);
    const std::string text = encode_json(document);
    EXPECT_TRUE(is_json(text)) << replay(seed);
    const auto read = decode_json<Document>(text, UnknownMembers::kIgnore);
    ASSERT_TRUE(read) << replay(seed) << read.error().describe() << text;
    EXPECT_EQ(*read, document) << replay(seed);
    EXPECT_EQ(encode_json(*read), text) << replay(seed);
  }
}

TEST(Wire, RoundTripsRandomDocuments) {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    SeededRandom random(seed);
    const Document document = random_document(random);
    const auto read = decode_wire<Document>(encode_wire(document));
    ASSERT_TRUE(read) << replay(seed);
    EXPECT_EQ(*read, document) << replay(seed);
  }
}

// Protobuf's own reading and writing, by the descriptors of the sample contract.
class Reference {
 public:
  Reference() : text_({}, kTestdata + "/api", {"consilium/shared/v1/shared.proto", "consilium/sample/v1/sample.proto"}) {
    type_ = text_.files().back()->FindMessageTypeByName("Document");
  }

  std::unique_ptr<google::protobuf::Message> read(const std::string& bytes) {
    std::unique_ptr<google::protobuf::Message> message(factory_.GetPrototype(type_)->New());
    return message->ParseFromString(bytes) ? std::move(message) : nullptr;
  }

  static std::string write(const google::protobuf::Message& message) {
    std::string bytes;
    {
      google::protobuf::io::StringOutputStream stream(&bytes);
      google::protobuf::io::CodedOutputStream out(&stream);
      out.SetSerializationDeterministic(true);  // maps by key, as ours
      message.SerializeToCodedStream(&out);
    }
    return bytes;
  }

 private:
  generator::ContractText text_;
  google::protobuf::DynamicMessageFactory factory_;
  const google::protobuf::Descriptor* type_ = nullptr;
};

TEST(Wire, AgreesWithProtobufByteForByte) {
  Reference reference;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    SeededRandom random(seed);
    const Document document = random_document(random);
    const std::string bytes = encode_wire(document);
    const auto message = reference.read(bytes);
    ASSERT_TRUE(message) << replay(seed);
    const std::string again = Reference::write(*message);
    EXPECT_EQ(again, bytes) << replay(seed) << '\n' << message->DebugString();
    const auto read = decode_wire<Document>(again);
    ASSERT_TRUE(read) << replay(seed);
    EXPECT_EQ(*read, document) << replay(seed);
  }
}

// Cut and altered bytes: never a crash, and what we accept protobuf accepts too. The reverse need not hold: ids, dates
// and free JSON are checked here and are any text there.
TEST(Wire, RefusesWhatProtobufRefuses) {
  Reference reference;
  int accepted = 0;
  int refused = 0;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    SeededRandom random(seed);
    std::string bytes = encode_wire(random_document(random));
    if (random.below(2) == 0) bytes.resize(random.below(bytes.size() + 1));
    for (auto changes = random.below(3); changes > 0 && !bytes.empty(); --changes)
      bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    const bool ours = decode_wire<Document>(bytes).has_value();
    ++(ours ? accepted : refused);
    EXPECT_TRUE(!ours || reference.read(bytes) != nullptr) << replay(seed);
  }
  EXPECT_GT(accepted, 20);
  EXPECT_GT(refused, 20);
}

std::string run(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  char buffer[4096];
  for (std::size_t n = 0; pipe != nullptr && (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return out;
}

TEST(Wire, AgreesWithTheProgramProtoc) {
  const std::string file = testing::TempDir() + "consilium_sample_" + std::to_string(getpid());
  const std::string protoc = std::string(PROTOC) + " -I " + kTestdata + "/api -I " + CONSILIUM_SOURCE_DIR + "/api --deterministic_output ";
  const std::string source = " consilium.sample.v1.Document " + kTestdata + "/api/consilium/sample/v1/sample.proto";
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SeededRandom random(seed);
    const std::string bytes = encode_wire(random_document(random));
    std::ofstream(file, std::ios::binary) << bytes;
    const std::string text = run(std::string(PROTOC) + " -I " + kTestdata + "/api -I " + CONSILIUM_SOURCE_DIR + "/api --decode" +
                                 "=consilium.sample.v1.Document " + kTestdata + "/api/consilium/sample/v1/sample.proto < " + file);
    std::ofstream(file, std::ios::binary) << text;
    EXPECT_EQ(run(protoc + "--encode=" + source.substr(1) + " < " + file), bytes) << replay(seed) << text;
  }
  std::remove(file.c_str());
}

TEST(Wire, LastOfAOneofStaysAndRepeatedMessagesMerge) {
  Document first;
  first.file = "a";
  first.formats.emplace().email = "x";
  Document second;
  second.scan = 7;
  second.formats.emplace().phone = "y";
  const auto both = decode_wire<Document>(encode_wire(first) + encode_wire(second));
  ASSERT_TRUE(both);
  EXPECT_FALSE(both->file);
  EXPECT_EQ(both->scan, 7);
  EXPECT_EQ(both->formats->email, "x");
  EXPECT_EQ(both->formats->phone, "y");
}

TEST(Wire, V_1_SkipsUnknownFieldsOfEveryType) {
  // 3000: varint, 64 bits, bytes, group, 32 bits.
  const std::string unknown(
      "\xC0\xBB\x01\x96\x01"
      "\xC1\xBB\x01"
      "12345678"
      "\xC2\xBB\x01\x02"
      "ab"
      "\xC3\xBB\x01\xC0\xBB\x01\x01\xC4\xBB\x01"
      "\xC5\xBB\x01"
      "1234",
      39);
  Comment comment;
  comment.text = "x";
  const auto read = decode_wire<Comment>(unknown + encode_wire(comment) + unknown);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, comment);
}

TEST(Wire, ReadsListsThatAreNotPackedAndSkipsOtherWireTypes) {
  const auto read =
      decode_wire<Scalars>(std::string("\x88\x01\x02\x88\x01\x03"
                                       "\x0A\x01x",
                                       9));  // numbers 1, -2; a_int32 as bytes
  ASSERT_TRUE(read);
  EXPECT_EQ(read->numbers, (std::vector<std::int32_t>{1, -2}));
  EXPECT_EQ(read->a_int32, 0);
}

std::string nested_wire(int depth) {
  std::string bytes;
  for (int i = 0; i < depth; ++i) {
    std::string around("\x12", 1);  // Comment.answers
    for (std::size_t length = bytes.size();; length >>= 7) {
      around += static_cast<char>((length & 0x7F) | (length >= 0x80 ? 0x80 : 0));
      if (length < 0x80) break;
    }
    bytes = around + bytes;
  }
  return bytes;
}

TEST(Wire, BoundsTheDepth) {
  EXPECT_TRUE(decode_wire<Comment>(nested_wire(kMaxWireDepth)));
  EXPECT_FALSE(decode_wire<Comment>(nested_wire(kMaxWireDepth + 1)));
}

TEST(Wire, RefusesBadTextIdsDatesAndJson) {
  EXPECT_FALSE(decode_wire<Comment>(std::string("\x0A\x02\xC3\x28", 4)));  // not UTF-8
  EXPECT_FALSE(decode_wire<Comment>(std::string("\x0A\x02\x61\x00", 4)));  // what came by wire could not be read as JSON
  EXPECT_FALSE(
      decode_wire<GetDocumentRequest>(std::string("\x0A\x03"
                                                  "abc",
                                                  5)));
  EXPECT_FALSE(
      decode_wire<Formats>(std::string("\x3A\x03"
                                       "abc",
                                       5)));
  EXPECT_FALSE(decode_wire<Formats>(std::string("\x4A\x01{", 3)));
  EXPECT_FALSE(decode_wire<Comment>(std::string("\x0A\xFF\xFF\xFF\xFF\x07", 6)));  // a length beyond the end
  EXPECT_TRUE(decode_wire<GetDocumentRequest>(""));
}

std::string nested_json(int depth) {
  std::string text = R"({"text":"x"})";
  for (int i = 2; i < depth; i += 2) text = R"({"answers":[)" + text + "]}";
  return text;
}

TEST(Json, BoundsTheDepth) {
  EXPECT_TRUE(decode_json<Comment>(nested_json(kMaxJsonDepth), UnknownMembers::kRefuse));
  EXPECT_FALSE(decode_json<Comment>(nested_json(kMaxJsonDepth + 1), UnknownMembers::kRefuse));
  const std::string deep(kMaxJsonDepth, '[');
  const std::string end(kMaxJsonDepth, ']');
  EXPECT_TRUE(is_json(deep + end));
  EXPECT_FALSE(is_json("[" + deep + end + "]"));
}

struct Refusal {
  const char* name;
  const char* text;   // of a CreateDocumentRequest
  const char* field;  // path and code of the one note
};

const Refusal kRefusals[] = {
    {"UnknownMember", R"({"title":"a","nope":1})", "nope: unknown-member"},
    {"UnknownNestedMember", R"({"formats":{"nope":{"x":[1]}}})", "formats.nope: unknown-member"},
    {"UnknownInList", R"({"formats":{"ids":[]},"scalars":{"prices":{"a":{"minor":1},"b":{"odd":1}}}})",
     "scalars.prices.b.odd: unknown-member"},
    {"SnakeCase", R"({"user_agent":"x"})", "user_agent: unknown-member"},
    {"Duplicate", R"({"title":"a","title":"b"})", "title: duplicate-member"},
    {"DuplicateByEscape", R"({"title":"a","t\u0069tle":"b"})", "title: duplicate-member"},
    {"DuplicateInMap", R"({"scalars":{"counts":{"a":1,"a":2}}})", "scalars.counts.a: duplicate-member"},
    {"DuplicateInFreeJson", R"({"formats":{"data":{"a":1,"b":{"x":1,"x":2}}}})", "formats.data: duplicate-member"},
    {"NumberForText", R"({"title":1})", "title: wrong-type"},
    {"TextForNumber", R"({"scan":"1"})", "scan: wrong-type"},
    {"FractionForInteger", R"({"scan":1.0})", "scan: wrong-type"},
    {"ExponentForInteger", R"({"scan":1e2})", "scan: wrong-type"},
    {"TooLarge32", R"({"scan":2147483648})", "scan: out-of-range"},
    {"TooLarge53", R"({"scalars":{"aInt64":9007199254740992}})", "scalars.aInt64: out-of-range"},
    {"TooLarge64", R"({"scalars":{"aInt64":99999999999999999999}})", "scalars.aInt64: out-of-range"},
    {"NegativeUnsigned", R"({"scalars":{"aUint32":-1}})", "scalars.aUint32: out-of-range"},
    {"TooLargeDouble", R"({"scalars":{"aDouble":1e999}})", "scalars.aDouble: out-of-range"},
    {"TooLargeFloat", R"({"scalars":{"aFloat":-1e39}})", "scalars.aFloat: out-of-range"},
    {"NumberForBoolean", R"({"scalars":{"aBool":1}})", "scalars.aBool: wrong-type"},
    {"ObjectForList", R"({"scalars":{"numbers":{}}})", "scalars.numbers: wrong-type"},
    {"WrongItem", R"({"scalars":{"numbers":[1,2,"3"]}})", "scalars.numbers[2]: wrong-type"},
    {"ListForObject", R"({"scalars":[]})", "scalars: wrong-type"},
    {"NullMember", R"({"title":null})", "title: wrong-type"},
    {"NullOptional", R"({"formats":null})", "formats: wrong-type"},
    {"UnknownEnumValue", R"({"scalars":{"state":"finished"}})", "scalars.state: unknown-value"},
    {"NoneOfEnum", R"({"scalars":{"state":"unspecified"}})", "scalars.state: unknown-value"},
    {"BadId", R"({"formats":{"id":"123"}})", "formats.id: bad-format"},
    {"BadTime", R"({"formats":{"at":"2026-01-01"}})", "formats.at: bad-format"},
    {"TimeThatCannotBeWritten", R"({"formats":{"at":"9999-12-31T23:59:59-01:00"}})", "formats.at: bad-format"},
    {"BadDuration", R"({"formats":{"wait":"P1M"}})", "formats.wait: bad-format"},
    {"BadDate", R"({"formats":{"born":"2026-02-30"}})", "formats.born: bad-format"},
    {"BadKey", R"({"formats":{"key":"12x"}})", "formats.key: bad-format"},
    {"NumberForKey", R"({"formats":{"key":12}})", "formats.key: wrong-type"},
    {"BadBase64", R"({"scalars":{"someBytes":"AQ"}})", "scalars.someBytes: bad-format"},
    {"LooseBase64", R"({"scalars":{"someBytes":"AR=="}})", "scalars.someBytes: bad-format"},
    {"Empty", "", ": syntax"},
    {"OnlySpace", " \n", ": syntax"},
    {"NoObject", "[]", ": wrong-type"},
    {"Cut", R"({"title":"a")", ": syntax"},
    {"CutString", R"({"title":"a)", "title: syntax"},
    {"TrailingComma", R"({"title":"a",})", ": syntax"},
    {"TrailingCommaInList", R"({"scalars":{"numbers":[1,]}})", "scalars.numbers: syntax"},
    {"TwoValues", "{} {}", ": syntax"},
    {"Comment", "{} // x", ": syntax"},
    {"SingleQuotes", "{'title':'a'}", ": syntax"},
    {"LeadingZero", R"({"scan":01})", "scan: syntax"},
    {"PlusSign", R"({"scan":+1})", "scan: syntax"},
    {"BareWord", R"({"scan":yes})", "scan: syntax"},
    {"NotANumber", R"({"scalars":{"aDouble":NaN}})", "scalars.aDouble: syntax"},
    {"EscapedNul", R"({"title":"a\u0000"})", "title: syntax"},
    {"HalfPair", R"({"title":"\ud83d"})", "title: syntax"},
    {"WrongPair", R"({"title":"\ud83d\u0041"})", "title: syntax"},
    {"LowHalf", R"({"title":"\ude00"})", "title: syntax"},
    {"OddEscape", R"({"title":"\x41"})", "title: syntax"},
    {"RawNewline", "{\"title\":\"a\nb\"}", "title: syntax"},
    {"NotUtf8", "{\"title\":\"\xC3\x28\"}", ": syntax"},
    {"Surrogate", "{\"title\":\"\xED\xA0\x80\"}", ": syntax"},
};

class Refusals : public testing::TestWithParam<Refusal> {};

TEST_P(Refusals, NameTheMember) {
  const auto read = decode_json<CreateDocumentRequest>(GetParam().text, UnknownMembers::kRefuse);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, "request.malformed");
  EXPECT_EQ(read.error().kind, ErrorKind::kMalformed);
  ASSERT_EQ(read.error().fields.size(), 1U) << read.error().describe();
  EXPECT_EQ(read.error().fields[0].name + ": " + read.error().fields[0].code, GetParam().field);
}

INSTANTIATE_TEST_SUITE_P(Json, Refusals, testing::ValuesIn(kRefusals),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST(Json, RefusesRawNul) {
  const auto read = decode_json<Comment>(std::string_view("{\"text\":\"a\0b\"}", 15), UnknownMembers::kRefuse);
  EXPECT_FALSE(read);
  EXPECT_FALSE(decode_json<Comment>(std::string_view("{}\0", 3), UnknownMembers::kRefuse));
}

TEST(Json, ListsManyMistakesAtOnceUpToABound) {
  const auto some = decode_json<CreateDocumentRequest>(R"({"title":1,"nope":2,"scan":"x"})", UnknownMembers::kRefuse);
  ASSERT_FALSE(some);
  EXPECT_EQ(some.error().fields.size(), 3U);
  std::string text = "{";
  for (std::size_t i = 0; i < kMaxFieldErrors + 5; ++i) text += (i == 0 ? "\"x" : ",\"x") + std::to_string(i) + "\":1";
  const auto many = decode_json<CreateDocumentRequest>(text + "}", UnknownMembers::kRefuse);
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().fields.size(), kMaxFieldErrors);
}

TEST(Json, V_1_EventsAndRepliesSkipWhatTheyDoNotKnow) {
  const auto read = decode_json<Comment>(R"({"new":{"a":[1,{"b":2}]},"text":"x","secondPlace":null})", UnknownMembers::kIgnore);
  ASSERT_TRUE(read) << read.error().describe();
  EXPECT_EQ(read->text, "x");
  EXPECT_FALSE(read->second_place);
}

TEST(Json, WritesAsTheConventionsSay) {
  Document document;
  document.id = *Uuid::parse("0190A0A0-7B1C-7C3E-9D2F-1A2B3C4D5E6F");
  document.state = DocumentState::kInReview;
  document.formats.emplace();
  document.formats->at = Timestamp{1'769'851'800'123'456};
  document.formats->wait = seconds(90);
  document.formats->born = Date{1980, 5, 17};
  document.formats->key = 2251799813685249;
  document.formats->data = {R"({"a":1})"};
  document.scalars.state = DocumentState::kFinal;
  const std::string text = encode_json(document);
  for (const char* part : {R"("id":"0190a0a0-7b1c-7c3e-9d2f-1a2b3c4d5e6f")", R"("state":"in-review")", R"("at":"2026-01-31T09:30:00.123Z")",
                           R"("wait":"PT1M30S")", R"("born":"1980-05-17")", R"("key":"2251799813685249")", R"("data":{"a":1})",
                           R"("state":"final-version")", R"("reviewer":null)"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  }
  for (const char* absent : {"ticket", "file", "otherId", "until"}) EXPECT_EQ(text.find(absent), std::string::npos) << absent;
}

TEST(Json, L_4_MasksSecretAndPersonalMembers) {
  Document document;
  document.title = "Anna's paper";
  document.ticket = Secret("t-123");
  document.formats.emplace().password = Secret("hunter2");
  const std::string text = encode_json_masked(document);
  for (const char* word : {"Anna", "t-123", "hunter2"}) EXPECT_EQ(text.find(word), std::string::npos) << text;
  EXPECT_NE(text.find(R"("password":"***")"), std::string::npos) << text;
}

TEST(Enums, TurnIntoTextAndBack) {
  EXPECT_EQ(text_of(DocumentState::kInReview), "in-review");
  EXPECT_EQ(text_of(static_cast<DocumentState>(99)), "");
  DocumentState state{};
  EXPECT_TRUE(from_text("final-version", state));
  EXPECT_EQ(state, DocumentState::kFinal);
  EXPECT_FALSE(from_text("unspecified", state));
  EXPECT_FALSE(from_text("Draft", state));
}

TEST(Errors, X_1_AreMadeFromTheCatalogue) {
  const Error error = errors::title_taken("Expected another title");
  EXPECT_EQ(error.code, "sample.title-taken");
  EXPECT_EQ(error.kind, ErrorKind::kConflict);
  EXPECT_EQ(error.detail, "Expected another title");
  ASSERT_EQ(errors::catalogue().size(), 3U);
  EXPECT_EQ(errors::catalogue()[0].code, "sample.not-found");
}

}  // namespace
}  // namespace consilium::sample::v1
