#include "store/rate_limits.hpp"

#include "store/scripts.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace countersign::store {

namespace asio = boost::asio;

namespace {

std::string rate_key(std::string_view rule, std::string_view who) {
    return "cs:rate:" + std::string(rule) + ":" + std::string(who);
}

std::string cooldown_key(std::string_view name, std::string_view who) {
    return "cs:cooldown:" + std::string(name) + ":" + std::string(who);
}

store_error unexpected_answer(std::string_view what) {
    spdlog::error("redis: unexpected answer about a {}", what);
    return store_error::corrupt;
}

// PTTL's negative answers say that there is none.
store_result<core::milliseconds> time_left(const store_result<reply_value>& reply) {
    if (!reply) return reply.error();
    const auto* left = reply->integer();
    if (!left) return unexpected_answer("cooldown");
    return core::milliseconds(std::max<std::int64_t>(*left, 0));
}

} // namespace

rate_limits::rate_limits(connection& redis) : redis_(redis) {}

asio::awaitable<store_result<rate_verdict>> rate_limits::take(rate_rule rule, std::string who,
                                                              core::unix_time now) {
    std::vector<std::string> keys{rate_key(rule.name, who)};
    std::vector<std::string> arguments{std::to_string(now.time_since_epoch().count()),
                                       std::to_string(rule.count),
                                       std::to_string(core::milliseconds(rule.window).count())};
    const auto reply =
        co_await redis_.script(scripts::rate(), std::move(keys), std::move(arguments));
    if (!reply) co_return reply.error();
    const auto* fields = reply->list();
    if (!fields || fields->size() != 3) co_return unexpected_answer("rate limit");
    const auto* allowed = (*fields)[0].integer();
    const auto* remaining = (*fields)[1].integer();
    const auto* retry_in = (*fields)[2].integer();
    if (!allowed || !remaining || !retry_in) co_return unexpected_answer("rate limit");
    co_return rate_verdict{*allowed == 1, static_cast<int>(*remaining),
                           core::milliseconds(*retry_in)};
}

asio::awaitable<store_result<core::milliseconds>> rate_limits::cooldown(std::string_view name,
                                                                        std::string who) {
    std::vector<std::string> arguments{"PTTL", cooldown_key(name, who)};
    co_return time_left(co_await redis_.command(std::move(arguments)));
}

asio::awaitable<store_result<core::milliseconds>>
rate_limits::start_cooldown(std::string_view name, std::string who, core::milliseconds length) {
    if (length <= core::milliseconds::zero()) co_return core::milliseconds::zero();
    std::vector<std::string> keys{cooldown_key(name, who)};
    std::vector<std::string> arguments{std::to_string(length.count())};
    co_return time_left(
        co_await redis_.script(scripts::cooldown(), std::move(keys), std::move(arguments)));
}

} // namespace countersign::store
