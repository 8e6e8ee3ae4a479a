#include "core/codes.hpp"

#include "core/crypto/digest.hpp"
#include "core/crypto/encoding.hpp"
#include "core/crypto/hmac.hpp"
#include "core/crypto/key_id.hpp"
#include "core/text.hpp"

#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <utility>

namespace countersign::core {

namespace {

// One of 16 hexadecimal digits means the same in either case (slugbase contract section 2.5).
std::string canonical_backup_code(std::string_view code) {
    const bool hexadecimal =
        code.size() == 16 &&
        code.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
    return hexadecimal ? to_lower_ascii(code) : std::string(code);
}

constexpr char name_end = '.'; // stands in no base64url and in no id

constexpr std::string_view backup_domain = "backup";
constexpr std::string_view digest_domain = "backup-sha256";

std::string digest_of_backup_code(std::string_view code) {
    return to_hex(sha256(bytes_of(canonical_backup_code(code))));
}

std::string message_of(std::string_view domain, std::string_view account, std::string_view code) {
    std::string message;
    message.reserve(domain.size() + account.size() + code.size() + 2);
    message.append(domain).append(1, '\0').append(account).append(1, '\0').append(code);
    return message;
}

std::vector<pepper> only(secret_key key) {
    std::vector<pepper> ring;
    ring.push_back({.id = "only", .key = std::move(key), .is_named = false});
    return ring;
}

} // namespace

std::string make_numeric_code(random_source& random, int digits) {
    if (digits < 1 || digits > 9) {
        throw std::invalid_argument("a numeric code has 1 to 9 digits");
    }
    std::uint32_t bound = 1;
    for (int i = 0; i < digits; ++i) {
        bound *= 10;
    }
    const std::string number = std::to_string(random.below(bound));
    return std::string(static_cast<std::size_t>(digits) - number.size(), '0') + number;
}

std::string make_code(random_source& random, std::string_view alphabet, std::size_t length) {
    if (alphabet.empty() || alphabet.size() > std::numeric_limits<std::uint32_t>::max()) {
        throw std::invalid_argument("a code needs an alphabet");
    }
    std::string code(length, '\0');
    for (char& character : code) {
        character = alphabet[random.below(static_cast<std::uint32_t>(alphabet.size()))];
    }
    return code;
}

code_hasher::code_hasher(secret_key pepper) : code_hasher(only(std::move(pepper))) {}

code_hasher::code_hasher(std::vector<pepper> peppers) {
    require_usable_ring(peppers);
    for (pepper& one : peppers) {
        auto index = secret_key(hmac_sha256(one.key.reveal(), bytes_of("countersign index")));
        ring_.push_back({.made_of = std::move(one), .index_key = std::move(index)});
    }
}

std::string code_hasher::spelt(const entry& one, std::span<const std::byte> hash) {
    const pepper& by = one.made_of;
    std::string stored = by.is_named ? by.id + name_end : std::string();
    return stored += to_base64url(hash);
}

std::string code_hasher::hash_under(const entry& one, std::string_view message, std::size_t size) {
    const auto whole = hmac_sha256(one.made_of.key.reveal(), bytes_of(message));
    return spelt(one, std::span(whole).first(size));
}

std::string code_hasher::hash(std::string_view domain, const account_id& account,
                              std::string_view code) const {
    std::string message = message_of(domain, account.value(), code);
    std::string hashed = hash_under(ring_.front(), message);
    wipe(message);
    return hashed;
}

std::vector<std::string> code_hasher::hashes(std::string_view domain, const account_id& account,
                                             std::string_view code) const {
    std::string message = message_of(domain, account.value(), code);
    std::vector<std::string> all;
    all.reserve(ring_.size());
    for (const entry& one : ring_) {
        all.push_back(hash_under(one, message));
    }
    wipe(message);
    return all;
}

bool code_hasher::matches(std::string_view stored, std::string_view domain,
                          const account_id& account, std::string_view code) const {
    bool same = false;
    for (const std::string& made : hashes(domain, account, code)) {
        same = equal_in_constant_time(stored, made) || same;
    }
    return same;
}

std::string code_hasher::hash_shortly(std::string_view domain, const account_id& account,
                                      std::string_view code) const {
    std::string message = message_of(domain, account.value(), code);
    std::string hashed = hash_under(ring_.front(), message, backup_hash);
    wipe(message);
    return hashed;
}

std::string code_hasher::hash_backup_code(const account_id& account, std::string_view code) const {
    return hash_shortly(backup_domain, account, canonical_backup_code(code));
}

std::string code_hasher::hash_backup_digest(const account_id& account,
                                            std::string_view digest) const {
    return hash_shortly(digest_domain, account, digest);
}

std::vector<std::string> code_hasher::stored_forms_of_backup_code(const account_id& account,
                                                                  std::string_view code) const {
    std::vector<std::string> forms;
    const auto add = [&](std::string_view domain, std::string_view text) {
        std::string message = message_of(domain, account.value(), text);
        for (const entry& one : ring_) {
            const auto whole = hmac_sha256(one.made_of.key.reveal(), bytes_of(message));
            forms.push_back(spelt(one, std::span(whole).first(backup_hash)));
            forms.push_back(spelt(one, whole));
        }
        wipe(message);
    };
    add(backup_domain, canonical_backup_code(code));
    add(digest_domain, digest_of_backup_code(code));
    return forms;
}

std::string code_hasher::index_key(std::string_view domain, std::string_view value) const {
    return index_keys(domain, value).front();
}

std::vector<std::string> code_hasher::index_keys(std::string_view domain,
                                                 std::string_view value) const {
    std::string message;
    message.reserve(domain.size() + value.size() + 1);
    message.append(domain).append(1, '\0').append(value);
    std::vector<std::string> all;
    all.reserve(ring_.size());
    for (const entry& one : ring_) {
        all.push_back(to_hex(hmac_sha256(one.index_key.reveal(), bytes_of(message))));
    }
    wipe(message);
    return all;
}

std::string_view code_hasher::pepper_of(std::string_view stored) const noexcept {
    const std::size_t end = stored.find(name_end);
    const bool is_named = end != std::string_view::npos;
    for (const entry& one : ring_) {
        const pepper& by = one.made_of;
        if (by.is_named == is_named && (!is_named || by.id == stored.substr(0, end))) {
            return by.id;
        }
    }
    return {};
}

std::vector<std::string> code_hasher::pepper_ids() const {
    std::vector<std::string> ids;
    ids.reserve(ring_.size());
    for (const entry& one : ring_) {
        ids.push_back(one.made_of.id);
    }
    return ids;
}

} // namespace countersign::core
