#include "store/rate_limits.hpp"

#include "store/scripts.hpp"

#include <spdlog/spdlog.h>

#include <optional>
#include <utility>
#include <vector>

namespace countersign::store {

namespace asio = boost::asio;

namespace {

constexpr std::size_t fields_of_a_verdict = 4;
// A request does not wait long for what may be lost.
constexpr std::chrono::milliseconds patience{250};

// Nullopt: not what the script answers.
std::optional<rate_verdicts> read_verdicts(const reply_value& reply, std::size_t rules) {
    const auto* fields = reply.list();
    if (fields == nullptr || fields->empty() || fields->size() % fields_of_a_verdict != 0 ||
        fields->size() > rules * fields_of_a_verdict)
        return std::nullopt;
    rate_verdicts verdicts;
    for (std::size_t at = 0; at < fields->size(); at += fields_of_a_verdict) {
        const auto* allowed = (*fields)[at].integer();
        const auto* remaining = (*fields)[at + 1].integer();
        const auto* retry_in = (*fields)[at + 2].integer();
        const auto* whole_in = (*fields)[at + 3].integer();
        if (!allowed || !remaining || !retry_in || !whole_in) return std::nullopt;
        verdicts.push_back({*allowed == 1, static_cast<int>(*remaining),
                            core::milliseconds(*retry_in), core::milliseconds(*whole_in)});
    }
    return verdicts;
}

} // namespace

rate_limits::rate_limits(connection& redis) : redis_(redis) {}

awaitable<rate_verdicts> rate_limits::apply(std::span<const rate_rule> rules, std::string who,
                                            rate_use use, core::unix_time now) {
    std::vector<std::string> keys;
    std::vector<std::string> arguments{std::to_string(now.time_since_epoch().count()),
                                       std::to_string(static_cast<int>(use))};
    for (const auto& rule : rules) {
        keys.push_back(rate_key(rule, who));
        arguments.push_back(std::to_string(rule.count));
        arguments.push_back(std::to_string(core::milliseconds(rule.window).count()));
    }
    const auto reply = co_await redis_.script(scripts::rate(), keys, arguments,
                                              std::chrono::steady_clock::now() + patience);
    const auto verdicts = reply ? read_verdicts(*reply, rules.size()) : std::nullopt;
    if (std::exchange(away_, !verdicts) != !verdicts)
        verdicts
            ? spdlog::info("limits: counted in Redis again")
            : spdlog::warn("limits: their Redis does not answer; each thread counts by itself");
    co_return verdicts ? *verdicts : apply_here(rules, who, use, now);
}

rate_verdicts rate_limits::apply_here(std::span<const rate_rule> rules, std::string_view who,
                                      rate_use use, core::unix_time now) {
    rate_verdicts verdicts;
    for (const auto& rule : rules) {
        verdicts.push_back(local_.apply(rule, who, use, now));
        if (!verdicts.back().allowed) break;
    }
    return verdicts;
}

} // namespace countersign::store
