#include "store/service_keys.hpp"

#include "core/crypto/encoding.hpp"
#include "store/scripts.hpp"

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

// How the names of index entries begin. Scripts name the listing and its entries at once; where
// those have to be in one slot, the entries have the listing's hash tag.
const char* index_prefix_in(const connection& redis) {
    constexpr const char* plain = "cs:index:key:";
    constexpr const char* beside_the_listing = "cs:index:key:{cs:keys}:";
    return redis.together({listing, plain}).size() == 1 ? plain : beside_the_listing;
}

std::string_view without_spaces(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

constexpr std::string_view index_domain = "service-key";
constexpr int tries_max = 5; // each lost one means that somebody else made progress

struct listed_key {
    service_key key;
    std::string hash;
};

std::string entry_text(const listed_key& of) {
    return json::serialize(json::object{{"hash", of.hash},
                                        {"name", of.key.name},
                                        {"scopes", to_text(of.key.scopes)},
                                        {"created", of.key.created},
                                        {"pepper", of.key.pepper}});
}

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
    const auto* pepper = member("pepper");
    if (hash == nullptr || name == nullptr || scopes == nullptr || created == nullptr)
        return std::nullopt;
    auto parsed = parse_scopes(*scopes);
    if (parsed.has_error()) return std::nullopt;
    return listed_key{{id, std::string(*name), std::move(parsed).unsafe_value(),
                       std::string(*created),
                       pepper == nullptr ? std::string() : std::string(*pepper)},
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

service_keys::service_keys(connection& redis, const core::code_hasher& hasher)
    : redis_(redis), hasher_(hasher), index_prefix_(index_prefix_in(redis)) {}

std::string service_keys::index_name(const std::string& hash) const {
    return index_prefix_ + hash;
}

std::string service_key_hash(const core::code_hasher& hasher, std::string_view key) {
    return hasher.index_key(index_domain, key);
}

awaitable<store_result<new_service_key>> service_keys::create(std::string name,
                                                              std::vector<service_scope> scopes,
                                                              core::random_source& random,
                                                              core::unix_time now) {
    const auto id = random.hex(8);
    core::secret_string key(std::string(key_prefix) + core::to_base64url(random.bytes<32>()));
    const auto hash = service_key_hash(hasher_, key.reveal());
    const auto created = core::to_rfc3339(now);
    const listed_key entry{{id, name, scopes, created, hasher_.pepper_ids().front()}, hash};

    // Listed first: a key that works can always be seen and revoked.
    std::vector<std::string> list_it{"HSET", listing, id, entry_text(entry)};
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

awaitable<store_result<std::optional<service_key>>> service_keys::find(std::string_view presented) {
    if (presented.size() != key_length || !presented.starts_with(key_prefix))
        co_return std::nullopt;
    const auto hashes = hasher_.index_keys(index_domain, presented);
    // Once more at the first place: another request may have moved the key there meanwhile.
    const auto looks = hashes.size() == 1 ? 1 : hashes.size() + 1;
    for (std::size_t look = 0; look < looks; ++look) {
        const auto place = look % hashes.size();
        const auto entry = index_name(hashes[place]);
        std::vector<std::string> all{"HGETALL", entry};
        const auto reply = co_await redis_.command(std::move(all));
        if (!reply) co_return reply.error();
        const auto* fields = reply->list();
        if (fields != nullptr && fields->empty()) continue;
        auto found = fields == nullptr ? std::nullopt : parse_fields(*fields);
        if (!found) {
            spdlog::error("{} is corrupt", entry);
            co_return store_error::corrupt;
        }
        if (hasher_.is_outdated(place)) co_await move(found->id, hashes[place], hashes.front());
        co_return std::move(found);
    }
    co_return std::nullopt;
}

awaitable<void> service_keys::move(std::string id, std::string from, std::string to) {
    std::vector<std::string> get{"HGET", listing, id};
    const auto reply = co_await redis_.command(std::move(get));
    const auto* text = reply ? reply->text() : nullptr;
    auto entry = text == nullptr ? std::nullopt : parse_entry(id, *text);
    if (!entry || entry->hash != from) co_return;
    entry->hash = to;
    entry->key.pepper = hasher_.pepper_ids().front();
    std::vector<std::string> keys{listing, index_name(from), index_name(to)};
    std::vector<std::string> arguments{id, *text, entry_text(*entry)};
    (void)co_await redis_.script(scripts::service_key_move(), keys, arguments);
}

awaitable<store_result<std::vector<service_key>>> service_keys::list() {
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

awaitable<store_result<bool>> service_keys::revoke(std::string id) {
    for (int tries = 0; tries < tries_max; ++tries) {
        std::vector<std::string> get{"HGET", listing, id};
        const auto reply = co_await redis_.command(std::move(get));
        if (!reply) co_return reply.error();
        const auto* text = reply->text();
        if (text == nullptr) co_return false;
        const auto entry = parse_entry(id, *text);
        if (!entry) co_return corrupt_entry(id);

        std::vector<std::string> keys{listing, index_name(entry->hash)};
        std::vector<std::string> arguments{id, *text, ""};
        const auto ended = co_await redis_.script(scripts::service_key_move(), keys, arguments);
        if (!ended) co_return ended.error();
        if (const auto* done = ended->integer(); done != nullptr && *done == 1) co_return true;
    }
    co_return store_error::contention;
}

} // namespace countersign::store
