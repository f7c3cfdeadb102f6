#include <gtest/gtest.h>

#include "base/random.h"
#include "base/utf8.h"
#include "net/chunk_decoder.h"
#include "net/cookie.h"
#include "net/endpoint.h"
#include "net/entity_tag.h"
#include "net/ip_address.h"
#include "net/language.h"
#include "net/message_reader.h"
#include "net/message_writer.h"
#include "net/percent_encoding.h"
#include "net/problem.h"
#include "net/web_socket_frame.h"

namespace consilium::net {
namespace {

TEST(Utf8, KnowsWellFormedBytes) {
  for (const char* good : {"", "abc", "Grüße", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF", "\xED\x9F\xBF"})
    EXPECT_TRUE(is_valid_utf8(good)) << good;
  for (const char* bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x80\x80\x80",
                          "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82", "a\xFFz"}) {
    EXPECT_FALSE(is_valid_utf8(bad)) << ::testing::PrintToString(bad);
  }
}

TEST(PercentEncoding, ReadsAndPrints) {
  EXPECT_EQ(percent_decode("a%20b%2Fc+d"), "a b/c+d");
  EXPECT_EQ(percent_encode("a b/c+ü~"), "a%20b%2Fc%2B%C3%BC~");
  for (const char* bad : {"%", "%1", "%zz", "%00", "%FF", "a%C3"}) EXPECT_FALSE(percent_decode(bad)) << bad;
}

TEST(PercentEncoding, ReadsQueries) {
  const auto members = parse_query("a=1&b=x+y%21&&c&=d&a=2");
  ASSERT_TRUE(members);
  const QueryMembers expected{{"a", "1"}, {"b", "x y!"}, {"c", ""}, {"", "d"}, {"a", "2"}};
  EXPECT_EQ(*members, expected);
  EXPECT_FALSE(parse_query("a=%"));
  std::string many;
  for (std::size_t i = 0; i < kQueryMemberLimit; ++i) many += "&a=b";
  EXPECT_TRUE(parse_query(many));
  EXPECT_FALSE(parse_query(many + "&a=b"));
}

TEST(Cookie, FindsTheFirstOfItsName) {
  EXPECT_EQ(find_cookie("a=1; session=xyz; session=later", "session"), "xyz");
  EXPECT_EQ(find_cookie("session=\"quoted\"", "session"), "quoted");
  EXPECT_EQ(find_cookie("session=", "session"), "");
  EXPECT_FALSE(find_cookie("mysession=1; session2=2; session", "session"));
  EXPECT_FALSE(find_cookie("", "session"));
  EXPECT_EQ(format_set_cookie({"__Host-session", "v", true, std::nullopt}), "__Host-session=v; Path=/; HttpOnly; SameSite=Strict; Secure");
  EXPECT_EQ(format_set_cookie({"session", "", false, Duration{}}), "session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
}

TEST(Language, ChoosesTheBestOffered) {
  constexpr std::string_view kOffered[] = {"en", "de", "ru"};
  const auto choose = [&](std::string_view header) { return choose_language(header, kOffered); };
  EXPECT_EQ(choose(""), "en");
  EXPECT_EQ(choose("de"), "de");
  EXPECT_EQ(choose("fr, DE-at;q=0.5, en;q=0.4"), "de");
  EXPECT_EQ(choose("de;q=0.3, ru;q=0.333"), "ru");
  EXPECT_EQ(choose("ru, de"), "ru");
  EXPECT_EQ(choose("de;q=0"), "en");
  EXPECT_EQ(choose("de;q=nonsense, ru;q=0.1"), "ru");
  EXPECT_EQ(choose("de;q=1.5"), "en");
  EXPECT_EQ(choose("*, de;q=0.5"), "en");
}

TEST(EntityTag, ReadsOneVersion) {
  EXPECT_EQ(format_entity_tag(7), "\"7\"");
  EXPECT_EQ(parse_if_match("\"7\"").value(), 7);
  EXPECT_EQ(parse_if_match(" W/\"12\" ").value(), 12);
  EXPECT_EQ(parse_if_match("").value(), std::nullopt);
  for (const char* bad : {"7", "\"\"", "*", "\"x\"", "\"-1\"", "\"1\", \"2\"", "\"99999999999999999999\""})
    EXPECT_FALSE(parse_if_match(bad).has_value()) << bad;
}

TEST(IpAddress, KnowsRanges) {
  const auto in = [](const char* range, const char* address) { return AddressRange::parse(range)->contains(*IpAddress::parse(address)); };
  EXPECT_TRUE(in("10.0.0.0/8", "10.255.1.2"));
  EXPECT_FALSE(in("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(in("10.0.0.0/8", "::ffff:10.1.2.3"));
  EXPECT_TRUE(in("192.168.5.128/25", "192.168.5.200"));
  EXPECT_FALSE(in("192.168.5.128/25", "192.168.5.127"));
  EXPECT_TRUE(in("fd00::/8", "fdff::1"));
  EXPECT_TRUE(in("::1", "[::1]"));
  EXPECT_TRUE(in("0.0.0.0/0", "8.8.8.8"));
  for (const char* bad : {"", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0/8", "::/129", "x/8", "1.2.3.4/8x"})
    EXPECT_FALSE(AddressRange::parse(bad)) << bad;
  EXPECT_EQ(IpAddress::parse("::ffff:1.2.3.4")->text(), "1.2.3.4");
  for (const char* address : {"127.0.0.1", "10.1.1.1", "169.254.169.254", "::1", "fe80::1", "::ffff:192.168.0.1", "0.0.0.0"})
    EXPECT_TRUE(is_private(*IpAddress::parse(address))) << address;
  for (const char* address : {"8.8.8.8", "2606:4700::1111"}) EXPECT_FALSE(is_private(*IpAddress::parse(address))) << address;
}

TEST(IpAddress, BelievesForwardingOnlyOfItsProxies) {
  const AddressRange proxies[] = {*AddressRange::parse("10.0.0.0/8"), *AddressRange::parse("::1")};
  const auto address = [&](std::string_view peer, std::vector<Header> headers) { return client_address(peer, headers, proxies); };
  EXPECT_EQ(address("8.8.8.8", {{"X-Forwarded-For", "1.2.3.4"}}), "8.8.8.8");
  EXPECT_EQ(address("10.0.0.1", {}), "10.0.0.1");
  EXPECT_EQ(address("10.0.0.1", {{"x-forwarded-for", "1.1.1.1, 2.2.2.2, 10.0.0.7"}}), "2.2.2.2");
  EXPECT_EQ(address("10.0.0.1", {{"X-Forwarded-For", "1.1.1.1"}, {"X-Forwarded-For", "10.3.3.3"}}), "1.1.1.1");
  EXPECT_EQ(address("10.0.0.1", {{"X-Forwarded-For", "1.1.1.1, nonsense"}}), "10.0.0.1");
}

TEST(Endpoint, ReadsAddressesAndUrls) {
  EXPECT_EQ(Endpoint::parse("127.0.0.1:8080")->port, 8080);
  EXPECT_EQ(Endpoint::parse("[::1]:0")->host, "::1");
  EXPECT_EQ(Endpoint::parse("[::1]:80")->text(), "[::1]:80");
  EXPECT_EQ(Endpoint::parse("unix:/run/a.sock")->path, "/run/a.sock");
  for (const char* bad : {"", "localhost", ":80", "a:b", "a:65536", "a:-1", "[::1]", "[x]:1", "[1.2.3.4]:1", "::1:80", "a b:1", "unix:"})
    EXPECT_FALSE(Endpoint::parse(bad).has_value()) << bad;
  for (const std::string& path : {std::string("/a\0b", 4), std::string("/a\nb"), std::string("/a\x7F")})
    EXPECT_FALSE(Endpoint::parse("unix:" + path).has_value()) << "what is listened on is not what was written";
  EXPECT_TRUE(Endpoint::parse("unix:" + std::string(107, 'p')).has_value());
  EXPECT_FALSE(Endpoint::parse("unix:" + std::string(108, 'p')).has_value());
  for (const char* loopback : {"localhost:1", "127.8.8.8:1", "[::1]:1", "unix:/a"})
    EXPECT_TRUE(Endpoint::parse(loopback)->is_loopback()) << loopback;
  for (const char* open : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "example.org:1"})
    EXPECT_FALSE(Endpoint::parse(open)->is_loopback()) << open;
  const auto url = Url::parse("HTTPS://example.org/a?b#c");
  ASSERT_TRUE(url.has_value());
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->endpoint.text(), "example.org:443");
  EXPECT_EQ(url->host_header, "example.org");
  EXPECT_EQ(url->target, "/a?b");
  EXPECT_EQ(Url::parse("ws://localhost:8080?x")->target, "/?x");
  EXPECT_EQ(Url::parse("http://localhost:8080")->host_header, "localhost:8080");
  for (const char* bad : {"", "localhost", "ftp://a", "http://", "http://user@a/", "http://a/ b", "http:///x"})
    EXPECT_FALSE(Url::parse(bad).has_value()) << bad;
}

TEST(MessageWriter, PrintsDatesAndRefusesBrokenHeaders) {
  EXPECT_EQ(format_http_date(*parse_rfc3339("1994-11-06T08:49:37Z")), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(format_http_date(Timestamp{0}), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_TRUE(is_printable_header({"X-A", "tab\tand \xC3\xBC"}));
  for (const Header& bad :
       {Header{"", "x"}, Header{"a b", "x"}, Header{"a:", "x"}, Header{"a", "x\r\n"}, Header{"a", std::string(1, '\0')}})
    EXPECT_FALSE(is_printable_header(bad));
}

TEST(Problem, B_69_ShowsWhatCallersMayKnow) {
  Error error = validation_error({{"client.name", "required", "Expected a name"}});
  const HttpResponse response = problem_response(error, "r-1", "Ungültig");
  EXPECT_EQ(response.status, 422);
  EXPECT_EQ(
      response.body,
      R"({"type":"urn:consilium:error:request.invalid","title":"Ungültig","status":422,"code":"request.invalid","requestId":"r-1",)"
      R"("detail":"Expected a valid request, but some fields are not","fields":[{"name":"client.name","code":"required","message":"Expected a name"}]})");
  const HttpResponse later = problem_response(make_error(ErrorKind::kRateLimited, "a.b").retry_in(milliseconds(1001)), {});
  EXPECT_EQ(later.header("retry-after"), "2");
  EXPECT_EQ(later.body, R"({"type":"urn:consilium:error:a.b","title":"Too Many Requests","status":429,"code":"a.b","retryAfter":2})");
  EXPECT_EQ(problem_response(internal_error("the disk is on fire"), {}).body.find("disk"), std::string::npos);
}

TEST(ResponseReader, ReadsAnswersOfEachKind) {
  const auto read = [](std::string_view text, ResponseBody body = ResponseBody::kAsDeclared) {
    ResponseReader reader(body, 10);
    std::string pending;
    for (const char c : text) {
      pending += c;
      pending.erase(0, reader.consume(pending));
    }
    reader.end_of_stream();
    return reader.stage() == ReadStage::kComplete ? std::to_string(reader.keep_alive()) + reader.take().body : reader.error().code;
  };
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"), "1abc");
  EXPECT_EQ(read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"), "1ab");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\n\r\nuntil end"), "0until end");
  EXPECT_EQ(read("HTTP/1.1 204 No\r\n\r\n"), "1");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", ResponseBody::kNone), "1");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"), "http.connection-lost");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"), "10123456789");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n0123456789a"), "http.too-large");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\n\r\n0123456789a"), "http.too-large");
  EXPECT_EQ(read("nonsense\r\n\r\n"), "http.malformed-response");
}

TEST(ChunkDecoder, ReadsStrictly) {
  const auto read = [](std::string_view text, std::size_t limit = 10) {
    ChunkDecoder decoder;
    std::string pending;
    std::string body;
    for (const char c : text) {
      pending += c;
      pending.erase(0, decoder.consume(pending, body, limit));
    }
    switch (decoder.stage()) {
      case ChunkDecoder::Stage::kDone: return body + (pending.empty() ? "" : " and more");
      case ChunkDecoder::Stage::kBroken: return std::string("broken");
      case ChunkDecoder::Stage::kTooLarge: return std::string("too large");
      default: return std::string("unfinished");
    }
  };
  EXPECT_EQ(read("3\r\nabc\r\n0\r\n\r\n"), "abc");
  EXPECT_EQ(read("3;a=b;c=\"d\"\r\nabc\r\nA\r\n", 12), "too large");
  EXPECT_EQ(read("00a\r\n0123456789\r\n0\r\nT: x\r\nU: y\r\n\r\nG"), "0123456789 and more");
  EXPECT_EQ(read("b\r\n"), "too large");
  EXPECT_EQ(read("5\r\nabc"), "unfinished");
  for (const char* broken :
       {"x\r\n", "\r\n", ";a\r\n", " 3\r\n", "3 \r\n", "+3\r\n", "0x3\r\n", "000000003\r\n", "3\nabc\n", "3;\nabc\r\n", "3;a\rb\r\n",
        "3\r\nabcd\r\n", "3\r\nabc0\r\n", "0\r\nno colon\r\n", "0\r\n: x\r\n", "0\r\nA : x\r\n", "0\r\n folded: x\r\n"}) {
    EXPECT_EQ(read(broken), "broken") << ::testing::PrintToString(broken);
  }
  EXPECT_EQ(read("0;" + std::string(kChunkLineLimit - 2, 'e') + "\r\n\r\n"), "");
  EXPECT_EQ(read("0;" + std::string(kChunkLineLimit - 1, 'e') + "\r\n\r\n"), "broken");
  std::string wasteful;  // 64 lines of 1,024 bytes are the limit
  for (int i = 0; i < 63; ++i) wasteful += "T:" + std::string(kChunkLineLimit - 4, 't') + "\r\n";
  const std::string last = "T:" + std::string(kChunkLineLimit - 4 - 3 - 2, 't');
  EXPECT_EQ(read("0\r\n" + wasteful + last + "\r\n\r\n"), "");
  EXPECT_EQ(read("0\r\n" + wasteful + last + "t\r\n\r\n"), "broken");
}

TEST(WebSocketFrame, RoundTripsAllLengthForms) {
  for (const std::size_t size : {0U, 1U, 125U, 126U, 65535U, 65536U}) {
    WebSocketDecoder decoder(WebSocketRole::kServer, 100'000);
    const std::string frame = encode_frame(Opcode::kText, std::string(size, 's'), 0xCAFEBABE);
    std::string_view input = frame;
    const auto event = decoder.next(input);
    ASSERT_TRUE(event) << size;
    EXPECT_EQ(event->payload, std::string(size, 's'));
  }
}

TEST(WebSocketFrame, CutsLongReasonsAtACharacter) {
  std::string reason(122, 'r');
  reason += "ü";  // its second byte does not fit
  EXPECT_EQ(encode_close(1000, reason).size(), 2U + 122U);
  EXPECT_EQ(encode_close(1000, std::string(500, 'r')).size(), kControlPayloadLimit);
}

TEST(WebSocketFrame, KnowsWhichCodesMayBeSent) {
  for (const std::uint16_t code : {1000, 1003, 1007, 1014, 3000, 4000, 4999}) EXPECT_TRUE(is_sendable_close_code(code)) << code;
  for (const std::uint16_t code : {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000}) EXPECT_FALSE(is_sendable_close_code(code)) << code;
}

}  // namespace
}  // namespace consilium::net
