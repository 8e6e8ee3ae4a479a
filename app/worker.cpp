#include "app/worker.hpp"

#include "app/system.hpp"
#include "net/families/singularity/family.hpp"
#include "net/services.hpp"
#include "store/accounts.hpp"
#include "store/email_index.hpp"
#include "store/rate_limits.hpp"

#include <utility>

namespace countersign::app {

namespace {

struct worker {
    system_random system;
    buffered_random random{system};
    store::connection redis;
    store::accounts accounts;
    store::email_index emails;
    store::rate_limits limits;
    net::services services;

    worker(shared_parts& shared, boost::asio::io_context& context)
        : redis(context.get_executor(), {.address = shared.redis}),
          accounts(redis, random, shared.partitions), emails(redis, accounts, shared.codes),
          limits(redis),
          services{
              .accounts = accounts,
              .emails = emails,
              .limits = limits,
              .context = {.rules = shared.all.policy, .keys = shared.keys, .codes = shared.codes},
              .tokens = shared.tokens,
              .passwords = shared.passwords,
              .random = random,
              .now = shared.now,
              .ip_limits = shared.all.ip_limits,
              .secure_cookies = shared.all.app.base_uri.starts_with("https://"),
              .app_name = shared.all.app.name} {
        redis.start();
    }
};

net::reply health(bool good) {
    return {.status = good ? 200u : 503u,
            .body = good ? R"({"status":"ok"})" : R"({"status":"unavailable"})"};
}

boost::asio::awaitable<void> stop(std::shared_ptr<worker> stopped) {
    stopped->redis.stop();
    co_return;
}

} // namespace

std::unique_ptr<net::dispatcher> make_worker(shared_parts& shared,
                                             boost::asio::io_context& context) {
    const auto own = std::make_shared<worker>(shared, context);
    std::vector<std::unique_ptr<net::family>> families;
    families.push_back(std::make_unique<net::singularity::singularity_family>(own->services));

    using enum boost::beast::http::verb;
    auto pages = shared.pages;
    pages.push_back({{get, "/health/live"}, [](const net::request&) { return health(true); }});
    pages.push_back({{get, "/health/ready"}, [own, &shared](const net::request&) {
                         return health(shared.accepting() && own->redis.healthy());
                     }});
    return std::make_unique<net::families_dispatcher>(std::move(families), std::move(pages),
                                                      [own] { return stop(own); });
}

} // namespace countersign::app
