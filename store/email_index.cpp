#include "store/email_index.hpp"

#include "core/decide/strangers.hpp"
#include "store/scripts.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace countersign::store {

namespace asio = boost::asio;

namespace {

constexpr std::string_view index_domain = "email";
constexpr const char* key_prefix = "cs:index:email:";
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

std::string text_of(const reply_value& value) {
    const auto* text = value.text();
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

std::vector<std::string> email_index::keys_of(const core::email_address& address) const {
    auto keys = hasher_.index_keys(index_domain, address.value());
    for (auto& key : keys)
        key.insert(0, key_prefix);
    return keys;
}

awaitable<store_result<std::vector<std::string>>> email_index::read(std::vector<std::string> keys) {
    std::vector<std::string> stored(keys.size());
    if (keys.size() == 1) {
        const auto reply = co_await redis_.command(words("GET", std::move(keys.front())));
        if (!reply) co_return reply.error();
        stored.front() = text_of(*reply);
        co_return stored;
    }
    for (const auto& group : redis_.together(keys)) {
        std::vector<std::string> get{"MGET"};
        for (const auto place : group)
            get.push_back(keys[place]);
        const auto reply = co_await redis_.command(std::move(get));
        if (!reply) co_return reply.error();
        const auto* values = reply->list();
        if (values == nullptr || values->size() != group.size()) co_return store_error::corrupt;
        for (std::size_t i = 0; i < group.size(); ++i)
            stored[group[i]] = text_of((*values)[i]);
    }
    co_return stored;
}

awaitable<store_result<std::optional<loaded_account>>>
email_index::find(core::email_address address) {
    const auto keys = keys_of(address);
    const auto stored = co_await read(keys);
    if (!stored) co_return stored.error();
    std::string looked_at; // the same entry under several peppers is one
    for (std::size_t place = 0; place < keys.size(); ++place) {
        const auto& text = (*stored)[place];
        if (text.empty()) continue;
        const auto entry = entry_from(text);
        if (!entry) co_return corrupt_entry(keys[place]);
        if (entry->id.value() == looked_at) continue;
        looked_at = entry->id.value();
        auto loaded = co_await accounts_.load(entry->id);
        if (!loaded) co_return loaded.error();
        if (*loaded && (*loaded)->value.email == address.value()) co_return *std::move(loaded);
    }
    co_return std::nullopt;
}

awaitable<store_result<loaded_account>> email_index::find_or_stranger(core::email_address address) {
    auto found = co_await find(address);
    if (!found) co_return found.error();
    if (*found) co_return **std::move(found);
    auto stranger = co_await accounts_.load(core::stranger_of(address, hasher_));
    if (!stranger) co_return stranger.error();
    co_return **std::move(stranger);
}

awaitable<store_result<bool>> email_index::may_take_over(std::string entry,
                                                         core::email_address address,
                                                         core::account_id id, core::unix_time now) {
    if (entry.empty()) co_return true;
    const auto parsed = entry_from(entry);
    if (!parsed) co_return corrupt_entry("the entry of an address in the index");
    if (parsed->id == id) co_return true;
    // Either way of the clock: an entry far in the future is no reservation either.
    if (std::chrono::abs(now - parsed->taken_at) < reservation_life) co_return false;
    const auto loaded = co_await accounts_.load(parsed->id);
    if (!loaded) co_return loaded.error();
    const auto& holder = *loaded;
    co_return !holder || holder->value.email != address.value();
}

awaitable<store_result<std::optional<core::unix_time>>>
email_index::held_since(core::email_address address, core::account_id id) {
    const auto keys = keys_of(address);
    const auto stored = co_await read(keys);
    if (!stored) co_return stored.error();
    for (std::size_t place = 0; place < keys.size(); ++place) {
        const auto& text = (*stored)[place];
        if (text.empty()) continue;
        const auto entry = entry_from(text);
        if (!entry) co_return corrupt_entry(keys[place]);
        if (entry->id == id) co_return entry->taken_at;
    }
    co_return std::nullopt;
}

awaitable<store_result<std::optional<std::size_t>>>
email_index::place_of(core::email_address address, core::account_id id) {
    const auto stored = co_await read(keys_of(address));
    if (!stored) co_return stored.error();
    for (std::size_t place = 0; place < stored->size(); ++place)
        if ((*stored)[place].starts_with(start_of_entry(id))) co_return place;
    co_return std::nullopt;
}

awaitable<store_result<bool>> email_index::reserve_at(std::string key, core::email_address address,
                                                      core::account_id id, core::unix_time now) {
    for (int attempts = 0; attempts < attempts_max; ++attempts) {
        const auto reply = co_await redis_.command(words("GET", key));
        if (!reply) co_return reply.error();
        const auto stored = text_of(*reply);
        const auto free = co_await may_take_over(stored, address, id, now);
        if (!free) co_return free.error();
        if (!*free) co_return false;

        std::vector<std::string> keys{key};
        std::vector<std::string> arguments{
            stored, start_of_entry(id), to_text(now.time_since_epoch()), to_text(reservation_life)};
        const auto answer = co_await redis_.script(scripts::index_take(), keys, arguments);
        if (!answer) co_return answer.error();
        if (const auto* taken = answer->integer(); taken && *taken == 1) co_return true;
    }
    co_return store_error::contention;
}

awaitable<store_result<bool>> email_index::reserve(core::email_address address, core::account_id id,
                                                   core::unix_time now) {
    auto keys = keys_of(address);
    if (keys.size() > 1) {
        // One time for all entries, so that release() can name it.
        const auto since = co_await held_since(address, id);
        if (!since) co_return since.error();
        if (const auto& held = *since; held && *held - now < reservation_life)
            now = std::max(now, *held + core::milliseconds(1));
        // One order for all servers, whichever pepper they hash under: whoever has the first entry
        // goes on. Who meets another's later on leaves entries behind that count for nothing.
        std::ranges::sort(keys);
    }
    for (auto& key : keys) {
        const auto taken = co_await reserve_at(std::move(key), address, id, now);
        if (!taken) co_return taken.error();
        if (!*taken) co_return false;
    }
    co_return true;
}

awaitable<store_result<void>> email_index::release(core::email_address address, core::account_id id,
                                                   std::optional<core::unix_time> since) {
    for (auto& key : keys_of(address)) {
        std::vector<std::string> keys{std::move(key)};
        auto holder = words(start_of_entry(id), since ? to_text(since->time_since_epoch()) : "");
        const auto reply = co_await redis_.script(scripts::index_release(), keys, holder);
        if (!reply) co_return reply.error();
    }
    co_return store_result<void>();
}

awaitable<store_result<void>>
email_index::release_at(std::size_t place, core::email_address address, core::account_id id) {
    std::vector<std::string> keys{keys_of(address).at(place)};
    auto holder = words(start_of_entry(id), "");
    const auto reply = co_await redis_.script(scripts::index_release(), keys, holder);
    if (!reply) co_return reply.error();
    co_return store_result<void>();
}

} // namespace countersign::store
