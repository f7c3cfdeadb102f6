#include "runtime/rounds.h"

#include <bit>

namespace consilium::runtime {

void Rounds::tell(const std::optional<Error>& error) {
  if (!error) {
    if (in_a_row_ > 0) logger_.info("A background task goes well again", {{"daemon", name_}, {"failures", in_a_row_}});
    in_a_row_ = 0;
    return;
  }
  ++failures_;
  ++in_a_row_;
  if (std::has_single_bit(static_cast<std::uint64_t>(in_a_row_)))
    logger_.error("A background task failed and goes on", {{"daemon", name_}, {"failures", in_a_row_}, {"error", *error}});
}

}  // namespace consilium::runtime
