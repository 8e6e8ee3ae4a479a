#include "app/worker.hpp"

#include "app/documentation_pages.hpp"
#include "app/families.hpp"
#include "app/system.hpp"
#include "net/cookies.hpp"
#include "net/cross_site.hpp"
#include "net/openapi.hpp"
#include "net/services.hpp"
#include "store/accounts.hpp"
#include "store/email_index.hpp"
#include "store/rate_limits.hpp"
#include "store/service_keys.hpp"

#include <span>
#include <stdexcept>
#include <string>
#include <utility>

namespace countersign::app {

namespace {

std::unique_ptr<store::connection> connect_for_limits(const redis_settings& all,
                                                      boost::asio::io_context& context) {
    if (!all.limits_url) return nullptr;
    auto address = store::parse_redis_url(all.limits_url->reveal());
    if (address.has_error())
        throw std::runtime_error("redis.limits_url is not usable: " + address.error());
    return std::make_unique<store::connection>(
        context.get_executor(),
        store::connection_options{.address = std::move(address).unsafe_value(),
                                  .name = "countersign-limits"});
}

struct worker {
    system_random system;
    buffered_random random{system};
    thread_keys keys;
    store::connection redis;
    std::unique_ptr<store::connection> limits_redis; // null: they are in the same one
    store::accounts accounts;
    store::email_index emails;
    store::rate_limits limits;
    store::service_keys service_keys;
    net::services services;

    worker(shared_parts& shared, boost::asio::io_context& context, net::thread_counters& counted)
        : keys(*shared.keys.in_use(), shared.all.app.base_uri),
          redis(context.get_executor(), {.address = shared.redis, .counted = &counted.redis}),
          limits_redis(connect_for_limits(shared.all.redis, context)),
          accounts(
              redis, random, shared.partitions,
              {.codes = shared.all.mail.outbox_codes_max, .alerts = shared.all.mail.outbox_max},
              &counted.accounts),
          emails(redis, accounts, keys.codes), limits(limits_redis ? *limits_redis : redis),
          service_keys(redis, keys.codes),
          services{
              .redis = redis,
              .accounts = accounts,
              .emails = emails,
              .limits = limits,
              .context = {.rules = shared.all.policy, .keys = keys.sealing, .codes = keys.codes},
              .tokens = keys.tokens,
              .passwords = shared.passwords,
              .verifications = counted.verifications,
              .random = random,
              .now = shared.now,
              .ip_limits = shared.all.ip_limits,
              .secure_cookies =
                  shared.all.tls.on() || shared.all.app.base_uri.starts_with("https://"),
              .cookie_prefix = shared.all.host_prefixed_cookies ? net::host_prefix : "",
              .app_name = shared.all.app.name,
              .origin = net::origin_of(shared.all.app.base_uri)} {
        redis.start();
        if (limits_redis) limits_redis->start();
    }
};

constexpr std::string_view api_introduction =
    "Accounts, sessions and second factors. Each heading is an API family with its own "
    "conventions. The text of this document: `/openapi.json`.";

net::reply health(bool good) {
    return {.status = good ? 200u : 503u,
            .body = good ? R"({"status":"ok"})" : R"({"status":"unavailable"})"};
}

// Throws if a family and its description do not fit: that ends the start.
std::vector<net::page> describe(std::span<const std::unique_ptr<net::family>> families,
                                const settings& all) {
    std::vector<net::family_description> described;
    for (const auto& family : families)
        described.push_back(family->describe());
    return documentation_pages(net::make_openapi(described, {.title = all.app.name + " API",
                                                             .version = COUNTERSIGN_VERSION,
                                                             .description = api_introduction,
                                                             .base_uri = all.app.base_uri}));
}

// RFC 7517 section 5. Where no key can be published there is no such page, and `otherwise` says so.
net::reply key_set(const worker& of, const net::request& request, net::family& otherwise) {
    auto set = of.keys.tokens.key_set();
    if (set.empty()) return otherwise.not_found(request);
    return {.body = std::move(set),
            .content_type = "application/jwk-set+json",
            .headers = {{"Cache-Control", "public, max-age=300"}}};
}

awaitable<void> stop(std::shared_ptr<worker> stopped) {
    stopped->redis.stop();
    if (stopped->limits_redis) stopped->limits_redis->stop();
    co_return;
}

} // namespace

std::unique_ptr<net::dispatcher> make_worker(shared_parts& shared, boost::asio::io_context& context,
                                             std::size_t thread) {
    auto& counted = *shared.counters.at(thread);
    const auto own = std::make_shared<worker>(shared, context, counted);
    auto families = make_families(own->services, own->service_keys, shared.all);

    using enum boost::beast::http::verb;
    std::call_once(shared.documented,
                   [&] { shared.documentation = describe(families, shared.all); });
    auto pages = shared.pages;
    pages.insert(pages.end(), shared.documentation.begin(), shared.documentation.end());
    pages.push_back({{get, "/health/live"}, [](const net::request&) { return health(true); }});
    pages.push_back({{get, "/health/ready"}, [own, &shared](const net::request&) {
                         return health(shared.accepting() && own->redis.healthy());
                     }});
    // The first family answers paths that are nobody's; it lives as long as the pages do.
    pages.push_back({{get, "/.well-known/jwks.json"},
                     [own, first = families.front().get()](const net::request& request) {
                         return key_set(*own, request, *first);
                     }});
    shared.keys.add(context.get_executor(),
                    [weak = std::weak_ptr(own),
                     audience = shared.all.app.base_uri](const keys_keeper::shared_keys& fresh) {
                        if (const auto worker = weak.lock())
                            worker->keys = thread_keys(*fresh, audience);
                    });
    return std::make_unique<net::families_dispatcher>(
        std::move(families), std::move(pages), [own] { return stop(own); }, counted);
}

} // namespace countersign::app
