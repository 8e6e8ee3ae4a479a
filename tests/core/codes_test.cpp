#include "core/codes.hpp"

#include "core/crypto/digest.hpp"
#include "core/crypto/encoding.hpp"
#include "core/crypto/hmac.hpp"
#include "tests/core/seeded_random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <stdexcept>

namespace countersign::core {
namespace {

const account_id alice("user_a");
const account_id bob("user_b");

std::array<std::byte, 32> raw_pepper(unsigned char fill) {
    std::array<std::byte, 32> bytes{};
    bytes.fill(std::byte{fill});
    return bytes;
}

code_hasher hasher_of(unsigned char fill = 1) {
    return code_hasher(secret_key(raw_pepper(fill)));
}

TEST(Codes, NumericCode_HasItsLengthAndKeepsLeadingZeros) {
    tests::seeded_random random(5);
    bool leading_zero = false;
    for (int i = 0; i < 1000; ++i) {
        const std::string code = make_numeric_code(random, 6);
        ASSERT_EQ(code.size(), 6U);
        ASSERT_TRUE(std::ranges::all_of(code, [](char c) { return c >= '0' && c <= '9'; }));
        leading_zero = leading_zero || code.front() == '0';
    }
    EXPECT_TRUE(leading_zero);
    EXPECT_EQ(make_numeric_code(random, 9).size(), 9U);
    EXPECT_EQ(make_numeric_code(random, 1).size(), 1U);
    EXPECT_THROW((void)make_numeric_code(random, 0), std::invalid_argument);
    EXPECT_THROW((void)make_numeric_code(random, 10), std::invalid_argument);
}

TEST(Codes, Code_UsesTheWholeAlphabetEqually) {
    constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz23456789_";
    tests::seeded_random random(6);
    const std::string code = make_code(random, alphabet, 35'000);

    ASSERT_EQ(code.size(), 35'000U);
    for (const char character : alphabet) {
        const auto count = std::ranges::count(code, character);
        EXPECT_GT(count, 850);
        EXPECT_LT(count, 1150);
    }
    EXPECT_EQ(make_code(random, alphabet, 0), "");
    EXPECT_THROW((void)make_code(random, "", 5), std::invalid_argument);
}

TEST(CodeHasher, Hash_IsTheDocumentedHmac) {
    constexpr std::string_view message("backup\0user_a\0abcd", 18);
    EXPECT_EQ(hasher_of().hash("backup", alice, "abcd"),
              to_base64url(hmac_sha256(raw_pepper(1), bytes_of(message))));
}

TEST(CodeHasher, T25_CodeOfAnotherAccount_DoesNotMatch) {
    const code_hasher hasher = hasher_of();
    const std::string stored = hasher.hash("backup", alice, "abcd");

    EXPECT_TRUE(hasher.matches(stored, "backup", alice, "abcd"));
    EXPECT_FALSE(hasher.matches(stored, "backup", bob, "abcd"));
    EXPECT_FALSE(hasher.matches(stored, "login", alice, "abcd"));
    EXPECT_FALSE(hasher.matches(stored, "backup", alice, "abce"));
    EXPECT_FALSE(hasher.matches("", "backup", alice, "abcd"));
    EXPECT_FALSE(hasher_of(2).matches(stored, "backup", alice, "abcd"));
}

TEST(CodeHasher, PartsThatConcatenateToTheSame_HashDifferently) {
    const code_hasher hasher = hasher_of();
    const std::set<std::string> hashes{
        hasher.hash("ab", account_id("c"), "d"), hasher.hash("a", account_id("bc"), "d"),
        hasher.hash("a", account_id("b"), "cd"), hasher.hash("abc", account_id(""), "d")};
    EXPECT_EQ(hashes.size(), 4U);
}

// The first 128 bits of what hash() gives.
std::string shortened(const std::string& whole) {
    const auto bytes = from_base64url(whole);
    return to_base64url(std::span(bytes.value()).first(16));
}

TEST(CodeHasher, BackupCodeOfSixteenHexadecimalDigits_IsTheSameInEitherCase) {
    const code_hasher hasher = hasher_of();
    EXPECT_EQ(hasher.hash_backup_code(alice, "0123456789abcdef"),
              hasher.hash_backup_code(alice, "0123456789ABCDEF"));
    EXPECT_EQ(hasher.hash_backup_code(alice, "0123456789abcdef"),
              shortened(hasher.hash("backup", alice, "0123456789abcdef")));
    // Any other is what it is.
    for (const auto* code :
         {"aBcDeFgHiJk", "0123456789abcde", "0123456789abcdeff", "0123456789abcdeg",
          " 0123456789abcde", "0123456789ABCDE", "0123456789ABCDEFF"})
        EXPECT_EQ(hasher.hash_backup_code(alice, code),
                  shortened(hasher.hash("backup", alice, code)))
            << code;
    EXPECT_NE(hasher.hash_backup_code(alice, "aBcDeFgHiJk"),
              hasher.hash_backup_code(alice, "abcdefghijk"));
}

TEST(CodeHasher, T25_ImportedBackupCode_IsFoundByItsDigestForItsAccount) {
    const code_hasher hasher = hasher_of();
    const std::string digest = to_hex(sha256(bytes_of("0123456789abcdef")));
    const auto forms = hasher.stored_forms_of_backup_code(alice, "0123456789ABCDEF");
    EXPECT_EQ(forms.size(), 4U);
    EXPECT_EQ(std::ranges::count(forms, hasher.hash_backup_digest(alice, digest)), 1);
    EXPECT_EQ(std::ranges::count(forms, hasher.hash_backup_digest(bob, digest)), 0);
    EXPECT_EQ(std::ranges::count(forms, hasher.hash_backup_code(alice, "0123456789ABCDEF")), 1);
    EXPECT_NE(hasher.hash_backup_code(alice, digest), hasher.hash_backup_digest(alice, digest));
}

TEST(CodeHasher, BackupCodeThatIsStoredAsAWholeHash_IsFound) {
    const code_hasher hasher = hasher_of();
    const std::string code = "aBcDeFgHiJk", digest = to_hex(sha256(bytes_of(code)));
    const auto forms = hasher.stored_forms_of_backup_code(alice, code);
    EXPECT_EQ(std::ranges::count(forms, hasher.hash("backup", alice, code)), 1);
    EXPECT_EQ(std::ranges::count(forms, hasher.hash("backup-sha256", alice, digest)), 1);
}

TEST(CodeHasher, IndexKey_IsHexAndSeparateByDomainAndPepper) {
    const code_hasher hasher = hasher_of();
    const std::string key = hasher.index_key("email", "alice@example.com");

    EXPECT_EQ(key.size(), 64U);
    EXPECT_TRUE(from_hex(key));
    EXPECT_EQ(key, hasher.index_key("email", "alice@example.com"));
    EXPECT_NE(key, hasher.index_key("subject", "alice@example.com"));
    EXPECT_NE(key, hasher_of(2).index_key("email", "alice@example.com"));
}

// The pepper of hasher_of() behind a newer one.
code_hasher rotated_hasher(bool is_staged = false) {
    std::vector<pepper> ring;
    ring.push_back({.id = "first", .key = secret_key(raw_pepper(1)), .is_named = false});
    pepper newer{.id = "second", .key = secret_key(raw_pepper(2)), .is_next = is_staged};
    ring.insert(is_staged ? ring.end() : ring.begin(), std::move(newer));
    return code_hasher(std::move(ring));
}

TEST(CodeHasher, AfterRotation_OldHashesMatchAndNewOnesNameTheirPepper) {
    const std::string old_hash = hasher_of().hash("d", alice, "123456");
    const code_hasher rotated = rotated_hasher();
    const std::string fresh = rotated.hash("d", alice, "123456");

    EXPECT_TRUE(fresh.starts_with("second."));
    EXPECT_TRUE(rotated.matches(old_hash, "d", alice, "123456"));
    EXPECT_TRUE(rotated.matches(fresh, "d", alice, "123456"));
    EXPECT_FALSE(rotated.matches(old_hash, "d", bob, "123456"));
    EXPECT_FALSE(rotated.matches(old_hash, "d", alice, "123457"));
    EXPECT_FALSE(rotated.matches("", "d", alice, "123456"));
    EXPECT_FALSE(hasher_of().matches(fresh, "d", alice, "123456"));
    EXPECT_EQ(rotated.pepper_of(old_hash), "first");
    EXPECT_EQ(rotated.pepper_of(fresh), "second");
    EXPECT_EQ(rotated.pepper_of("third.AAAA"), "");
}

TEST(CodeHasher, AfterRotation_ABackupCodeIsFoundInEveryForm) {
    const std::string code = "0123456789abcdef";
    const code_hasher old = hasher_of(), rotated = rotated_hasher();
    const auto forms = rotated.stored_forms_of_backup_code(alice, code);
    const std::string digest = to_hex(sha256(bytes_of(code)));
    EXPECT_EQ(forms.size(), 8U);
    for (const auto& stored :
         {old.hash_backup_code(alice, code), old.hash_backup_digest(alice, digest),
          rotated.hash_backup_code(alice, code), rotated.hash_backup_digest(alice, digest)})
        EXPECT_EQ(std::ranges::count(forms, stored), 1) << stored;
}

TEST(CodeHasher, AfterRotation_IndexKeysAreThoseOfEveryPepper) {
    const code_hasher old = hasher_of(), rotated = rotated_hasher();
    const auto keys = rotated.index_keys("d", "v");
    ASSERT_EQ(keys.size(), 2U);
    EXPECT_EQ(keys[0], rotated.index_key("d", "v"));
    EXPECT_EQ(keys[1], old.index_key("d", "v"));
    EXPECT_TRUE(rotated.is_outdated(1));
}

TEST(CodeHasher, StagedPepper_MatchesAndDoesNotHash) {
    const code_hasher staged = rotated_hasher(true);
    EXPECT_EQ(staged.hash("d", alice, "1"), hasher_of().hash("d", alice, "1"));
    EXPECT_TRUE(staged.matches(rotated_hasher().hash("d", alice, "1"), "d", alice, "1"));
    EXPECT_FALSE(staged.is_outdated(0));
    EXPECT_FALSE(staged.is_outdated(1));
}

TEST(CodeHasher, RingWithoutUsablePeppers_CannotBeMade) {
    EXPECT_THROW(code_hasher(std::vector<pepper>()), std::invalid_argument);
    std::vector<pepper> twice;
    for (int i = 0; i < 2; ++i)
        twice.push_back({.id = "one", .key = secret_key(raw_pepper(1))});
    EXPECT_THROW(code_hasher(std::move(twice)), std::invalid_argument);
}

TEST(CodeHasher, IndexKey_CannotStandForACodesHash) {
    const code_hasher hasher = hasher_of();
    const std::string same_message("user_a\0abcd", 11);
    EXPECT_NE(from_hex(hasher.index_key("backup", same_message)),
              from_base64url(hasher.hash("backup", alice, "abcd")));
}

} // namespace
} // namespace countersign::core
