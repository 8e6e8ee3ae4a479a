#include "core/crypto/password_hash.hpp"

#include "core/password_rules.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace countersign::core {
namespace {

constexpr argon2_parameters cheap{.memory_kib = 64, .iterations = 1, .parallelism = 1};
constexpr std::array<std::byte, 16> salt{std::byte{1}, std::byte{2}, std::byte{3}};

TEST(PasswordHash, TheRightPassword_Verifies) {
    const argon2id_hasher hasher(cheap, "dummy");
    const std::string phc = hasher.hash("correct horse", salt);

    EXPECT_TRUE(phc.starts_with("$argon2id$v=19$m=64,t=1,p=1$")) << phc;
    EXPECT_TRUE(hasher.verify("correct horse", phc));
    EXPECT_FALSE(hasher.verify("correct horsf", phc));
    EXPECT_FALSE(hasher.verify("correct horse ", phc));
    EXPECT_FALSE(hasher.verify("", phc));
}

TEST(PasswordHash, PasswordWithNul_IsHashedWhole) {
    const argon2id_hasher hasher(cheap, "dummy");
    const std::string phc = hasher.hash(std::string_view("a\0b", 3), salt);
    EXPECT_TRUE(hasher.verify(std::string_view("a\0b", 3), phc));
    EXPECT_FALSE(hasher.verify("a", phc));
}

TEST(PasswordHash, HashOfTheReferenceProgram_Verifies) {
    // test.c of the reference implementation: argon2id, t=2, m=2^8 KiB, p=1, "password", "somesalt"
    const argon2id_hasher hasher(cheap, "dummy");
    EXPECT_TRUE(hasher.verify("password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ"
                                          "$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"));
}

TEST(PasswordHash, MalformedString_DoesNotVerify) {
    const argon2id_hasher hasher(cheap, "dummy");
    const std::string good = hasher.hash("password", salt);
    for (const std::string& bad :
         {std::string(), std::string("password"), std::string("$argon2id$"),
          std::string("$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AAAA"),
          std::string("$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"),
          std::string("$argon2id$v=19$m=64,t=1,p=1$$"), std::string("$argon2id$v=19$m=,t=1,p=1$"),
          good + "x", good.substr(0, good.size() / 2), good + '\0', std::string(10'000, '$')}) {
        EXPECT_FALSE(hasher.verify("password", bad)) << bad;
    }
}

TEST(PasswordHash, ParametersBeyondTheCeiling_AreRefusedWithoutWork) {
    const argon2id_hasher hasher(cheap, "dummy");
    EXPECT_FALSE(hasher.verify("password", "$argon2id$v=19$m=4000000000,t=1,p=1$c29tZXNhbHQ$AAAA"));
    EXPECT_FALSE(
        hasher.verify("password", "$argon2id$v=19$m=64,t=4000000000,p=1$c29tZXNhbHQ$AAAA"));
}

TEST(PasswordHash, OtherParameters_NeedARehash) {
    const argon2id_hasher hasher(cheap, "dummy");
    const argon2id_hasher stronger({.memory_kib = 128, .iterations = 1, .parallelism = 1}, "dummy");
    const std::string phc = hasher.hash("password", salt);

    EXPECT_FALSE(hasher.needs_rehash(phc));
    EXPECT_TRUE(stronger.needs_rehash(phc));
    EXPECT_TRUE(stronger.verify("password", phc));
    EXPECT_TRUE(hasher.needs_rehash("$2b$10$whatever"));
}

TEST(PasswordHash, Dummy_HasTheCurrentParametersAndIsUsable) {
    const argon2id_hasher hasher(cheap, "the dummy password");
    EXPECT_FALSE(hasher.needs_rehash(hasher.dummy()));
    EXPECT_TRUE(hasher.verify("the dummy password", hasher.dummy()));
    EXPECT_FALSE(hasher.verify("", hasher.dummy()));
}

TEST(PasswordHash, Defaults_AreTheOwaspMinimum) {
    const argon2id_hasher hasher({}, "dummy");
    EXPECT_TRUE(hasher.dummy().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
}

TEST(PasswordHash, ParametersThatArgon2Refuses_Throw) {
    EXPECT_THROW(argon2id_hasher({.memory_kib = 1, .iterations = 0, .parallelism = 1}, "dummy"),
                 std::runtime_error);
}

TEST(PasswordRules, GoodPasswords_HaveNoProblem) {
    EXPECT_FALSE(password_problem("Passw0rd!"));
    EXPECT_FALSE(password_problem("Aa1 aaaa"));
    EXPECT_FALSE(password_problem("Aa1\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"));
    EXPECT_FALSE(password_problem("Aa1!" + std::string(124, 'x')));
}

TEST(PasswordRules, EachRuleThatIsBroken_IsNamed) {
    EXPECT_NE(password_problem("Aa1!aaa")->find("at least 8"), std::string_view::npos);
    EXPECT_NE(password_problem("Aa1\xc3\xa4\xc3\xa4")->find("at least 8"), std::string_view::npos);
    EXPECT_NE(password_problem("Aa1!" + std::string(125, 'x'))->find("at most 128"),
              std::string_view::npos);
    EXPECT_NE(password_problem("passw0rd!")->find("uppercase"), std::string_view::npos);
    EXPECT_NE(password_problem("PASSW0RD!")->find("lowercase"), std::string_view::npos);
    EXPECT_NE(password_problem("Password!")->find("digit"), std::string_view::npos);
    EXPECT_NE(password_problem("Passw0rdd")->find("special"), std::string_view::npos);
    EXPECT_NE(password_problem("Passw0rd!\xff")->find("UTF-8"), std::string_view::npos);
    EXPECT_NE(password_problem(std::string_view("Passw0rd!\0", 10))->find("NUL"),
              std::string_view::npos);
}

} // namespace
} // namespace countersign::core
