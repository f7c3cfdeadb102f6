// The doors to a service: in the same process, in another process, and from the public API.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <sstream>

#include "base/json_reader.h"
#include "consilium/sample/v1/sample_events.h"
#include "consilium/sample/v1/sample_local.h"
#include "consilium/sample/v1/sample_routes.h"
#include "consilium/sample/v1/sample_rpc.h"
#include "random_sample.h"
#include "runtime/simulated_scheduler.h"

namespace consilium::sample::v1 {
namespace {

const Uuid kId = *Uuid::parse("0190a0a0-7b1c-7c3e-9d2f-1a2b3c4d5e6f");
constexpr const char* kIdText = "0190a0a0-7b1c-7c3e-9d2f-1a2b3c4d5e6f";

// Answers with what it was asked, and remembers it.
class Echo final : public Sample {
 public:
  ::consilium::Task<Result<Document>> create_document(runtime::Context&, CreateDocumentRequest request) override {
    created = request;
    if (request.title == "taken") co_return fail(errors::title_taken());
    Document document;
    document.id = kId;
    document.title = request.title;
    document.scalars = request.scalars;
    document.formats = request.formats;
    document.version = 7;
    document.ticket = Secret("ticket-word");
    co_return document;
  }
  ::consilium::Task<Result<Document>> get_document(runtime::Context&, GetDocumentRequest request) override {
    Document document;
    document.id = request.id;
    document.version = 3;
    co_return document;
  }
  ::consilium::Task<Result<ListDocumentsReply>> list_documents(runtime::Context&, ListDocumentsRequest request) override {
    listed = request;
    co_return ListDocumentsReply{};
  }
  ::consilium::Task<Result<Document>> change_document(runtime::Context&, ChangeDocumentRequest request) override {
    changed = request;
    co_return Document{};
  }
  ::consilium::Task<Result<Comment>> put_comment(runtime::Context&, PutCommentRequest request) override {
    put = request;
    co_return request.comment;
  }
  ::consilium::Task<Result<Nothing>> delete_document(runtime::Context&, DeleteDocumentRequest request) override {
    deleted = request;
    co_return Nothing{};
  }
  ::consilium::Task<Result<CountReply>> count(runtime::Context&, CountRequest) override { co_return CountReply{5}; }

  std::optional<CreateDocumentRequest> created;
  std::optional<ListDocumentsRequest> listed;
  std::optional<ChangeDocumentRequest> changed;
  std::optional<PutCommentRequest> put;
  std::optional<DeleteDocumentRequest> deleted;
};

struct Seen final : runtime::CallObserver {
  void on_call(const runtime::Context&, const runtime::CallRecord& record) override {
    calls.push_back(std::string(record.service) + "." + std::string(record.call) +
                    (record.error == nullptr ? "" : " " + record.error->code));
  }
  std::vector<std::string> calls;
};

template <class Value>
::consilium::Task<void> keep(::consilium::Task<Value> task, std::optional<Value>& out) {
  auto value = co_await std::move(task);
  out.emplace(std::move(value));
}

class Adapters : public testing::Test {
 protected:
  template <class Value>
  Value run(::consilium::Task<Value> task) {
    std::optional<Value> out;
    loop_.spawn("test", keep(std::move(task), out));
    world_.run_until_idle();
    return std::move(out.value());
  }

  Result<net::RouteReply> request(std::string_view method, std::string_view path, net::RouteRequest request) {
    for (net::Route& route : routes_) {
      if (route.method == method && route.path == path) return run(route.handle(context_, std::move(request)));
    }
    ADD_FAILURE() << "no route " << method << " " << path;
    return net::RouteReply{};
  }

  // `path: code, …` of a refusal, after its code.
  static std::string refusal(const Result<net::RouteReply>& reply) {
    if (reply) return "accepted";
    std::string text = reply.error().code;
    for (const FieldError& field : reply.error().fields) text += " " + field.name + ":" + field.code;
    return text;
  }

  runtime::SimulatedWorld world_{1};
  runtime::SimulatedScheduler& loop_ = world_.add_loop("main");
  SeededRandom random_{1};
  runtime::Context context_{loop_, random_};
  Echo echo_;
  Seen seen_;
  LocalSample local_{echo_, seen_};
  std::vector<net::Route> routes_ = routes(local_);
};

TEST_F(Adapters, L_4_VA_1_LocalChecksTheRequestAndTellsTheObserver) {
  const auto refused = run(local_.create_document(context_, CreateDocumentRequest{}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "request.invalid");
  EXPECT_FALSE(echo_.created);
  CreateDocumentRequest good;
  good.title = "taken";
  EXPECT_FALSE(run(local_.create_document(context_, good)));
  good.title = "A title";
  EXPECT_TRUE(run(local_.create_document(context_, good)));
  EXPECT_EQ(seen_.calls, (std::vector<std::string>{"sample.CreateDocument request.invalid", "sample.CreateDocument sample.title-taken",
                                                   "sample.CreateDocument"}));
}

TEST_F(Adapters, LocalRefusesWhenTheDeadlineHasPassed) {
  context_.deadline = loop_.steady_now();
  const auto late = run(local_.count(context_, CountRequest{}));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::kDeadlineExceeded);
  context_.deadline = loop_.steady_now() + microseconds(1);
  EXPECT_TRUE(run(local_.count(context_, CountRequest{})));
}

TEST_F(Adapters, LocalComparesDatesWithTheClockOfTheCall) {
  CreateDocumentRequest request;
  request.title = "A title";
  SeededRandom random(4);
  request.formats = Formats{
      .id = kId, .at = loop_.now(), .born = date_of(loop_.now()), .name = "x", .count = 1, .tags = {"a"}, .state = DocumentState::kDraft};
  EXPECT_TRUE(run(local_.create_document(context_, request)));
  request.formats->at = loop_.now() + seconds(1);
  EXPECT_FALSE(run(local_.create_document(context_, request)));
}

// A channel to methods in the same process, as gRPC would carry the bytes.
class Loop final : public net::RpcChannel {
 public:
  explicit Loop(std::vector<net::RpcMethod> methods) : methods_(std::move(methods)) {}
  ::consilium::Task<Result<std::string>> call(runtime::Context& context, std::string_view method, std::string request) override {
    for (net::RpcMethod& candidate : methods_) {
      if (candidate.name != method) continue;
      auto reply = co_await candidate.handle(context, std::move(request));
      co_return reply;
    }
    co_return fail(ErrorKind::kInternal, "rpc.unknown-method", method);
  }

 private:
  std::vector<net::RpcMethod> methods_;
};

TEST_F(Adapters, RemoteCallsArriveAndReturn) {
  Loop channel(rpc_methods(local_));
  RemoteSample remote(channel);
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SeededRandom random(seed);
    CreateDocumentRequest request;
    request.title = "A title";
    request.scalars.numbers = random_scalars(random).numbers;
    request.scalars.some_bytes = random_scalars(random).some_bytes;
    const auto reply = run(remote.create_document(context_, request));
    ASSERT_TRUE(reply) << seed << reply.error().describe();
    EXPECT_EQ(reply->scalars, request.scalars) << seed;
    EXPECT_EQ(echo_.created, request) << seed;
  }
  const auto counted = run(remote.count(context_, CountRequest{}));
  ASSERT_TRUE(counted);
  EXPECT_EQ(counted->documents, 5);
}

TEST_F(Adapters, X_1_RemoteErrorsAreThoseOfTheCallee) {
  Loop channel(rpc_methods(local_));
  RemoteSample remote(channel);
  CreateDocumentRequest request;
  request.title = "taken";
  const auto reply = run(remote.create_document(context_, request));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, "sample.title-taken");
}

TEST_F(Adapters, RemoteMethodsHaveTheNamesOfGrpcAndRefuseBadBytes) {
  auto methods = rpc_methods(local_);
  ASSERT_EQ(methods.size(), 7U);
  EXPECT_EQ(methods[0].name, "/consilium.sample.v1.Sample/CreateDocument");
  const auto reply = run(methods[0].handle(context_, "\xff"));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ErrorKind::kMalformed);
}

TEST_F(Adapters, RoutesSayWhatTheContractSays) {
  std::vector<std::string> lines;
  for (const net::Route& route : routes_) {
    lines.push_back(std::string(route.method) + " " + std::string(route.path) + " " + std::string(route.permission) + " " +
                    std::string(route.condition) + (route.creates ? " creates" : "") + (route.needs_version ? " version" : ""));
  }
  EXPECT_EQ(lines, (std::vector<std::string>{"POST /documents sample.create none creates", "GET /documents/{id} session own",
                                             "GET /documents public none", "PATCH /documents/{id} session none version",
                                             "PUT /documents/{id}/comments/{commentNumber} session none",
                                             "DELETE /documents/{id} sample.delete none"}));
}

TEST_F(Adapters, CreatingAnswersWithLocationAndVersionAndHidesWhatIsForTheGateway) {
  const auto reply = request("POST", "/documents", {.body = R"({"title":"A title","scan":4})"});
  ASSERT_TRUE(reply) << reply.error().describe();
  EXPECT_EQ(reply->status, 201);
  EXPECT_EQ(reply->location, std::string("/documents/") + kIdText);
  EXPECT_EQ(reply->version, 7);
  EXPECT_EQ(echo_.created->scan, 4);
  const auto document = decode_json<Document>(reply->body, UnknownMembers::kRefuse);
  EXPECT_EQ(reply->body.find("ticket"), std::string::npos);
  EXPECT_NE(reply->body.find(R"("title":"A title")"), std::string::npos);
}

TEST_F(Adapters, BodiesAreChecked) {
  EXPECT_EQ(refusal(request("POST", "/documents", {.body = R"({"title":"A title","userAgent":"x"})"})),
            "request.malformed userAgent:reserved-member");
  EXPECT_EQ(refusal(request("POST", "/documents", {.body = R"({"titel":"A title"})"})), "request.malformed titel:unknown-member");
  EXPECT_EQ(refusal(request("POST", "/documents", {.body = ""})), "request.invalid title:required");
  EXPECT_EQ(refusal(request("POST", "/documents", {.query = {{"title", "x"}}, .body = "{}"})), "request.malformed title:unknown-member");
  EXPECT_EQ(refusal(request("POST", "/documents", {.body = "[]"})), "request.malformed :wrong-type");
}

TEST_F(Adapters, PathsWinAndMayNotBeRepeatedInTheBody) {
  const net::RouteRequest good{.path = {{"id", kIdText}, {"commentNumber", "12"}}, .body = R"({"comment":{"text":"x"}})"};
  const auto reply = request("PUT", "/documents/{id}/comments/{commentNumber}", good);
  ASSERT_TRUE(reply) << reply.error().describe();
  EXPECT_EQ(echo_.put->id, kId);
  EXPECT_EQ(echo_.put->comment_number, 12);
  EXPECT_EQ(echo_.put->comment.text, "x");
  net::RouteRequest repeated = good;
  repeated.body = R"({"id":"0190a0a0-7b1c-7c3e-9d2f-1a2b3c4d5e6f","comment":{"text":"x"}})";
  EXPECT_EQ(refusal(request("PUT", "/documents/{id}/comments/{commentNumber}", repeated)), "request.malformed id:reserved-member");
  net::RouteRequest odd = good;
  odd.path = {{"id", "7"}, {"commentNumber", "1x"}};
  EXPECT_EQ(refusal(request("PUT", "/documents/{id}/comments/{commentNumber}", odd)),
            "request.malformed id:bad-format commentNumber:bad-format");
  odd.path = {{"id", kIdText}, {"commentNumber", "0"}};
  EXPECT_EQ(refusal(request("PUT", "/documents/{id}/comments/{commentNumber}", odd)), "request.invalid commentNumber:out-of-range");
}

TEST_F(Adapters, QueriesAreTyped) {
  const auto reply = request("GET", "/documents",
                             {.query = {{"state", "in-review"},
                                        {"tag", "a"},
                                        {"tag", "b"},
                                        {"limit", "200"},
                                        {"count", "true"},
                                        {"since", "2026-01-31T10:30:00+01:00"},
                                        {"owner", kIdText}}});
  ASSERT_TRUE(reply) << reply.error().describe();
  EXPECT_EQ(reply->body, R"({"items":[],"nextCursor":null})");
  EXPECT_EQ(echo_.listed->state, DocumentState::kInReview);
  EXPECT_EQ(echo_.listed->tag, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(echo_.listed->limit, 200);
  EXPECT_TRUE(echo_.listed->count);
  EXPECT_EQ(echo_.listed->since, parse_rfc3339("2026-01-31T09:30:00Z"));
  EXPECT_EQ(echo_.listed->owner, kId);
  ASSERT_TRUE(request("GET", "/documents", {}));
  EXPECT_EQ(*echo_.listed, ListDocumentsRequest{});
}

TEST_F(Adapters, QueriesAreChecked) {
  struct Refusal {
    std::vector<std::pair<std::string, std::string>> query;
    const char* expected;
  };
  const Refusal refusals[] = {{{{"state", "done"}}, "request.malformed state:bad-format"},
                              {{{"limit", "x"}}, "request.malformed limit:bad-format"},
                              {{{"limit", ""}}, "request.malformed limit:bad-format"},
                              {{{"limit", "1 "}}, "request.malformed limit:bad-format"},
                              {{{"limit", "99999999999"}}, "request.malformed limit:bad-format"},
                              {{{"limit", "201"}}, "request.invalid limit:out-of-range"},
                              {{{"limit", "1"}, {"limit", "2"}}, "request.malformed limit:duplicate-member"},
                              {{{"count", "yes"}}, "request.malformed count:bad-format"},
                              {{{"page", "2"}}, "request.malformed page:unknown-member"},
                              {{{"tag", "a"}, {"tag", "b"}, {"tag", "c"}, {"tag", "d"}}, "request.invalid tag:too-many"},
                              {{{"cursor", "\xC3\x28"}}, "request.malformed cursor:bad-format"},
                              {{{"owner", "x"}, {"page", "2"}}, "request.malformed owner:bad-format page:unknown-member"}};
  for (const Refusal& one : refusals) EXPECT_EQ(refusal(request("GET", "/documents", {.query = one.query})), one.expected);
  EXPECT_EQ(refusal(request("GET", "/documents", {.body = R"({"limit":1})"})), "request.malformed limit:unknown-member");
  EXPECT_TRUE(request("GET", "/documents", {.body = "{}"}));
}

TEST_F(Adapters, PatchTakesTheVersionFromTheHeaderAndClearsByNull) {
  const net::RouteRequest patch{.path = {{"id", kIdText}}, .body = R"({"title":"New","reviewer":null})"};
  EXPECT_EQ(refusal(request("PATCH", "/documents/{id}", patch)), "request.precondition-required");
  context_.expected_version = 4;
  ASSERT_TRUE(request("PATCH", "/documents/{id}", patch));
  EXPECT_EQ(echo_.changed->version, 4);
  EXPECT_EQ(echo_.changed->title, "New");
  EXPECT_FALSE(echo_.changed->reviewer);
  EXPECT_EQ(echo_.changed->cleared, std::vector<std::string>{"reviewer"});
  net::RouteRequest odd = patch;
  odd.body = R"({"version":5,"cleared":["title"]})";
  EXPECT_EQ(refusal(request("PATCH", "/documents/{id}", odd)), "request.malformed version:reserved-member cleared:reserved-member");
}

TEST_F(Adapters, DeletingAnswersNothing) {
  const auto reply = request("DELETE", "/documents/{id}", {.path = {{"id", kIdText}}, .query = {{"force", "false"}}});
  ASSERT_TRUE(reply) << reply.error().describe();
  EXPECT_EQ(reply->status, 204);
  EXPECT_EQ(reply->body, "");
  EXPECT_EQ(echo_.deleted->force, false);
}

TEST_F(Adapters, ExamplesOfTheDocumentAreAccepted) {
  std::ifstream in(SAMPLE_OPENAPI);
  std::ostringstream text;
  text << in.rdbuf();
  const auto document = boost::json::parse(text.str());
  const auto& create = document.at_pointer("/paths/~1documents/post");
  const std::string body = boost::json::serialize(create.at_pointer("/requestBody/content/application~1json/example"));
  const auto reply = request("POST", "/documents", {.body = body});
  ASSERT_TRUE(reply) << reply.error().describe() << body;
  const std::string shown = boost::json::serialize(create.at_pointer("/responses/201/content/application~1json/example"));
  const auto read = decode_json<Document>(shown, UnknownMembers::kIgnore);
  ASSERT_TRUE(read) << read.error().describe() << shown;
  EXPECT_TRUE(validate(*read, loop_.now())) << shown;
  const auto& put = document.at_pointer("/paths/~1documents~1{id}~1comments~1{commentNumber}/put");
  const std::string comment = boost::json::serialize(put.at_pointer("/requestBody/content/application~1json/example"));
  EXPECT_TRUE(
      request("PUT", "/documents/{id}/comments/{commentNumber}", {.path = {{"id", kIdText}, {"commentNumber", "1"}}, .body = comment}))
      << comment;
}

// Keeps what was written.
class Notebook final : public database::Transaction {
 public:
  Result<std::int64_t> run(std::string_view sql, std::span<const database::Value> values) override {
    statement = sql;
    written.assign(values.begin(), values.end());
    return 1;
  }
  Result<database::Rows> select(std::string_view, std::span<const database::Value>) override { return database::Rows{}; }

  bool wrote(const std::string& text) const {
    return std::any_of(written.begin(), written.end(), [&](const database::Value& value) {
      const auto* found = std::get_if<std::string>(&value);
      return found != nullptr && *found == text;
    });
  }

  std::string statement;
  std::vector<database::Value> written;

 private:
  Result<void> open_savepoint() override { return {}; }
  Result<void> keep_savepoint() override { return {}; }
  void undo_savepoint() override {}
};

TEST_F(Adapters, R_1_EventsAreWrittenWithTopicKeyAndPayload) {
  Notebook notebook;
  ASSERT_TRUE(publish(notebook, context_, DocumentCreated{kId, DocumentState::kDraft}));
  EXPECT_NE(notebook.statement.find("sample_outbox"), std::string::npos);
  EXPECT_TRUE(notebook.wrote("sample.v1.document-created"));
  EXPECT_TRUE(notebook.wrote(kIdText));
  EXPECT_TRUE(notebook.wrote(std::string(R"({"documentId":")") + kIdText + R"(","state":"draft"})"));
  ASSERT_TRUE(publish(notebook, context_, Counted{42}));
  EXPECT_TRUE(notebook.wrote("42"));
}

TEST_F(Adapters, R_1_EventsAreReadByTypeAndTopic) {
  bus::Event event;
  event.topic = "sample.v1.document-created";
  event.payload = std::string(R"({"documentId":")") + kIdText + R"(","laterMember":[1]})";
  const auto read = bus::decode_event<DocumentCreated>(event);
  ASSERT_TRUE(read) << read.error().describe();
  EXPECT_EQ(read->document_id, kId);
  EXPECT_EQ(DocumentCreated::kKey, "documentId");
  const auto wrong = bus::decode_event<Counted>(event);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, "event.wrong-topic");
}

}  // namespace
}  // namespace consilium::sample::v1
