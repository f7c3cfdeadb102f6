// A file that the build put into the binary (`consilium_embed` in cmake/embed.cmake): models, catalogues, pages.
#pragma once

#include <string_view>

namespace consilium {

struct EmbeddedFile {
  std::string_view path;  // below the embedded folder, e.g. `assets/index.js`
  std::string_view content;
};

}  // namespace consilium
