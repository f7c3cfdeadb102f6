// The pages that the build put into the binary. Hashed assets may be cached for ever, everything else is asked for anew;
// any path that is no file is a page of the single-page application, in the language that the browser asks for.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/embedded_file.h"
#include "net/http.h"

namespace consilium::gateway {

class Pages {
 public:
  // `x.gz` and `x.br` beside `x` are its compressed forms.
  explicit Pages(std::span<const EmbeddedFile> files) { add(files); }
  void add(std::span<const EmbeddedFile> files);

  // Whether there is a file of that path, or a folder with an `index.html`.
  bool has(std::string_view path) const { return find(path) != nullptr; }
  net::HttpResponse get(const net::HttpRequest& request) const;
  bool empty() const { return pages_.empty(); }

 private:
  struct Page {
    std::string_view plain;
    std::string_view gzip;    // empty: none
    std::string_view brotli;  // the same
    std::string tag;
    std::string_view type;
  };

  const Page* find(std::string_view path) const;
  const Page* application(std::string_view accept_language) const;

  std::map<std::string, Page, std::less<>> pages_;
  std::vector<std::string_view> languages_;  // with an `index.LANGUAGE.html`, in the order of their names
};

}  // namespace consilium::gateway
