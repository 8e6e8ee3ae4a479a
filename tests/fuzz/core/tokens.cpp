// Tokens (core/tokens, core/crypto/jws) and API tokens: nothing verifies that we did not issue. The
// input's records: a whole token, a header, a payload, an API token.
#include "core/tokens.hpp"
#include "core/api_token.hpp"
#include "core/crypto/encoding.hpp"
#include "tests/fuzz/target.hpp"

#include <array>
#include <cstdint>

namespace countersign::fuzz {
namespace {

constexpr core::unix_time now{core::seconds{1'800'000'000}};
constexpr std::size_t payload_size_max = 2048; // a token of it is within what a reader takes

constexpr std::array kinds{core::token_kind::access,         core::token_kind::refresh,
                           core::token_kind::step_up,        core::token_kind::two_factor,
                           core::token_kind::totp_setup,     core::token_kind::email_verification,
                           core::token_kind::password_reset, core::token_kind::session_cookie,
                           core::token_kind::user_session};
constexpr std::array<std::string_view, core::token_kind_count> types{
    "cs-access+jwt",         "cs-refresh+jwt",        "cs-step-up+jwt",
    "cs-two-factor+jwt",     "cs-totp-setup+jwt",     "cs-email-verification+jwt",
    "cs-password-reset+jwt", "cs-session-cookie+jwt", "cs-user-session+jwt"};

std::vector<core::signing_key> masters() {
    std::vector<core::signing_key> keys;
    std::array<std::byte, 32> key{};
    key.fill(std::byte{7});
    keys.push_back({.id = "k1", .key = core::secret_key(std::move(key))});
    return keys;
}

struct issuer {
    core::token_keys keys = core::derive_token_keys(masters());
    core::token_service tokens{core::derive_token_keys(masters()), "https://id.example.org"};
    core::code_hasher codes{core::secret_key(std::array<std::byte, 32>{})};
    core::token_claims claims{.subject = core::account_id("user_00112233445566778899aabbccddeeff"),
                              .session = core::session_id("9f0c6f0e-0000-4000-8000-000000000000"),
                              .id = "0123456789abcdef0123456789abcdef",
                              .issued_at = now,
                              .expires_at = now + core::seconds(60)};
};

void verifies_nowhere(const issuer& ours, std::string_view token) {
    for (const auto kind : kinds)
        require(ours.tokens.verify(kind, token, now).has_error(),
                "a token that we did not issue is refused");
}

bool same(const core::token_claims& left, const core::token_claims& right) {
    return left.subject == right.subject && left.session == right.session && left.id == right.id &&
           left.issued_at == right.issued_at && left.expires_at == right.expires_at &&
           left.assurance == right.assurance && left.purpose == right.purpose;
}

// Parts of a stranger's choice under the signature of a token of ours.
void borrowed_signature(const issuer& ours, core::token_kind kind, std::string_view header,
                        std::string_view payload) {
    const auto good = ours.tokens.issue(kind, ours.claims);
    for (const auto other : kinds)
        require(ours.tokens.verify(other, good, now).has_value() == (other == kind),
                "a token passes for its own kind, and for that alone");
    const auto head_end = good.find('.'), payload_end = good.rfind('.');
    const auto own_head = good.substr(0, head_end), signature = good.substr(payload_end);
    const auto own_payload = good.substr(head_end + 1, payload_end - head_end - 1);
    for (const auto& made :
         {core::to_base64url(core::bytes_of(header)) + "." + own_payload + signature,
          own_head + "." + core::to_base64url(core::bytes_of(payload)) + signature,
          std::string(header) + "." + own_payload + signature,
          own_head + "." + std::string(payload) + signature})
        require(made == good || ours.tokens.verify(kind, made, now).has_error(),
                "a signature is good for its own token only");
}

// What only we could have signed, but would not: it is read without a fault, and what is accepted
// says the same when it is issued again.
void signed_nonsense(const issuer& ours, core::token_kind kind, std::string_view payload) {
    if (payload.size() > payload_size_max) return;
    const auto index = static_cast<std::size_t>(kind);
    const auto token = ours.keys.rings.at(index).sign(types.at(index), payload);
    const auto claims = ours.tokens.verify(kind, token, now);
    if (claims.has_error()) return;
    const auto again = ours.tokens.verify(kind, ours.tokens.issue(kind, *claims), now);
    require(again.has_value() && same(*again, *claims), "claims survive being issued again");
}

void tokens(std::string_view input) {
    static const issuer ours;
    records in(input);
    const auto token = in.next(), header = in.next(), payload = in.next(), api_token = in.next();
    verifies_nowhere(ours, token);
    const auto kind = kinds.at(payload.size() % kinds.size()); // one each time: they are alike
    borrowed_signature(ours, kind, header, payload);
    signed_nonsense(ours, kind, payload);
    if (const auto read = core::read_api_token(api_token, ours.codes)) {
        const auto bytes = core::from_base64url(api_token.substr(3));
        require(bytes && core::to_base64url(*bytes) == api_token.substr(3),
                "an API token has one spelling");
        require(read->account.value() ==
                    "user_" + core::to_hex(std::span(*bytes).first(bytes->size() / 2)),
                "an API token names its account by itself");
    }
}

const registration here("tokens", tokens);

} // namespace
} // namespace countersign::fuzz
