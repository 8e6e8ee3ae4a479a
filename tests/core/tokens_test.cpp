#include "core/tokens.hpp"

#include "core/crypto/encoding.hpp"
#include "tests/core/refusal.hpp"

#include <gtest/gtest.h>

namespace countersign::core {
namespace {

using tests::refusal;

constexpr unix_time now{seconds{1'800'000'000}};

constexpr std::array all_kinds{
    token_kind::access,         token_kind::refresh,        token_kind::step_up,
    token_kind::two_factor,     token_kind::totp_setup,     token_kind::email_verification,
    token_kind::password_reset, token_kind::session_cookie, token_kind::user_session,
};
static_assert(all_kinds.size() == token_kind_count);

std::vector<signing_key> masters(unsigned char fill) {
    std::array<std::byte, 32> bytes{};
    bytes.fill(std::byte{fill});
    std::vector<signing_key> keys;
    keys.push_back({.id = "main", .key = secret_key(std::move(bytes))});
    return keys;
}

token_service service_of(unsigned char fill = 1, std::string audience = "countersign") {
    return {derive_token_keys(masters(fill)), std::move(audience)};
}

// All kinds with one and the same key: only `typ` keeps them apart.
token_service service_with_one_key() {
    const auto ring = [] { return jws_key_ring(masters(7)); };
    return {token_keys{
                .rings = {ring(), ring(), ring(), ring(), ring(), ring(), ring(), ring(), ring()}},
            "countersign"};
}

token_claims claims() {
    return {.subject = account_id("user_0123"),
            .session = session_id("5e1f0000-0000-4000-8000-000000000000"),
            .id = "aabb",
            .issued_at = now,
            .expires_at = now + seconds{900},
            .assurance = assurance_level::aal2,
            .purpose = challenge_purpose::step_up};
}

TEST(Tokens, IssuedToken_ComesBackWithItsClaims) {
    const token_service service = service_of();
    for (const token_kind kind : all_kinds) {
        const auto verified = service.verify(kind, service.issue(kind, claims()), now);
        ASSERT_TRUE(verified.has_value());
        EXPECT_EQ(verified->subject, claims().subject);
        EXPECT_EQ(verified->session, claims().session);
        EXPECT_EQ(verified->id, "aabb");
        EXPECT_EQ(verified->issued_at, now);
        EXPECT_EQ(verified->expires_at, now + seconds{900});
        EXPECT_EQ(verified->assurance,
                  kind == token_kind::step_up ? assurance_level::aal2 : assurance_level::aal1);
        EXPECT_EQ(verified->purpose, kind == token_kind::two_factor ? challenge_purpose::step_up
                                                                    : challenge_purpose::login);
    }
}

TEST(Tokens, EveryKindAsEveryOther_IsRefused) {
    const token_service separate_keys = service_of();
    const token_service one_key = service_with_one_key();
    for (const token_service* const service : {&separate_keys, &one_key}) {
        for (const token_kind issued : all_kinds) {
            const std::string token = service->issue(issued, claims());
            for (const token_kind asked : all_kinds) {
                const auto verified = service->verify(asked, token, now);
                ASSERT_EQ(verified.has_value(), issued == asked);
                if (issued != asked) {
                    EXPECT_EQ(refusal(verified), token_error::malformed);
                }
            }
        }
    }
}

TEST(Tokens, DerivedKeysOfTwoKinds_AreDifferent) {
    const token_keys keys = derive_token_keys(masters(1));
    for (std::size_t signer = 0; signer < token_kind_count; ++signer) {
        const std::string token = keys.rings.at(signer).sign("same", "{}");
        for (std::size_t verifier = 0; verifier < token_kind_count; ++verifier) {
            EXPECT_EQ(keys.rings.at(verifier).verify(token, "same").has_value(),
                      signer == verifier);
        }
    }
}

TEST(Tokens, NoText_IsMissing) {
    EXPECT_EQ(refusal(service_of().verify(token_kind::access, "", now)), token_error::missing);
}

TEST(Tokens, Garbage_IsMalformed) {
    const token_service service = service_of();
    for (const std::string_view text :
         {".", "..", "a.b.c", "null", "csk_abc", "eyJhbGciOiJub25lIn0.."}) {
        EXPECT_EQ(refusal(service.verify(token_kind::access, text, now)), token_error::malformed);
    }
}

TEST(Tokens, AtTheSecondOfExpiry_TheTokenIsExpired) {
    const token_service service = service_of();
    const std::string token = service.issue(token_kind::access, claims());
    EXPECT_TRUE(service.verify(token_kind::access, token, now + seconds{900} - milliseconds{1})
                    .has_value());
    EXPECT_EQ(refusal(service.verify(token_kind::access, token, now + seconds{900})),
              token_error::expired);
    EXPECT_EQ(refusal(service.verify(token_kind::access, token, now + seconds{90'000})),
              token_error::expired);
}

TEST(Tokens, TokenFromTheFuture_IsMalformedBeyondTheSkew) {
    const token_service service = service_of();
    const std::string token = service.issue(token_kind::access, claims());
    EXPECT_TRUE(service.verify(token_kind::access, token, now - seconds{60}).has_value());
    EXPECT_EQ(refusal(service.verify(token_kind::access, token, now - seconds{61})),
              token_error::malformed);
}

TEST(Tokens, TokenOfAnotherAudienceOrKey_IsMalformed) {
    const std::string token = service_of().issue(token_kind::access, claims());
    EXPECT_EQ(refusal(service_of(1, "other").verify(token_kind::access, token, now)),
              token_error::malformed);
    EXPECT_EQ(refusal(service_of(2).verify(token_kind::access, token, now)),
              token_error::malformed);
}

TEST(Tokens, TokenWithoutASession_ComesBackWithoutOne) {
    const token_service service = service_of();
    token_claims without = claims();
    without.session = {};
    const std::string token = service.issue(token_kind::password_reset, without);
    EXPECT_TRUE(service.verify(token_kind::password_reset, token, now)->session.empty());
}

// Signed with the right key, but with claims that issue() never makes.
TEST(Tokens, SignedClaimsOfAnotherShape_AreMalformed) {
    const token_service service = service_with_one_key();
    const jws_key_ring ring(masters(7));
    const auto refused = [&](token_kind kind, std::string_view type, std::string_view payload) {
        const auto verified = service.verify(kind, ring.sign(type, payload), now);
        return !verified && verified.error() == token_error::malformed;
    };
    constexpr std::string_view access = "cs-access+jwt";
    ASSERT_TRUE(service
                    .verify(token_kind::access,
                            ring.sign(access, R"({"sub":"u","jti":"j","iat":1800000000,)"
                                              R"("exp":1800000900,"aud":"countersign"})"),
                            now)
                    .has_value());
    for (const std::string_view payload : {
             R"([])",
             R"({})",
             R"({"sub":"","jti":"j","iat":1800000000,"exp":1800000900,"aud":"countersign"})",
             R"({"sub":1,"jti":"j","iat":1800000000,"exp":1800000900,"aud":"countersign"})",
             R"({"sub":"u","iat":1800000000,"exp":1800000900,"aud":"countersign"})",
             R"({"sub":"u","jti":"j","exp":1800000900,"aud":"countersign"})",
             R"({"sub":"u","jti":"j","iat":1800000000,"aud":"countersign"})",
             R"({"sub":"u","jti":"j","iat":1800000000,"exp":"1800000900","aud":"countersign"})",
             R"({"sub":"u","jti":"j","iat":1800000000,"exp":1800000900.5,"aud":"countersign"})",
             R"({"sub":"u","jti":"j","iat":1800000000,"exp":9223372036854775807,)"
             R"("aud":"countersign"})",
             R"({"sub":"u","jti":"j","iat":-1,"exp":1800000900,"aud":"countersign"})",
             R"({"sub":"u","jti":"j","iat":1800000000,"exp":1800000900})",
             R"({"sub":"u","jti":"j","iat":1800000000,"exp":1800000900,"aud":["countersign"]})",
             R"({"sub":"u","session":5,"jti":"j","iat":1800000000,"exp":1800000900,)"
             R"("aud":"countersign"})",
         }) {
        EXPECT_TRUE(refused(token_kind::access, access, payload)) << payload;
    }
    constexpr std::string_view base =
        R"({"sub":"u","jti":"j","iat":1800000000,"exp":1800000900,"aud":"countersign")";
    for (const std::string_view rest : {"}", R"(,"aal":0})", R"(,"aal":3})", R"(,"aal":"2"})"}) {
        EXPECT_TRUE(
            refused(token_kind::step_up, "cs-step-up+jwt", std::string(base) + std::string(rest)));
    }
    for (const std::string_view rest : {"}", R"(,"pur":"logout"})", R"(,"pur":1})"}) {
        EXPECT_TRUE(refused(token_kind::two_factor, "cs-two-factor+jwt",
                            std::string(base) + std::string(rest)));
    }
}

TEST(Tokens, KeySet_PublishesTheKeysOfEddsaOnly) {
    EXPECT_EQ(service_of().key_set(), "");

    auto asymmetric = masters(1);
    asymmetric.front().algorithm = jws_algorithm::eddsa;
    auto keys = derive_token_keys(masters(1));
    keys.rings[static_cast<std::size_t>(token_kind::access)] = jws_key_ring(std::move(asymmetric));
    const token_service service(std::move(keys), "countersign");

    const std::string set = service.key_set();
    EXPECT_TRUE(set.starts_with(
        R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"main","use":"sig","alg":"EdDSA","x":")"))
        << set;
    EXPECT_EQ(set.find("\"d\""), std::string::npos);
    const auto token = service.issue(token_kind::access, claims());
    EXPECT_TRUE(service.verify(token_kind::access, token, now).has_value());
    EXPECT_EQ(refusal(service_of().verify(token_kind::access, token, now)), token_error::malformed);
}

} // namespace
} // namespace countersign::core
