// Expected failures are values: `Result<T>` holds a T or an Error. Exceptions mean a bug.
#pragma once

#include <expected>
#include <utility>

#include "base/error.h"

namespace consilium {

template <class T>
using Result = std::expected<T, Error>;

using Failure = std::unexpected<Error>;

inline Failure fail(Error error) { return Failure(std::move(error)); }
inline Failure fail(ErrorKind kind, std::string_view code, std::string_view detail = {}) { return Failure(make_error(kind, code, detail)); }

}  // namespace consilium

#define CONSILIUM_CONCAT_INNER(a, b) a##b
#define CONSILIUM_CONCAT(a, b) CONSILIUM_CONCAT_INNER(a, b)

// `TRY(expression)` returns the error of a Result<void>, `ASSIGN_OR_RETURN(auto x, expression)` also takes the value.
// The CO_ forms are for coroutines. Never write them inside `?:` or an argument list.
#define TRY(expression)                                                                                       \
  do {                                                                                                        \
    if (auto try_result = (expression); !try_result) return ::consilium::fail(std::move(try_result).error()); \
  } while (false)

#define CO_TRY(expression)                                                       \
  do {                                                                           \
    auto try_result = (expression);                                              \
    if (!try_result) co_return ::consilium::fail(std::move(try_result).error()); \
  } while (false)

#define ASSIGN_OR_RETURN_INNER(result, target, expression, leave)  \
  auto result = (expression);                                      \
  if (!result) leave ::consilium::fail(std::move(result).error()); \
  target = std::move(*result)

#define ASSIGN_OR_RETURN(target, expression) ASSIGN_OR_RETURN_INNER(CONSILIUM_CONCAT(result_on_line_, __LINE__), target, expression, return)

#define CO_ASSIGN_OR_RETURN(target, expression) \
  ASSIGN_OR_RETURN_INNER(CONSILIUM_CONCAT(result_on_line_, __LINE__), target, expression, co_return)
