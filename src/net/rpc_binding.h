// How a call becomes bytes for another process and back. Generated `Remote…` adapters and `rpc_methods` use it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/codec.h"
#include "net/rpc.h"

namespace consilium::net {

// `channel` outlives the call; `method` is a literal.
template <class Request, class Reply>
Task<Result<Reply>> call_remote(RpcChannel& channel, std::string_view method, runtime::Context& context, Request request) {
  std::string bytes = encode_wire(request);
  auto answer = co_await channel.call(context, method, std::move(bytes));
  if (!answer) co_return fail(std::move(answer).error());
  co_return decode_wire<Reply>(*answer);
}

template <class Service, class Request, class Reply>
Task<Result<std::string>> serve_remote(Service& service, Task<Result<Reply>> (Service::*call)(runtime::Context&, Request),
                                       runtime::Context& context, std::string bytes) {
  auto request = decode_wire<Request>(bytes);
  if (!request) co_return fail(std::move(request).error());
  auto reply = co_await (service.*call)(context, std::move(*request));
  if (!reply) co_return fail(std::move(reply).error());
  co_return encode_wire(*reply);
}

}  // namespace consilium::net
