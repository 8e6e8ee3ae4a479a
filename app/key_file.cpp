#include "app/key_file.hpp"

#include "app/files.hpp"
#include "core/crypto/encoding.hpp"
#include "core/crypto/hmac.hpp"
#include "core/crypto/key_id.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/static_resource.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <optional>
#include <unistd.h>
#include <utility>

namespace countersign::app {

namespace {

namespace json = boost::json;

constexpr std::size_t file_size_max_bytes = 65'536;
constexpr int format = 1;

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

// A non-empty list of {"id", "key"} without two of one id; empty if it is not that.
template <typename Key>
std::vector<Key> parse_ring(const json::value* value) {
    const auto* list = value == nullptr ? nullptr : value->if_array();
    std::vector<Key> ring;
    if (list == nullptr) return ring;
    for (const auto& each : *list) {
        const auto* id = text_member(each, "id");
        const auto* text = text_member(each, "key");
        auto key = text == nullptr ? std::nullopt : decode_key(*text);
        if (id == nullptr || !core::is_key_id(*id) || !key || core::find_key(ring, *id) != nullptr)
            return {};
        ring.push_back({std::string(*id), *std::move(key)});
    }
    return ring;
}

// The ring of a kind that a file is too old to have: each key made of the access ring's, so that
// every server with that file has the same.
template <typename Key>
std::vector<Key> derived_ring(const std::vector<Key>& access, std::string_view name) {
    std::vector<Key> ring;
    for (const auto& key : access)
        ring.push_back({key.id, core::secret_key(core::hmac_sha256(
                                    key.key.reveal(),
                                    core::bytes_of("countersign key " + std::string(name))))});
    return ring;
}

// Text is put together by hand, in one buffer of known size, so that no copy of a key is left
// behind. Ids need no escaping, nor does base64url.
template <typename Key>
void append_ring(std::string& out, std::string_view name, const std::vector<Key>& ring) {
    (out += '"').append(name) += "\":[";
    for (const auto& key : ring) {
        auto text = core::to_base64url(key.key.reveal());
        if (&key != &ring.front()) out += ',';
        (out += "{\"id\":\"").append(key.id).append("\",\"key\":\"").append(text) += "\"}";
        core::wipe(text);
    }
    out += ']';
}

// The keys of a core ring out of ours.
template <typename CoreKey, typename Key>
std::vector<CoreKey> copies(const std::vector<Key>& ring) {
    std::vector<CoreKey> keys;
    keys.reserve(ring.size());
    for (const auto& key : ring)
        keys.push_back({key.id, key.key.clone()});
    return keys;
}

fallible<void> check_access(const file_content& file, const std::string& name) {
    if (file.owner != ::geteuid()) return problem{name + " belongs to another user"};
    if (file.accessible_to_others())
        return problem{"others than its owner can access " + name + ": chmod 600 " + name};
    return {};
}

} // namespace

key_file key_file::generate(core::random_source& random) {
    const auto fresh = [&random] {
        return named_key{random.hex(8), core::secret_key(random.bytes<32>())};
    };
    key_file keys;
    for (auto& ring : keys.tokens_)
        ring.push_back(fresh());
    keys.encryption_.push_back(fresh());
    keys.pepper_ = fresh();
    return keys;
}

fallible<key_file> key_file::parse(std::string_view text) {
    wiped_arena arena;
    boost::system::error_code error;
    const json::value document = json::parse(text, error, arena.get());
    const auto* object = error ? nullptr : document.if_object();
    if (object == nullptr) return problem{"is not JSON"};
    const auto* version = object->if_contains("format");
    if (version == nullptr || *version != format)
        return problem{"is not of format 1: it was made by another version of countersign"};

    key_file keys;
    const auto* tokens = object->if_contains("tokens");
    for (std::size_t kind = 0; kind < token_names.size(); ++kind) {
        const auto* rings = tokens == nullptr ? nullptr : tokens->if_object();
        const auto* ring = rings == nullptr ? nullptr : rings->if_contains(token_names[kind]);
        keys.tokens_[kind] =
            ring == nullptr && kind >= first_token_kinds
                ? derived_ring(keys.tokens_[static_cast<std::size_t>(core::token_kind::access)],
                               token_names[kind])
                : parse_ring<named_key>(ring);
        if (keys.tokens_[kind].empty())
            return problem{std::string("has no usable keys in tokens.") + token_names[kind]};
    }
    keys.encryption_ = parse_ring<named_key>(object->if_contains("encryption"));
    if (keys.encryption_.empty()) return problem{"has no usable keys in encryption"};
    // One only: hashes do not say under which pepper they were made.
    auto peppers = parse_ring<named_key>(object->if_contains("pepper"));
    if (peppers.size() != 1) return problem{"must have exactly one usable key in pepper"};
    keys.pepper_ = std::move(peppers.front());
    return keys;
}

core::secret_string key_file::serialized() const {
    std::string out;
    out.reserve(file_size_max_bytes);
    out += "{\"format\":1,\n\"tokens\":{";
    for (std::size_t kind = 0; kind < token_names.size(); ++kind) {
        if (kind > 0) out += ",\n  ";
        append_ring(out, token_names[kind], tokens_[kind]);
    }
    out += "},\n";
    append_ring(out, "encryption", encryption_);
    std::vector<named_key> peppers;
    peppers.push_back({pepper_.id, pepper_.key.clone()});
    out += ",\n";
    append_ring(out, "pepper", peppers);
    out += "}\n";
    return core::secret_string(std::move(out));
}

fallible<key_file> key_file::load_or_create(const std::filesystem::path& data_dir, bool data_exists,
                                            core::random_source& random) {
    const auto path = data_dir / "keys.json";
    const auto name = path.string();
    std::error_code error;
    const auto status = std::filesystem::symlink_status(path, error);
    if (status.type() == std::filesystem::file_type::not_found) {
        if (data_exists)
            return problem{name +
                           " is missing, but there is data that was made with its keys: put it "
                           "back from a backup"};
        const auto created = write_new_file(path, generate(random).serialized().reveal());
        if (!created) return created.error();
    }

    // Also after making it: what counts is what is on the disk, by whomever.
    const auto file = read_file(path, file_size_max_bytes);
    if (!file) return file.error();
    if (auto allowed = check_access(*file, name); !allowed) return allowed.error();
    auto keys = parse(file->text.reveal());
    if (!keys) return problem{name + " " + keys.error().sentence};
    return keys;
}

core::token_keys key_file::token_keys() const {
    const auto ring = [this](std::size_t kind) {
        return core::jws_key_ring(copies<core::signing_key>(tokens_[kind]));
    };
    const auto rings = [&ring]<std::size_t... Kind>(std::index_sequence<Kind...>) {
        return std::array<core::jws_key_ring, core::token_kind_count>{ring(Kind)...};
    };
    return {rings(std::make_index_sequence<core::token_kind_count>{})};
}

core::key_ring key_file::encryption_keys() const {
    return core::key_ring(copies<core::encryption_key>(encryption_));
}

core::code_hasher key_file::code_hasher() const {
    return core::code_hasher(pepper_.key.clone());
}

std::string key_file::fingerprint() const {
    const auto hash =
        core::hmac_sha256(pepper_.key.reveal(), core::bytes_of("countersign key fingerprint"));
    return core::to_hex(std::span(hash).first(16));
}

} // namespace countersign::app
