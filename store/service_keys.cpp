#include "store/service_keys.hpp"

#include "core/crypto/encoding.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <tuple>
#include <utility>

namespace countersign::store {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr const char* listing = "cs:keys";
constexpr std::string_view key_prefix = "csk_";
constexpr std::size_t key_length = key_prefix.size() + 43; // base64url of 32 bytes

// In the order of service_scope.
constexpr std::array<std::string_view, 4> scope_names{"verify", "manage", "sessions", "import"};

std::string index_name(const std::string& hash) {
    return "cs:index:key:" + hash;
}

std::string_view without_spaces(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

struct listed_key {
    service_key key;
    std::string hash;
};

// An entry of the listing, or nothing if it is not one of ours.
std::optional<listed_key> parse_entry(const std::string& id, const std::string& text) {
    boost::system::error_code error;
    const auto document = json::parse(text, error);
    const auto* object = error ? nullptr : document.if_object();
    const auto member = [object](const char* name) -> const json::string* {
        const auto* value = object == nullptr ? nullptr : object->if_contains(name);
        return value == nullptr ? nullptr : value->if_string();
    };
    const auto* hash = member("hash");
    const auto* name = member("name");
    const auto* scopes = member("scopes");
    const auto* created = member("created");
    if (hash == nullptr || name == nullptr || scopes == nullptr || created == nullptr)
        return std::nullopt;
    auto parsed = parse_scopes(*scopes);
    if (parsed.has_error()) return std::nullopt;
    return listed_key{
        {id, std::string(*name), std::move(parsed).unsafe_value(), std::string(*created)},
        std::string(*hash)};
}

store_error corrupt_entry(std::string_view id) {
    spdlog::error("the entry of the service key {} in {} is corrupt", id, listing);
    return store_error::corrupt;
}

// The fields of an index entry in any order, or nothing if they are not those of one.
std::optional<service_key> parse_fields(const std::vector<reply_value>& fields) {
    const auto field = [&fields](std::string_view name) -> const std::string* {
        for (std::size_t i = 0; i + 1 < fields.size(); i += 2)
            if (const auto* text = fields[i].text(); text != nullptr && *text == name)
                return fields[i + 1].text();
        return nullptr;
    };
    const auto* id = field("id");
    const auto* name = field("name");
    const auto* scopes = field("scopes");
    const auto* created = field("created");
    if (id == nullptr || name == nullptr || scopes == nullptr || created == nullptr)
        return std::nullopt;
    auto parsed = parse_scopes(*scopes);
    if (parsed.has_error()) return std::nullopt;
    return service_key{*id, *name, std::move(parsed).unsafe_value(), *created};
}

} // namespace

boost::system::result<std::vector<service_scope>, std::string> parse_scopes(std::string_view text) {
    if (without_spaces(text).empty())
        return std::string("a service key needs a scope: verify, manage, sessions or import");
    std::vector<service_scope> scopes;
    for (std::size_t begin = 0; begin <= text.size();) {
        const auto end = std::min(text.find(',', begin), text.size());
        const auto name = without_spaces(text.substr(begin, end - begin));
        begin = end + 1;
        const auto found = std::ranges::find(scope_names, name);
        if (found == scope_names.end())
            return "there is no scope \"" + std::string(name) +
                   "\": scopes are verify, manage, sessions and import";
        const auto scope = static_cast<service_scope>(std::distance(scope_names.begin(), found));
        if (std::ranges::find(scopes, scope) == scopes.end()) scopes.push_back(scope);
    }
    return scopes;
}

std::string to_text(const std::vector<service_scope>& scopes) {
    std::string text;
    for (const auto scope : scopes) {
        if (!text.empty()) text += ',';
        text += scope_names[static_cast<std::size_t>(scope)];
    }
    return text;
}

std::string service_key_hash(const core::code_hasher& hasher, std::string_view key) {
    return hasher.index_key("service-key", key);
}

asio::awaitable<store_result<new_service_key>>
service_keys::create(std::string name, std::vector<service_scope> scopes,
                     core::random_source& random, core::unix_time now) {
    const auto id = random.hex(8);
    core::secret_string key(std::string(key_prefix) + core::to_base64url(random.bytes<32>()));
    const auto hash = service_key_hash(hasher_, key.reveal());
    const auto created = core::to_rfc3339(now);
    const json::object entry{
        {"hash", hash}, {"name", name}, {"scopes", to_text(scopes)}, {"created", created}};

    // Listed first: a key that works can always be seen and revoked.
    std::vector<std::string> list_it{"HSET", listing, id, json::serialize(entry)};
    auto done = co_await redis_.command(std::move(list_it));
    if (done) {
        std::vector<std::string> index_it{
            "HSET",   index_name(hash), "id",      id,     "name", name,
            "scopes", to_text(scopes),  "created", created};
        done = co_await redis_.command(std::move(index_it));
    }
    if (!done) {
        spdlog::error("the service key {} was not made, but may be listed: revoke it", id);
        co_return done.error();
    }
    co_return new_service_key{id, std::move(key)};
}

asio::awaitable<store_result<std::optional<service_key>>>
service_keys::find(std::string_view presented) {
    if (presented.size() != key_length || !presented.starts_with(key_prefix))
        co_return std::nullopt;
    const auto entry = index_name(service_key_hash(hasher_, presented));
    std::vector<std::string> all{"HGETALL", entry};
    const auto reply = co_await redis_.command(std::move(all));
    if (!reply) co_return reply.error();
    const auto* fields = reply->list();
    if (fields != nullptr && fields->empty()) co_return std::nullopt;
    auto found = fields == nullptr ? std::nullopt : parse_fields(*fields);
    if (!found) {
        spdlog::error("{} is corrupt", entry);
        co_return store_error::corrupt;
    }
    co_return std::move(found);
}

asio::awaitable<store_result<std::vector<service_key>>> service_keys::list() {
    std::vector<std::string> all{"HGETALL", listing};
    const auto reply = co_await redis_.command(std::move(all));
    if (!reply) co_return reply.error();
    std::vector<service_key> keys;
    const auto* fields = reply->list();
    for (std::size_t i = 0; fields != nullptr && i + 1 < fields->size(); i += 2) {
        const auto* id = (*fields)[i].text();
        const auto* text = (*fields)[i + 1].text();
        if (id == nullptr || text == nullptr) co_return corrupt_entry("?");
        auto entry = parse_entry(*id, *text);
        if (!entry) co_return corrupt_entry(*id);
        keys.push_back(std::move(entry->key));
    }
    std::ranges::sort(keys, {},
                      [](const service_key& key) { return std::tie(key.created, key.id); });
    co_return keys;
}

asio::awaitable<store_result<bool>> service_keys::revoke(std::string id) {
    std::vector<std::string> get{"HGET", listing, id};
    const auto reply = co_await redis_.command(std::move(get));
    if (!reply) co_return reply.error();
    const auto* text = reply->text();
    if (text == nullptr) co_return false;
    const auto entry = parse_entry(id, *text);
    if (!entry) co_return corrupt_entry(id);

    // The listing last: until it is gone, revoking can be repeated.
    std::vector<std::string> unindex{"DEL", index_name(entry->hash)};
    const auto removed = co_await redis_.command(std::move(unindex));
    if (!removed) co_return removed.error();
    std::vector<std::string> unlist{"HDEL", listing, id};
    const auto unlisted = co_await redis_.command(std::move(unlist));
    if (!unlisted) co_return unlisted.error();
    co_return true;
}

} // namespace countersign::store
