#include "cast.h"

#include "app/demo_people.h"
#include "page.h"

namespace consilium::simulation {
namespace {

Task<Result<void>> add_client(app::Platform* platform, runtime::Context* context, std::string username) {
  users::v1::FindUserRequest find;
  find.username = username;
  auto known = co_await platform->users().find_user(*context, find);
  if (!known) {
    users::v1::CreateClientRequest request;
    request.username = std::move(username);
    request.first_name = "Carla";
    request.last_name = "Costa";
    request.sex = users::v1::Sex::kF;
    request.birth_date = Date{1990, 2, 28};
    request.phone = "+70000000003";
    request.language = "en";
    auto created = co_await platform->users().create_client(*context, request);
    if (!created) co_return fail(std::move(created).error());
  }
  for (;;) {
    auto user = co_await platform->users().find_user(*context, find);
    if (!user) co_return fail(std::move(user).error());
    if (user->status == users::v1::UserStatus::kActive) {
      sessions::v1::IdentityRequest identity;
      identity.user_id = user->id;
      auto link = co_await platform->sessions().create_one_time_link(*context, identity);
      if (!link) co_return fail(std::move(link).error());
      sessions::v1::SetPasswordRequest set;
      set.token = link->token;
      set.password = Secret(std::string(kPassword));
      auto done = co_await platform->sessions().set_password(*context, std::move(set));
      if (!done) co_return fail(std::move(done).error());
      co_return Result<void>();
    }
    co_await context->scheduler().sleep_for(milliseconds(100));
  }
}

}  // namespace

runtime::Context service_context(Cluster* cluster) {
  runtime::Context context(cluster->main(), cluster->random());
  context.client = runtime::ClientType::kCommandLine;
  context.request_id = context.new_id().text();
  context.caller.kind = runtime::Caller::Kind::kService;
  context.caller.service = "platform";
  return context;
}

Task<Result<void>> add_people(Cluster* cluster) {
  runtime::Context context = service_context(cluster);
  auto logins = co_await app::create_demo_people(cluster->platform(), context, Secret(std::string(kPassword)));
  if (!logins) co_return fail(std::move(logins).error());
  auto added = co_await add_client(&cluster->platform(), &context, "carla");
  co_return added;
}

Task<Result<void>> add_clients(Cluster* cluster, std::string name, int count) {
  runtime::Context context = service_context(cluster);
  for (int i = 1; i <= count; ++i) {
    std::string username = name + "-" + std::to_string(i);
    auto added = co_await add_client(&cluster->platform(), &context, std::move(username));
    if (!added) co_return added;
  }
  co_return Result<void>();
}

}  // namespace consilium::simulation
