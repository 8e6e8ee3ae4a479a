#include "core/crypto/aead.hpp"

#include "core/crypto/encoding.hpp"
#include "tests/core/refusal.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

namespace countersign::core {
namespace {

using tests::refusal;

constexpr std::array<std::byte, 12> nonce{std::byte{1}, std::byte{2}, std::byte{3}};
constexpr std::string_view context = "user_1|totp";

secret_key key_of(unsigned char fill) {
    std::array<std::byte, 32> bytes{};
    bytes.fill(std::byte{fill});
    return secret_key(std::move(bytes));
}

template <typename... Ids>
key_ring ring_of(Ids... ids) {
    std::vector<encryption_key> keys;
    (keys.push_back({.id = ids, .key = key_of(static_cast<unsigned char>(ids[1]))}), ...);
    return key_ring(std::move(keys));
}

TEST(KeyRing, SealedValue_OpensWithTheSameAssociatedData) {
    const key_ring ring = ring_of("k1");
    for (const std::string& plain : {std::string(), std::string("a"), std::string(5000, 'x')}) {
        const auto opened = ring.open(ring.seal(plain, context, nonce), context);
        ASSERT_TRUE(opened.has_value());
        EXPECT_EQ(opened->reveal(), plain);
    }
}

// The Galois/Counter Mode of Operation (McGrew, Viega), test case 16: AES-256 with associated data.
TEST(KeyRing, TestCase16OfTheGcmSpecification_ComesOut) {
    const auto bytes = [](std::string_view hex) { return from_hex(hex).value(); };
    secret_key key = [&] {
        const auto raw = bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
        std::array<std::byte, 32> array{};
        std::ranges::copy(raw, array.begin());
        return secret_key(std::move(array));
    }();
    std::vector<encryption_key> keys;
    keys.push_back({.id = "gcm", .key = std::move(key)});
    const key_ring ring(std::move(keys));
    std::array<std::byte, 12> initial{};
    std::ranges::copy(bytes("cafebabefacedbaddecaf888"), initial.begin());
    const auto plain = bytes("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                             "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
    const auto associated = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");

    const std::string sealed = ring.seal(text_of(plain), text_of(associated), initial);

    EXPECT_EQ(to_hex(from_base64url(sealed.substr(4)).value()),
              "cafebabefacedbaddecaf888"
              "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
              "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
              "76fc6ece0f4e1768cddf8853bb2d551b");
}

TEST(KeyRing, OtherAssociatedData_IsNotAuthentic) {
    const key_ring ring = ring_of("k1");
    const std::string sealed = ring.seal("secret", context, nonce);
    EXPECT_EQ(refusal(ring.open(sealed, "user_2|totp")), open_error::not_authentic);
    EXPECT_EQ(refusal(ring.open(sealed, "")), open_error::not_authentic);
}

TEST(KeyRing, AnyChangedBit_IsNotAuthentic) {
    const key_ring ring = ring_of("k1");
    const std::string sealed = ring.seal("secret", context, nonce);
    const auto bytes = from_base64url(sealed.substr(3)).value();
    for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
        auto changed = bytes;
        changed[i / 8] ^= std::byte{1} << (i % 8);
        EXPECT_EQ(refusal(ring.open("k1." + to_base64url(changed), context)),
                  open_error::not_authentic);
    }
    ASSERT_TRUE(ring.open(sealed, context).has_value()); // a failure leaves no trace behind
}

TEST(KeyRing, CutValue_IsRefused) {
    const key_ring ring = ring_of("k1");
    const auto bytes = from_base64url(ring.seal("secret", context, nonce).substr(3)).value();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto cut = to_base64url(std::span(bytes).first(size));
        EXPECT_EQ(refusal(ring.open("k1." + cut, context)),
                  size < 28 ? open_error::malformed : open_error::not_authentic);
    }
}

TEST(KeyRing, TextOfAnotherForm_IsMalformed) {
    const key_ring ring = ring_of("k1");
    EXPECT_EQ(refusal(ring.open("", context)), open_error::malformed);
    EXPECT_EQ(refusal(ring.open("k1", context)), open_error::malformed);
    EXPECT_EQ(refusal(ring.open("k1.!!!!", context)), open_error::malformed);
    EXPECT_EQ(refusal(ring.open(".AAAA", context)), open_error::unknown_key);
}

TEST(KeyRing, AfterRotation_OldValuesOpenAndAreNotCurrent) {
    const std::string old_value = ring_of("k1").seal("secret", context, nonce);
    const key_ring rotated = ring_of("k2", "k1");

    ASSERT_TRUE(rotated.open(old_value, context).has_value());
    EXPECT_FALSE(rotated.is_current(old_value));
    EXPECT_TRUE(rotated.is_current(rotated.seal("secret", context, nonce)));
    EXPECT_EQ(refusal(ring_of("k2").open(old_value, context)), open_error::unknown_key);
}

TEST(KeyRing, OutdatedIsWhatAnOldKeySealed_NotWhatTheNextOneDid) {
    const std::string of_next = ring_of("k2").seal("secret", context, nonce);
    const std::string of_old = ring_of("k0").seal("secret", context, nonce);
    std::vector<encryption_key> keys;
    for (const std::string_view id : {"k1", "k2", "k0"}) {
        std::array<std::byte, 32> bytes{};
        bytes.fill(std::byte{static_cast<unsigned char>(id[1])});
        keys.push_back(
            {.id = std::string(id), .key = secret_key(std::move(bytes)), .is_next = id == "k2"});
    }
    const key_ring staged(std::move(keys));

    EXPECT_TRUE(staged.open(of_next, context).has_value());
    EXPECT_FALSE(staged.is_outdated(of_next));
    EXPECT_TRUE(staged.is_outdated(of_old));
    EXPECT_FALSE(staged.is_outdated(staged.seal("secret", context, nonce)));
    EXPECT_FALSE(staged.is_outdated("k9.AAAA"));
    EXPECT_EQ(key_ring::key_of(of_old), "k0");
}

TEST(KeyRing, ValueUnderTheNameOfAnotherKey_IsNotAuthentic) {
    const key_ring ring = ring_of("k1", "k2");
    std::string sealed = ring.seal("secret", context, nonce);
    sealed[1] = '2';
    EXPECT_EQ(refusal(ring.open(sealed, context)), open_error::not_authentic);
}

TEST(KeyRing, WithoutUsableKeys_CannotBeMade) {
    EXPECT_THROW(key_ring({}), std::invalid_argument);
    EXPECT_THROW(ring_of("k1", "k1"), std::invalid_argument);
    EXPECT_THROW(ring_of("k.1"), std::invalid_argument);
    EXPECT_THROW(ring_of("k\""), std::invalid_argument);
}

} // namespace
} // namespace countersign::core
