// Where in a message a reader or a validator stands: `client.phones[2].number`.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace consilium {

// Holds views: names outlive their time on the path.
class MemberPath {
 public:
  void enter(std::string_view name) { segments_.push_back({name, 0}); }
  void enter(std::size_t index) { segments_.push_back({{}, index}); }
  void leave() { segments_.pop_back(); }

  std::string text() const {
    std::string text;
    for (const Segment& segment : segments_) {
      if (segment.name.data() == nullptr) {
        text += '[' + std::to_string(segment.index) + ']';
      } else {
        if (!text.empty()) text += '.';
        text += segment.name;
      }
    }
    return text;
  }

 private:
  struct Segment {
    std::string_view name;  // without data: an index
    std::size_t index;
  };
  std::vector<Segment> segments_;
};

}  // namespace consilium
