#include "store/email_index.hpp"

#include "core/decide/strangers.hpp"
#include "store/scripts.hpp"

#include <spdlog/spdlog.h>

#include <charconv>
#include <utility>

namespace countersign::store {

namespace asio = boost::asio;

namespace {

constexpr std::string_view index_domain = "email";
constexpr char separator = '|';
constexpr int attempts_max = 8; // each lost one means that somebody else made progress

struct index_entry {
    core::account_id id;
    core::unix_time taken_at;
};

std::string to_text(core::milliseconds time) {
    return std::to_string(time.count());
}

// What an entry of that holder begins with.
std::string start_of_entry(const core::account_id& id) {
    return id.value() + separator;
}

std::optional<index_entry> entry_from(std::string_view text) {
    const auto split = text.find(separator);
    if (split == std::string_view::npos) return std::nullopt;
    const auto time = text.substr(split + 1);
    std::int64_t taken_at = 0;
    const auto [end, error] = std::from_chars(time.data(), time.data() + time.size(), taken_at);
    if (error != std::errc{} || end != time.data() + time.size()) return std::nullopt;
    return index_entry{core::account_id(std::string(text.substr(0, split))),
                       core::unix_time(core::milliseconds(taken_at))};
}

// The text of a GET's reply, empty if there is none.
store_result<std::string> stored_entry(const store_result<reply_value>& reply) {
    if (!reply) return reply.error();
    const auto* text = reply->text();
    return text ? *text : std::string();
}

store_error corrupt_entry(std::string_view key) {
    spdlog::error("{} is not an index entry", key);
    return store_error::corrupt;
}

std::vector<std::string> words(std::string first, std::string second) {
    return {std::move(first), std::move(second)};
}

} // namespace

email_index::email_index(connection& redis, accounts& accounts, const core::code_hasher& hasher)
    : redis_(redis), accounts_(accounts), hasher_(hasher) {}

std::string email_index::key_of(const core::email_address& address) const {
    return "cs:index:email:" + hasher_.index_key(index_domain, address.value());
}

asio::awaitable<store_result<std::optional<loaded_account>>>
email_index::find(core::email_address address) {
    const auto key = key_of(address);
    const auto stored = stored_entry(co_await redis_.command(words("GET", key)));
    if (!stored) co_return stored.error();
    if (stored->empty()) co_return std::nullopt;
    const auto entry = entry_from(*stored);
    if (!entry) co_return corrupt_entry(key);
    auto loaded = co_await accounts_.load(entry->id);
    if (!loaded) co_return loaded.error();
    auto& holder = *loaded;
    if (holder && holder->value.email != address.value()) holder.reset();
    co_return std::move(holder);
}

asio::awaitable<store_result<loaded_account>>
email_index::find_or_stranger(core::email_address address) {
    auto found = co_await find(address);
    if (!found) co_return found.error();
    if (*found) co_return **std::move(found);
    auto stranger = co_await accounts_.load(core::stranger_of(address, hasher_));
    if (!stranger) co_return stranger.error();
    co_return **std::move(stranger);
}

asio::awaitable<store_result<bool>> email_index::may_take_over(std::string entry,
                                                               core::email_address address,
                                                               core::account_id id,
                                                               core::unix_time now) {
    if (entry.empty()) co_return true;
    const auto parsed = entry_from(entry);
    if (!parsed) co_return corrupt_entry(key_of(address));
    if (parsed->id == id) co_return true;
    // Either way of the clock: an entry far in the future is no reservation either.
    if (std::chrono::abs(now - parsed->taken_at) < reservation_life) co_return false;
    const auto loaded = co_await accounts_.load(parsed->id);
    if (!loaded) co_return loaded.error();
    const auto& holder = *loaded;
    co_return !holder || holder->value.email != address.value();
}

asio::awaitable<store_result<std::optional<core::unix_time>>>
email_index::held_since(core::email_address address, core::account_id id) {
    const auto key = key_of(address);
    const auto stored = stored_entry(co_await redis_.command(words("GET", key)));
    if (!stored) co_return stored.error();
    if (stored->empty()) co_return std::nullopt;
    const auto entry = entry_from(*stored);
    if (!entry) co_return corrupt_entry(key);
    if (entry->id != id) co_return std::nullopt;
    co_return entry->taken_at;
}

asio::awaitable<store_result<bool>> email_index::reserve(core::email_address address,
                                                         core::account_id id, core::unix_time now) {
    const auto key = key_of(address);
    for (int attempts = 0; attempts < attempts_max; ++attempts) {
        const auto stored = stored_entry(co_await redis_.command(words("GET", key)));
        if (!stored) co_return stored.error();
        const auto free = co_await may_take_over(*stored, address, id, now);
        if (!free) co_return free.error();
        if (!*free) co_return false;

        std::vector<std::string> keys{key};
        std::vector<std::string> arguments{*stored, start_of_entry(id),
                                           to_text(now.time_since_epoch()),
                                           to_text(reservation_life)};
        const auto reply =
            co_await redis_.script(scripts::index_take(), std::move(keys), std::move(arguments));
        if (!reply) co_return reply.error();
        if (const auto* taken = reply->integer(); taken && *taken == 1) co_return true;
    }
    co_return store_error::contention;
}

asio::awaitable<store_result<void>> email_index::release(core::email_address address,
                                                         core::account_id id,
                                                         std::optional<core::unix_time> since) {
    std::vector<std::string> keys{key_of(address)};
    auto holder = words(start_of_entry(id), since ? to_text(since->time_since_epoch()) : "");
    const auto reply =
        co_await redis_.script(scripts::index_release(), std::move(keys), std::move(holder));
    if (!reply) co_return reply.error();
    co_return store_result<void>();
}

} // namespace countersign::store
