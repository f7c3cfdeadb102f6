#include "gateway/pages.h"

#include <gtest/gtest.h>

namespace consilium::gateway {
namespace {

constexpr EmbeddedFile kFiles[] = {
    {"index.html", "<html></html>"}, {"assets/a-1.js", "let a;"}, {"assets/a-1.js.gz", "zipped"}, {"assets/b-2.js", "let b;"}, {"assets/b-2.js.gz", "zipped"}, {"assets/b-2.js.br", "brotli"}, {"icon.svg", "<svg/>"}};

net::HttpRequest get(std::string target, std::vector<net::Header> headers = {}) {
  return {"GET", std::move(target), std::move(headers), "", "127.0.0.1"};
}

TEST(Pages, ServesFilesWithTypeAndTag) {
  const Pages pages{kFiles};
  const auto response = pages.get(get("/icon.svg"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "<svg/>");
  EXPECT_EQ(response.header("Content-Type"), "image/svg+xml");
  EXPECT_EQ(response.header("Cache-Control"), "no-cache");
  const auto again = pages.get(get("/icon.svg", {{"If-None-Match", std::string(response.header("ETag"))}}));
  EXPECT_EQ(again.status, 304);
  EXPECT_TRUE(again.body.empty());
}

TEST(Pages, CompressesForThoseWhoTakeIt) {
  const Pages pages{kFiles};
  EXPECT_EQ(pages.get(get("/assets/a-1.js")).body, "let a;");
  const auto response = pages.get(get("/assets/a-1.js", {{"Accept-Encoding", "br, gzip"}}));
  EXPECT_EQ(response.body, "zipped");
  EXPECT_EQ(response.header("Content-Encoding"), "gzip");
  EXPECT_NE(response.header("Cache-Control").find("immutable"), std::string_view::npos);
}

TEST(Pages, ChoosesTheSmallestFormThatTheyTake) {
  const Pages pages{kFiles};
  const auto coding_of = [&](std::string accepted) {
    const auto response = pages.get(get("/assets/b-2.js", {{"Accept-Encoding", std::move(accepted)}}));
    const bool fits = response.body == (response.header("Content-Encoding") == "br"     ? "brotli"
                                        : response.header("Content-Encoding") == "gzip" ? "zipped"
                                                                                        : "let b;");
    EXPECT_TRUE(fits) << response.body;
    return std::string(response.header("Content-Encoding"));
  };
  EXPECT_EQ(coding_of("gzip, deflate, br, zstd"), "br");
  EXPECT_EQ(coding_of("gzip;q=0.5,br;q=0.1"), "br");
  EXPECT_EQ(coding_of("br;q=0, gzip"), "gzip");
  EXPECT_EQ(coding_of("gzip"), "gzip");
  EXPECT_EQ(coding_of("brotli, x-gzip"), "");
  EXPECT_EQ(coding_of(""), "");
  EXPECT_EQ(pages.get(get("/assets/b-2.js.br")).status, 404);
}

TEST(Pages, AnyOtherPathIsThePageButAMissingAssetIsMissing) {
  const Pages pages{kFiles};
  for (const char* path : {"/", "/desk/MOI-000001", "/password", "/../etc/passwd"}) {
    EXPECT_EQ(pages.get(get(path)).body, "<html></html>") << path;
  }
  EXPECT_EQ(pages.get(get("/assets/gone.js")).status, 404);
}

TEST(Pages, TheApplicationComesInTheLanguageThatTheBrowserAsksFor) {
  static constexpr EmbeddedFile kInLanguages[] = {{"index.html", "none"}, {"index.en.html", "english"}, {"index.en.html.gz", "english, zipped"}, {"index.ru.html", "russian"}, {"icon.svg", "<svg/>"}, {"docs/index.html", "docs"}};
  const Pages pages{kInLanguages};
  for (const char* path : {"/", "/index.html", "/desk/MOI-000001"}) {
    EXPECT_EQ(pages.get(get(path)).body, "english") << path;
    EXPECT_EQ(pages.get(get(path, {{"Accept-Language", "ru-RU,ru;q=0.9,en;q=0.8"}})).body, "russian") << path;
    EXPECT_EQ(pages.get(get(path, {{"Accept-Language", "de, en;q=0.5, ru;q=0.1"}})).body, "english") << path;
    EXPECT_EQ(pages.get(get(path, {{"Accept-Language", "../../x"}})).body, "english") << path;
  }
  const auto english = pages.get(get("/", {{"Accept-Encoding", "gzip"}}));
  EXPECT_EQ(english.body, "english, zipped");
  EXPECT_EQ(english.header("Vary"), "Accept-Encoding, Accept-Language");
  // What one language's page is tagged with is no other's.
  const std::string tag(english.header("ETag"));
  EXPECT_EQ(pages.get(get("/", {{"If-None-Match", tag}})).status, 304);
  EXPECT_EQ(pages.get(get("/", {{"If-None-Match", tag}, {"Accept-Language", "ru"}})).body, "russian");
  EXPECT_EQ(pages.get(get("/icon.svg")).header("Vary"), "Accept-Encoding");
  EXPECT_EQ(pages.get(get("/docs")).body, "docs");
}

TEST(Pages, OnlyReads) {
  net::HttpRequest request = get("/");
  request.method = "POST";
  EXPECT_EQ(Pages{kFiles}.get(request).status, 405);
}

TEST(Pages, WithoutFilesSaysSo) { EXPECT_EQ(Pages{{}}.get(get("/")).status, 404); }

}  // namespace
}  // namespace consilium::gateway
