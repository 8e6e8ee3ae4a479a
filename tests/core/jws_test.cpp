#include "core/crypto/jws.hpp"

#include "core/crypto/encoding.hpp"
#include "core/crypto/hmac.hpp"
#include "tests/core/refusal.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <stdexcept>

namespace countersign::core {
namespace {

using tests::refusal;

constexpr std::string_view type = "cs-test+jwt";
constexpr std::string_view payload = R"({"sub":"user_1"})";

std::array<std::byte, 32> raw_key(unsigned char fill) {
    std::array<std::byte, 32> bytes{};
    bytes.fill(std::byte{fill});
    return bytes;
}

template <typename... Ids>
jws_key_ring ring_of(Ids... ids) {
    std::vector<signing_key> keys;
    (keys.push_back({.id = ids, .key = secret_key(raw_key(static_cast<unsigned char>(ids[1])))}),
     ...);
    return jws_key_ring(std::move(keys));
}

// A token with any header, correctly signed with the key of "k1".
std::string forge(std::string_view header, std::string_view body = payload) {
    const std::string text = to_base64url(bytes_of(header)) + '.' + to_base64url(bytes_of(body));
    return text + '.' + to_base64url(hmac_sha256(raw_key('1'), bytes_of(text)));
}

TEST(Jws, SignedToken_Verifies) {
    const jws_key_ring ring = ring_of("k1");
    const std::string token = ring.sign(type, payload);

    const auto verified = ring.verify(token, type);

    ASSERT_TRUE(verified.has_value());
    EXPECT_EQ(*verified, payload);
    EXPECT_EQ(token, forge(R"({"alg":"HS256","kid":"k1","typ":"cs-test+jwt"})"));
}

TEST(Jws, AnyOtherAlgorithm_IsRefusedEvenIfCorrectlySigned) {
    const jws_key_ring ring = ring_of("k1");
    for (const std::string_view algorithm :
         {R"("none")", R"("None")", R"("")", R"("hs256")", R"("HS512")", R"("HS384")", R"("RS256")",
          R"("ES256")", "null", "256", R"(["HS256"])"}) {
        const std::string header =
            R"({"alg":)" + std::string(algorithm) + R"(,"kid":"k1","typ":"cs-test+jwt"})";
        EXPECT_EQ(refusal(ring.verify(forge(header), type)), jws_error::wrong_algorithm) << header;
    }
    EXPECT_EQ(refusal(ring.verify(forge(R"({"kid":"k1","typ":"cs-test+jwt"})"), type)),
              jws_error::wrong_algorithm);
}

TEST(Jws, AlgNoneWithoutASignature_IsRefused) {
    const jws_key_ring ring = ring_of("k1");
    const std::string text =
        to_base64url(bytes_of(R"({"alg":"none","kid":"k1","typ":"cs-test+jwt"})")) + '.' +
        to_base64url(bytes_of(payload));
    EXPECT_EQ(refusal(ring.verify(text + '.', type)), jws_error::wrong_algorithm);
    EXPECT_EQ(refusal(ring.verify(text, type)), jws_error::malformed);
}

TEST(Jws, AnyOtherType_IsRefused) {
    const jws_key_ring ring = ring_of("k1");
    EXPECT_EQ(refusal(ring.verify(ring.sign("cs-other+jwt", payload), type)),
              jws_error::wrong_type);
    EXPECT_EQ(refusal(ring.verify(ring.sign("CS-TEST+JWT", payload), type)), jws_error::wrong_type);
    EXPECT_EQ(refusal(ring.verify(forge(R"({"alg":"HS256","kid":"k1"})"), type)),
              jws_error::wrong_type);
}

TEST(Jws, HeaderThatPointsElsewhere_IsRefused) {
    const jws_key_ring ring = ring_of("k1");
    for (const std::string_view member :
         {R"("crit":["b64"])", R"("b64":false)", R"("jku":"https://evil.example/jwks")",
          R"("jwk":{"kty":"oct","k":"AAAA"})", R"("x5u":"https://evil.example/x")", R"("x5c":[])",
          R"("zip":"DEF")"}) {
        const std::string header =
            R"({"alg":"HS256","kid":"k1","typ":"cs-test+jwt",)" + std::string(member) + '}';
        EXPECT_EQ(refusal(ring.verify(forge(header), type)), jws_error::malformed) << header;
    }
}

TEST(Jws, KeyIdThatIsNotInTheRing_IsRefused) {
    const jws_key_ring ring = ring_of("k1");
    for (const std::string_view id : {R"("k2")", R"("")", R"("K1")", R"("k1 ")", R"("k1\u0000")",
                                      R"("../../dev/null")", R"("' OR '1'='1")"}) {
        const std::string header =
            R"({"alg":"HS256","typ":"cs-test+jwt","kid":)" + std::string(id) + '}';
        EXPECT_EQ(refusal(ring.verify(forge(header), type)), jws_error::unknown_key) << header;
    }
    EXPECT_EQ(refusal(ring.verify(forge(R"({"alg":"HS256","typ":"cs-test+jwt","kid":1})"), type)),
              jws_error::malformed);
    EXPECT_EQ(refusal(ring.verify(forge(R"({"alg":"HS256","typ":"cs-test+jwt"})"), type)),
              jws_error::malformed);
}

TEST(Jws, TokenUnderTheNameOfAnotherKey_IsRefused) {
    const jws_key_ring ring = ring_of("k1", "k2");
    EXPECT_EQ(
        refusal(ring.verify(forge(R"({"alg":"HS256","kid":"k2","typ":"cs-test+jwt"})"), type)),
        jws_error::bad_signature);
}

TEST(Jws, EveryChangedCharacter_IsRefused) {
    const jws_key_ring ring = ring_of("k1");
    const std::string token = ring.sign(type, payload);
    for (std::size_t i = 0; i < token.size(); ++i) {
        std::string changed = token;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(ring.verify(changed, type).has_value()) << i;
    }
}

TEST(Jws, CutOrExtendedToken_IsRefused) {
    const jws_key_ring ring = ring_of("k1");
    const std::string token = ring.sign(type, payload);
    for (std::size_t size = 0; size < token.size(); ++size) {
        EXPECT_FALSE(ring.verify(std::string_view(token).substr(0, size), type).has_value());
    }
    for (const std::string_view tail : {"A", "=", ".", " ", "\n", ".AAAA"}) {
        EXPECT_FALSE(ring.verify(token + std::string(tail), type).has_value()) << tail;
    }
    EXPECT_FALSE(ring.verify(' ' + token, type).has_value());
}

TEST(Jws, HeaderThatIsNotAnObject_IsMalformed) {
    const jws_key_ring ring = ring_of("k1");
    for (const std::string_view header :
         {"", "null", "[]", R"("HS256")", "{", R"({"alg":"HS256"}})"}) {
        EXPECT_EQ(refusal(ring.verify(forge(header), type)), jws_error::malformed) << header;
    }
    EXPECT_EQ(refusal(ring.verify(forge(std::string(1000, '[')), type)), jws_error::malformed);
}

TEST(Jws, OverlongToken_IsRefusedByBothSides) {
    const jws_key_ring ring = ring_of("k1");
    const std::string body(4000, 'x');
    EXPECT_THROW((void)ring.sign(type, body), std::length_error);
    EXPECT_EQ(refusal(ring.verify(forge(R"({"alg":"HS256","kid":"k1","typ":"cs-test+jwt"})", body),
                                  type)),
              jws_error::malformed);
}

TEST(Jws, AfterRotation_OldTokensVerifyAndNewOnesNameTheNewKey) {
    const std::string old_token = ring_of("k1").sign(type, payload);
    const jws_key_ring rotated = ring_of("k2", "k1");

    EXPECT_TRUE(rotated.verify(old_token, type).has_value());
    EXPECT_EQ(refusal(ring_of("k1").verify(rotated.sign(type, payload), type)),
              jws_error::unknown_key);
}

signing_key eddsa_key(std::string id, std::string_view seed) {
    std::array<std::byte, 32> bytes{};
    std::ranges::copy(*from_hex(seed), bytes.begin());
    return {.id = std::move(id),
            .key = secret_key(std::move(bytes)),
            .algorithm = jws_algorithm::eddsa};
}

// RFC 8032 section 7.1, test 1.
constexpr std::string_view seed =
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
constexpr std::string_view point =
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

jws_key_ring eddsa_ring() {
    std::vector<signing_key> keys;
    keys.push_back(eddsa_key("e1", seed));
    keys.push_back({.id = "k1", .key = secret_key(raw_key('1'))});
    return jws_key_ring(std::move(keys));
}

// With a MAC in the place of the signature.
std::string with_mac(std::string_view header, std::span<const std::byte> key) {
    const std::string text = to_base64url(bytes_of(header)) + '.' + to_base64url(bytes_of(payload));
    return text + '.' + to_base64url(hmac_sha256(key, bytes_of(text)));
}

TEST(Jws, SignedByEddsa_VerifiesAndNamesIt) {
    const jws_key_ring ring = eddsa_ring();
    const std::string token = ring.sign(type, payload);

    const auto verified = ring.verify(token, type);

    ASSERT_TRUE(verified.has_value());
    EXPECT_EQ(*verified, payload);
    EXPECT_TRUE(token.starts_with(
        to_base64url(bytes_of(R"({"alg":"EdDSA","kid":"e1","typ":"cs-test+jwt"})"))));
    EXPECT_EQ(refusal(ring.verify(token, "cs-other+jwt")), jws_error::wrong_type);
}

TEST(Jws, VerifyingKeys_AreThePublicOnesOfEddsaOnly) {
    const auto keys = eddsa_ring().verifying_keys();
    ASSERT_EQ(keys.size(), 1U);
    EXPECT_EQ(keys.front().id, "e1");
    EXPECT_EQ(to_hex(keys.front().point), point);
    EXPECT_TRUE(ring_of("k1").verifying_keys().empty());
}

TEST(Jws, T24_PublicKeyAsAnHmacSecret_IsRefused) {
    const jws_key_ring ring = eddsa_ring();
    const auto key = *from_hex(point);
    const std::string as_text(point);
    const std::vector<std::span<const std::byte>> secrets{key, bytes_of(as_text)};
    for (const auto secret : secrets) {
        EXPECT_EQ(refusal(ring.verify(
                      with_mac(R"({"alg":"HS256","kid":"e1","typ":"cs-test+jwt"})", secret), type)),
                  jws_error::wrong_algorithm);
        EXPECT_EQ(refusal(ring.verify(
                      with_mac(R"({"alg":"EdDSA","kid":"e1","typ":"cs-test+jwt"})", secret), type)),
                  jws_error::bad_signature);
    }
}

TEST(Jws, AlgorithmOfAnotherKey_IsRefusedThoughTheRingHasBoth) {
    const jws_key_ring ring = eddsa_ring();
    EXPECT_TRUE(
        ring.verify(forge(R"({"alg":"HS256","kid":"k1","typ":"cs-test+jwt"})"), type).has_value());
    EXPECT_EQ(
        refusal(ring.verify(forge(R"({"alg":"EdDSA","kid":"k1","typ":"cs-test+jwt"})"), type)),
        jws_error::wrong_algorithm);
    // A signature of the one under the name of the other.
    const std::string token = ring.sign(type, payload);
    const std::string header = R"({"alg":"HS256","kid":"k1","typ":"cs-test+jwt"})";
    EXPECT_EQ(
        refusal(ring.verify(to_base64url(bytes_of(header)) + token.substr(token.find('.')), type)),
        jws_error::bad_signature);
}

TEST(Jws, EveryChangedCharacterOfEddsa_IsRefused) {
    const jws_key_ring ring = eddsa_ring();
    const std::string token = ring.sign(type, payload);
    for (std::size_t i = 0; i < token.size(); ++i) {
        std::string changed = token;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(ring.verify(changed, type).has_value()) << i;
    }
    EXPECT_FALSE(ring.verify(token.substr(0, token.rfind('.') + 1), type).has_value());
}

TEST(Jws, RetiredKey_IsUnknown) {
    const std::string token = eddsa_ring().sign(type, payload);
    EXPECT_EQ(refusal(ring_of("k1").verify(token, type)), jws_error::unknown_key);
}

TEST(Jws, RingWithoutUsableKeys_CannotBeMade) {
    EXPECT_THROW(jws_key_ring({}), std::invalid_argument);
    EXPECT_THROW(ring_of("k1", "k1"), std::invalid_argument);
    EXPECT_THROW(ring_of("k\""), std::invalid_argument);
}

} // namespace
} // namespace countersign::core
