#include "core/codes.hpp"

#include "core/crypto/digest.hpp"
#include "core/crypto/encoding.hpp"
#include "core/crypto/hmac.hpp"
#include "core/text.hpp"

#include <cstdint>
#include <limits>
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

code_hasher::code_hasher(secret_key pepper)
    : pepper_(std::move(pepper)),
      index_pepper_(hmac_sha256(pepper_.reveal(), bytes_of("countersign index"))) {}

std::string code_hasher::hash(std::string_view domain, const account_id& account,
                              std::string_view code) const {
    std::string message;
    message.reserve(domain.size() + account.value().size() + code.size() + 2);
    message.append(domain).append(1, '\0').append(account.value()).append(1, '\0').append(code);
    std::string hashed = to_base64url(hmac_sha256(pepper_.reveal(), bytes_of(message)));
    wipe(message);
    return hashed;
}

bool code_hasher::matches(std::string_view stored, std::string_view domain,
                          const account_id& account, std::string_view code) const {
    return equal_in_constant_time(stored, hash(domain, account, code));
}

std::string code_hasher::hash_backup_code(const account_id& account, std::string_view code) const {
    return hash("backup", account, canonical_backup_code(code));
}

std::string code_hasher::hash_imported_backup_code(const account_id& account,
                                                   std::string_view code) const {
    return hash_backup_digest(account, to_hex(sha256(bytes_of(canonical_backup_code(code)))));
}

std::string code_hasher::hash_backup_digest(const account_id& account,
                                            std::string_view digest) const {
    return hash("backup-sha256", account, digest);
}

std::string code_hasher::index_key(std::string_view domain, std::string_view value) const {
    std::string message;
    message.reserve(domain.size() + value.size() + 1);
    message.append(domain).append(1, '\0').append(value);
    return to_hex(hmac_sha256(index_pepper_.reveal(), bytes_of(message)));
}

} // namespace countersign::core
