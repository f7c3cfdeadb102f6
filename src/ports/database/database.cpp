#include "ports/database/database.h"

namespace consilium::database {

std::optional<std::int64_t> Row::optional_integer(std::size_t column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

std::optional<std::string> Row::optional_text(std::size_t column) const {
  if (is_null(column)) return std::nullopt;
  return text(column);
}

std::optional<Uuid> Row::optional_uuid(std::size_t column) const {
  if (is_null(column)) return std::nullopt;
  return uuid(column);
}

std::optional<Timestamp> Row::optional_timestamp(std::size_t column) const {
  if (is_null(column)) return std::nullopt;
  return timestamp(column);
}

}  // namespace consilium::database
