#include "app/key_file.hpp"

#include "app/files.hpp"
#include "core/crypto/encoding.hpp"
#include "core/crypto/hmac.hpp"
#include "core/crypto/key_id.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/static_resource.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <span>
#include <unistd.h>
#include <utility>

namespace countersign::app {

namespace {

namespace json = boost::json;

constexpr std::size_t file_size_max_bytes = 65'536;
constexpr int format = 2;                          // 1: one pepper, whose hashes do not name it
constexpr std::int64_t time_max = 253'402'300'799; // the end of the year 9999, in seconds
constexpr std::string_view eddsa = "EdDSA";

// The members of "tokens", in the order of core::token_kind.
constexpr std::array<const char*, core::token_kind_count> token_names{
    "access",         "refresh",        "step_up",
    "two_factor",     "totp_setup",     "email_verification",
    "password_reset", "session_cookie", "user_session"};
static_assert(token_names.back() != nullptr, "every kind of token has a name");
// The kinds that the first key files knew. What came later and is not in such a file is derived.
constexpr std::size_t first_token_kinds = 7;

// Memory for parsed JSON that is wiped afterwards, because keys are in it.
class wiped_arena {
public:
    wiped_arena() : memory_(16 * file_size_max_bytes), resource_(memory_.data(), memory_.size()) {}
    wiped_arena(const wiped_arena&) = delete;
    wiped_arena& operator=(const wiped_arena&) = delete;
    ~wiped_arena() { core::wipe(std::span(memory_)); }

    [[nodiscard]] json::storage_ptr get() noexcept { return &resource_; }

private:
    std::vector<std::byte> memory_;
    json::static_resource resource_;
};

std::optional<core::secret_key> decode_key(std::string_view text) {
    auto bytes = core::from_base64url(text);
    std::array<std::byte, 32> key{};
    const bool good = bytes && bytes->size() == key.size();
    if (good) std::ranges::copy(*bytes, key.begin());
    if (bytes) core::wipe(*bytes);
    if (!good) return std::nullopt;
    return core::secret_key(std::move(key)); // NOLINT(performance-move-const-arg): wipes it
}

const json::string* text_member(const json::value& value, const char* name) {
    const auto* object = value.if_object();
    const auto* member = object == nullptr ? nullptr : object->if_contains(name);
    return member == nullptr ? nullptr : member->if_string();
}

std::optional<core::unix_time> time_member(const json::value& value, const char* name) {
    const auto* object = value.if_object();
    const auto* member = object == nullptr ? nullptr : object->if_contains(name);
    const auto* number = member == nullptr ? nullptr : member->if_int64();
    if (number == nullptr || *number < 0 || *number > time_max) return std::nullopt;
    return core::unix_time(core::seconds(*number));
}

bool is_true(const json::value& value, const char* name) {
    const auto* object = value.if_object();
    const auto* member = object == nullptr ? nullptr : object->if_contains(name);
    return member != nullptr && *member == json::value(true);
}

std::optional<core::jws_algorithm> algorithm_member(const json::value& value) {
    const auto* object = value.if_object();
    if (object == nullptr || !object->contains("alg")) return core::jws_algorithm::hs256;
    const auto* name = text_member(value, "alg");
    if (name == nullptr || *name != eddsa) return std::nullopt;
    return core::jws_algorithm::eddsa;
}

// A non-empty list of keys without two of one id, of which the first is used; empty if it is not
// that. `first_format`: its one pepper is not named.
template <typename Key>
std::vector<Key> parse_ring(const json::value* value, bool first_format) {
    const auto* list = value == nullptr ? nullptr : value->if_array();
    std::vector<Key> ring;
    if (list == nullptr) return ring;
    for (const auto& each : *list) {
        const auto* id = text_member(each, "id");
        const auto* text = text_member(each, "key");
        const auto algorithm = algorithm_member(each);
        auto key = text == nullptr ? std::nullopt : decode_key(*text);
        if (id == nullptr || !core::is_key_id(*id) || !key || !algorithm ||
            core::find_key(ring, *id) != nullptr)
            return {};
        ring.push_back({.id = std::string(*id),
                        .key = *std::move(key),
                        .algorithm = *algorithm,
                        .since = time_member(each, "since"),
                        .is_next = is_true(each, "next"),
                        .is_named = !first_format && !is_true(each, "unnamed")});
    }
    if (!ring.empty() && ring.front().is_next) return {};
    return ring;
}

// The ring of a kind that a file is too old to have: each key made of the access ring's, so that
// every server with that file has the same.
template <typename Key>
std::vector<Key> derived_ring(const std::vector<Key>& access, std::string_view name) {
    std::vector<Key> ring;
    for (const auto& key : access)
        ring.push_back(
            {.id = key.id,
             .key = core::secret_key(core::hmac_sha256(
                 key.key.reveal(), core::bytes_of("countersign key " + std::string(name))))});
    return ring;
}

// Text is put together by hand, in one buffer of known size, so that no copy of a key is left
// behind. Ids need no escaping, nor does base64url.
template <typename Key>
void append_key(std::string& out, const Key& key, bool of_pepper) {
    (out += "{\"id\":\"").append(key.id) += '"';
    if (key.algorithm == core::jws_algorithm::eddsa) (out += ",\"alg\":\"").append(eddsa) += '"';
    if (key.since)
        (out += ",\"since\":") += std::to_string(
            std::chrono::floor<core::seconds>(*key.since).time_since_epoch().count());
    if (key.is_next) out += ",\"next\":true";
    if (of_pepper && !key.is_named) out += ",\"unnamed\":true";
    auto text = core::to_base64url(key.key.reveal());
    (out += ",\"key\":\"").append(text) += "\"}";
    core::wipe(text);
}

template <typename Key>
void append_ring(std::string& out, std::string_view name, const std::vector<Key>& ring,
                 bool of_pepper = false) {
    (out += '"').append(name) += "\":[";
    for (const auto& key : ring) {
        if (&key != &ring.front()) out += ',';
        append_key(out, key, of_pepper);
    }
    out += ']';
}

std::string fingerprint_of(const core::secret_key& pepper) {
    const auto hash =
        core::hmac_sha256(pepper.reveal(), core::bytes_of("countersign key fingerprint"));
    return core::to_hex(std::span(hash).first(16));
}

fallible<void> check_access(const file_content& file, const std::string& name) {
    if (file.owner != ::geteuid()) return problem{name + " belongs to another user"};
    if (file.accessible_to_others())
        return problem{"others than its owner can access " + name + ": chmod 600 " + name};
    return {};
}

std::filesystem::path path_in(const std::filesystem::path& data_dir) {
    return data_dir / "keys.json";
}

} // namespace

std::string_view to_string(key_state state) noexcept {
    switch (state) {
    case key_state::current:
        return "current";
    case key_state::next:
        return "next";
    case key_state::old:
        return "old";
    }
    return "";
}

key_file::named_key key_file::named_key::clone() const {
    return {.id = id,
            .key = key.clone(),
            .algorithm = algorithm,
            .since = since,
            .is_next = is_next,
            .is_named = is_named};
}

key_file::ring& key_file::tokens(core::token_kind kind) {
    return rings_.at(static_cast<std::size_t>(kind));
}

std::string key_file::name_of(std::size_t place) {
    if (place == encryption_place) return "encryption";
    if (place == pepper_place) return "pepper";
    return std::string("tokens.") + token_names.at(place);
}

bool key_file::is_in(std::size_t place, const key_groups& groups) noexcept {
    if (place == encryption_place) return groups.encryption;
    return place == pepper_place ? groups.pepper : groups.tokens;
}

key_file key_file::generate(core::random_source& random, core::jws_algorithm access) {
    key_file keys;
    for (auto& ring : keys.rings_)
        ring.push_back({.id = random.hex(8), .key = core::secret_key(random.bytes<32>())});
    keys.tokens(core::token_kind::access).front().algorithm = access;
    keys.rings_[pepper_place].front().is_named = false;
    return keys;
}

fallible<key_file> key_file::parse(std::string_view text) {
    wiped_arena arena;
    boost::system::error_code error;
    const json::value document = json::parse(text, error, arena.get());
    const auto* object = error ? nullptr : document.if_object();
    if (object == nullptr) return problem{"is not JSON"};
    const auto* version = object->if_contains("format");
    const bool first_format = version != nullptr && *version == 1;
    if (!first_format && (version == nullptr || *version != format))
        return problem{"is not of format 1 or 2: it was made by another version of countersign"};

    key_file keys;
    const auto& access = keys.tokens(core::token_kind::access);
    const auto* tokens = object->if_contains("tokens");
    for (std::size_t kind = 0; kind < token_names.size(); ++kind) {
        const auto* rings = tokens == nullptr ? nullptr : tokens->if_object();
        const auto* ring = rings == nullptr ? nullptr : rings->if_contains(token_names[kind]);
        auto& parsed = keys.rings_[kind];
        parsed = ring == nullptr && kind >= first_token_kinds
                     ? derived_ring(access, token_names[kind])
                     : parse_ring<named_key>(ring, first_format);
        const bool is_symmetric =
            &parsed == &access || std::ranges::all_of(parsed, [](const named_key& key) {
                return key.algorithm == core::jws_algorithm::hs256;
            });
        if (parsed.empty() || !is_symmetric || parsed.size() > keys_max)
            return problem{std::string("has no usable keys in tokens.") + token_names[kind]};
    }
    auto& encryption = keys.rings_[encryption_place];
    encryption = parse_ring<named_key>(object->if_contains("encryption"), first_format);
    if (encryption.empty() || encryption.size() > keys_max)
        return problem{"has no usable keys in encryption"};
    auto& peppers = keys.rings_[pepper_place];
    peppers = parse_ring<named_key>(object->if_contains("pepper"), first_format);
    // Hashes that do not say under which pepper they were made are all of one.
    const auto unnamed = std::ranges::count(peppers, false, &named_key::is_named);
    if (peppers.empty() || peppers.size() > peppers_max || unnamed > 1)
        return problem{first_format ? "must have exactly one usable key in pepper"
                                    : "has no usable keys in pepper"};
    return keys;
}

core::secret_string key_file::serialized() const {
    std::string out;
    out.reserve(file_size_max_bytes);
    out += "{\"format\":2,\n\"tokens\":{";
    for (std::size_t kind = 0; kind < token_names.size(); ++kind) {
        if (kind > 0) out += ",\n  ";
        append_ring(out, token_names[kind], rings_[kind]);
    }
    out += "},\n";
    append_ring(out, "encryption", rings_[encryption_place]);
    out += ",\n";
    append_ring(out, "pepper", rings_[pepper_place], true);
    out += "}\n";
    return core::secret_string(std::move(out));
}

fallible<key_file> key_file::load_or_create(const std::filesystem::path& data_dir, bool data_exists,
                                            core::random_source& random,
                                            core::jws_algorithm access) {
    const auto path = path_in(data_dir);
    std::error_code error;
    const auto status = std::filesystem::symlink_status(path, error);
    if (status.type() == std::filesystem::file_type::not_found) {
        if (data_exists)
            return problem{path.string() +
                           " is missing, but there is data that was made with its keys: put it "
                           "back from a backup"};
        const auto created = write_new_file(path, generate(random, access).serialized().reveal());
        if (!created) return created.error();
    }
    // Also after making it: what counts is what is on the disk, by whomever.
    return load(data_dir);
}

fallible<key_file> key_file::load(const std::filesystem::path& data_dir) {
    const auto path = path_in(data_dir);
    const auto name = path.string();
    const auto file = read_file(path, file_size_max_bytes);
    if (!file) return file.error();
    if (auto allowed = check_access(*file, name); !allowed) return allowed.error();
    auto keys = parse(file->text.reveal());
    if (!keys) return problem{name + " " + keys.error().sentence};
    return keys;
}

fallible<void> key_file::save(const std::filesystem::path& data_dir) const {
    return replace_file(path_in(data_dir), serialized().reveal());
}

core::token_keys key_file::token_keys() const {
    const auto ring = [this](std::size_t kind) {
        std::vector<core::signing_key> keys;
        for (const auto& key : rings_[kind])
            keys.push_back({key.id, key.key.clone(), key.algorithm});
        return core::jws_key_ring(std::move(keys));
    };
    const auto rings = [&ring]<std::size_t... Kind>(std::index_sequence<Kind...>) {
        return std::array<core::jws_key_ring, core::token_kind_count>{ring(Kind)...};
    };
    return {rings(std::make_index_sequence<core::token_kind_count>{})};
}

core::key_ring key_file::encryption_keys() const {
    std::vector<core::encryption_key> keys;
    for (const auto& key : rings_[encryption_place])
        keys.push_back({key.id, key.key.clone(), key.is_next});
    return core::key_ring(std::move(keys));
}

core::code_hasher key_file::code_hasher() const {
    std::vector<core::pepper> peppers;
    for (const auto& key : rings_[pepper_place])
        peppers.push_back({key.id, key.key.clone(), key.is_named, key.is_next});
    return core::code_hasher(std::move(peppers));
}

std::string key_file::fingerprint() const {
    return fingerprint_of(rings_[pepper_place].front().key);
}

std::vector<std::string> key_file::fingerprints(bool used_only) const {
    std::vector<std::string> all;
    for (const auto& key : rings_[pepper_place])
        if (!used_only || !key.is_next) all.push_back(fingerprint_of(key.key));
    return all;
}

std::vector<key_description> key_file::describe() const {
    std::vector<key_description> all;
    for (std::size_t place = 0; place < rings_.size(); ++place) {
        std::optional<core::unix_time> successor_came;
        for (const auto& key : rings_[place]) {
            auto& one = all.emplace_back();
            one.ring = name_of(place);
            one.id = key.id;
            one.since = key.since;
            one.algorithm = key.algorithm;
            if (place < core::token_kind_count) one.kind = static_cast<core::token_kind>(place);
            if (key.is_next) {
                one.state = key_state::next;
                continue;
            }
            const bool is_first = &key == &rings_[place].front();
            one.state = is_first ? key_state::current : key_state::old;
            if (!is_first) one.until = successor_came;
            successor_came = key.since;
        }
    }
    return all;
}

core::jws_algorithm key_file::access_algorithm() const {
    return rings_[static_cast<std::size_t>(core::token_kind::access)].front().algorithm;
}

fallible<void> key_file::add_next(const key_groups& groups, core::jws_algorithm access,
                                  core::random_source& random, core::unix_time now) {
    for (std::size_t place = 0; place < rings_.size(); ++place) {
        if (!is_in(place, groups)) continue;
        const auto& ring = rings_[place];
        const auto bound = place == pepper_place ? peppers_max : keys_max;
        if (ring.size() >= bound)
            return problem{
                name_of(place) + " has " + std::to_string(ring.size()) +
                " keys, which is the most: drop old ones with `countersign keys retire`"};
        if (std::ranges::any_of(ring, &named_key::is_next))
            return problem{name_of(place) +
                           " has a key that is next: `countersign keys rotate --activate` first"};
    }
    for (std::size_t place = 0; place < rings_.size(); ++place) {
        if (!is_in(place, groups)) continue;
        named_key fresh{.id = random.hex(8),
                        .key = core::secret_key(random.bytes<32>()),
                        .since = now,
                        .is_next = true};
        if (place == static_cast<std::size_t>(core::token_kind::access)) fresh.algorithm = access;
        rings_[place].insert(std::next(rings_[place].begin()), std::move(fresh));
    }
    return {};
}

bool key_file::activate(core::unix_time now) {
    bool some = false;
    for (auto& ring : rings_) {
        const auto next = std::ranges::find(ring, true, &named_key::is_next);
        if (next == ring.end()) continue;
        next->is_next = false;
        next->since = now;
        std::rotate(ring.begin(), next, std::next(next));
        some = true;
    }
    return some;
}

bool key_file::drop(std::string_view ring, std::string_view id) {
    for (std::size_t place = 0; place < rings_.size(); ++place) {
        if (name_of(place) != ring) continue;
        auto& keys = rings_[place];
        const auto found = std::ranges::find(keys, id, &named_key::id);
        if (found == keys.end() || found == keys.begin() || found->is_next) return false;
        keys.erase(found);
        return true;
    }
    return false;
}

key_file key_file::between(const key_file& from, const key_file& to) {
    key_file keys;
    for (std::size_t place = 0; place < keys.rings_.size(); ++place) {
        auto& ring = keys.rings_[place];
        const auto add = [&ring](const named_key& key, bool is_next) {
            if (core::find_key(ring, key.id) != nullptr) return;
            ring.push_back(key.clone());
            ring.back().is_next = is_next;
        };
        const auto& old = from.rings_[place];
        add(old.front(), false);
        // What comes is not outdated, even before it is used.
        for (const auto& key : to.rings_[place])
            if (core::find_key(old, key.id) == nullptr || key.is_next ||
                &key == &to.rings_[place].front())
                add(key, true);
        for (const auto& key : old)
            add(key, key.is_next);
    }
    return keys;
}

bool key_file::are_related(const key_file& one, const key_file& other) {
    for (const auto place : {encryption_place, pepper_place}) {
        const bool shared = std::ranges::any_of(one.rings_[place], [&](const named_key& key) {
            const auto* same = core::find_key(other.rings_[place], key.id);
            return same != nullptr && same->key == key.key;
        });
        if (!shared) return false;
    }
    return true;
}

bool operator==(const key_file& one, const key_file& other) {
    return one.serialized() == other.serialized();
}

} // namespace countersign::app
