#include "app/service_keys.hpp"

#include "app/setting_values.hpp"
#include "core/crypto/encoding.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>

namespace countersign::app {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr const char* listing = "cs:keys";

// In the order of service_scope.
constexpr std::array<std::string_view, 4> scope_names{"verify", "manage", "sessions", "import"};

std::string index_name(const std::string& hash) {
    return "cs:index:key:" + hash;
}

problem redis_problem(store::store_error error) {
    return {"Redis: " + std::string(store::to_string(error))};
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
    if (!parsed) return std::nullopt;
    return listed_key{{id, std::string(*name), *std::move(parsed), std::string(*created)},
                      std::string(*hash)};
}

problem corrupt_entry(const std::string& id) {
    return {"the entry of the service key " + id + " in Redis is corrupt"};
}

} // namespace

fallible<std::vector<service_scope>> parse_scopes(std::string_view text) {
    std::vector<service_scope> scopes;
    for (const auto name : split_list(text)) {
        const auto found = std::ranges::find(scope_names, name);
        if (found == scope_names.end())
            return problem{"there is no scope \"" + std::string(name) +
                           "\": scopes are verify, manage, sessions and import"};
        const auto scope = static_cast<service_scope>(std::distance(scope_names.begin(), found));
        if (std::ranges::find(scopes, scope) == scopes.end()) scopes.push_back(scope);
    }
    if (scopes.empty())
        return problem{"a service key needs a scope: verify, manage, sessions or import"};
    return scopes;
}

std::string to_text(const std::vector<service_scope>& scopes) {
    std::vector<std::string> names;
    names.reserve(scopes.size());
    for (const auto scope : scopes)
        names.emplace_back(scope_names[static_cast<std::size_t>(scope)]);
    return join_list(names);
}

std::string service_key_hash(const core::code_hasher& hasher, std::string_view key) {
    return hasher.index_key("service-key", key);
}

asio::awaitable<fallible<new_service_key>> service_keys::create(std::string name,
                                                                std::vector<service_scope> scopes,
                                                                core::random_source& random,
                                                                core::unix_time now) {
    const auto id = random.hex(8);
    core::secret_string key("csk_" + core::to_base64url(random.bytes<32>()));
    const auto hash = service_key_hash(hasher_, key.reveal());
    const auto created = core::to_rfc3339(now);
    const json::object entry{
        {"hash", hash}, {"name", name}, {"scopes", to_text(scopes)}, {"created", created}};

    // Listed first: a key that works can always be seen and revoked.
    std::vector<std::string> list_it{"HSET", listing, id, json::serialize(entry)};
    const auto listed = co_await redis_.command(std::move(list_it));
    if (!listed) co_return redis_problem(listed.error());
    std::vector<std::string> index_it{"HSET",   index_name(hash), "id",      id,     "name", name,
                                      "scopes", to_text(scopes),  "created", created};
    const auto indexed = co_await redis_.command(std::move(index_it));
    if (!indexed) {
        auto failed = redis_problem(indexed.error());
        failed.sentence += " (the service key " + id + " may be listed: revoke it)";
        co_return failed;
    }
    co_return new_service_key{id, std::move(key)};
}

asio::awaitable<fallible<std::vector<service_key>>> service_keys::list() {
    std::vector<std::string> all{"HGETALL", listing};
    const auto reply = co_await redis_.command(std::move(all));
    if (!reply) co_return redis_problem(reply.error());
    std::vector<service_key> keys;
    const auto* fields = reply->list();
    for (std::size_t i = 0; fields != nullptr && i + 1 < fields->size(); i += 2) {
        const auto* id = (*fields)[i].text();
        const auto* text = (*fields)[i + 1].text();
        if (id == nullptr || text == nullptr)
            co_return problem{"the list of service keys is corrupt"};
        auto entry = parse_entry(*id, *text);
        if (!entry) co_return corrupt_entry(*id);
        keys.push_back(std::move(entry->key));
    }
    std::ranges::sort(keys, {},
                      [](const service_key& key) { return std::tie(key.created, key.id); });
    co_return keys;
}

asio::awaitable<fallible<void>> service_keys::revoke(std::string id) {
    std::vector<std::string> get{"HGET", listing, id};
    const auto reply = co_await redis_.command(std::move(get));
    if (!reply) co_return redis_problem(reply.error());
    const auto* text = reply->text();
    if (text == nullptr) co_return problem{"there is no service key " + id};
    const auto entry = parse_entry(id, *text);
    if (!entry) co_return corrupt_entry(id);

    // The listing last: until it is gone, revoking can be repeated.
    std::vector<std::string> unindex{"DEL", index_name(entry->hash)};
    const auto removed = co_await redis_.command(std::move(unindex));
    if (!removed) co_return redis_problem(removed.error());
    std::vector<std::string> unlist{"HDEL", listing, id};
    const auto unlisted = co_await redis_.command(std::move(unlist));
    if (!unlisted) co_return redis_problem(unlisted.error());
    co_return fallible<void>();
}

} // namespace countersign::app
