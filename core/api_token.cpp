#include "core/api_token.hpp"

#include "core/crypto/encoding.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace countersign::core {

namespace {

constexpr std::string_view prefix = "sb_";
constexpr std::string_view account_prefix = "user_";
constexpr std::string_view domain = "api-token";
constexpr std::size_t account_size = 16, secret_size = 16;

} // namespace

new_api_token make_api_token(const account_id& account, std::string name, const code_hasher& codes,
                             random_source& random, unix_time now) {
    const auto owner = from_hex(std::string_view(account.value()).substr(account_prefix.size()));
    if (!owner || owner->size() != account_size) throw std::invalid_argument("not an account's id");
    const auto secret = random.bytes<secret_size>();
    std::array<std::byte, account_size + secret_size> bytes{};
    std::ranges::copy(*owner, bytes.begin());
    std::ranges::copy(secret, bytes.begin() + account_size);
    auto text = std::string(prefix) + to_base64url(bytes);
    auto hash = codes.hash(domain, account, text);
    return {.text = secret_string(std::move(text)),
            .stored = {.id = api_token_id(random.hex(8)),
                       .name = std::move(name),
                       .hash = std::move(hash),
                       .created_at = now}};
}

std::optional<presented_api_token> read_api_token(std::string_view text, const code_hasher& codes) {
    if (!text.starts_with(prefix)) return std::nullopt;
    const auto bytes = from_base64url(text.substr(prefix.size()));
    if (!bytes || bytes->size() != account_size + secret_size) return std::nullopt;
    account_id account(std::string(account_prefix) + to_hex(std::span(*bytes).first(account_size)));
    auto hash = join_hashes(codes.hashes(domain, account, text));
    return presented_api_token{.account = std::move(account), .hash = std::move(hash)};
}

} // namespace countersign::core
