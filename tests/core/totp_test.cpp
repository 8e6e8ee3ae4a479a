#include "core/totp.hpp"

#include "core/crypto/encoding.hpp"
#include "tests/core/seeded_random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <stdexcept>

namespace countersign::core {
namespace {

constexpr std::string_view key20 = "12345678901234567890";
constexpr std::string_view key32 = "12345678901234567890123456789012";
constexpr std::string_view key64 =
    "1234567890123456789012345678901234567890123456789012345678901234";
constexpr unix_time now{seconds{1'800'000'015}}; // the middle of a step

unix_time at(std::int64_t second) {
    return unix_time{seconds{second}};
}

std::string code_at(std::string_view key, const totp_parameters& parameters, unix_time time) {
    return totp_code(bytes_of(key), parameters, step_at(time, parameters));
}

TEST(Totp, Rfc6238AppendixB_ComesOutForAllThreeHashes) {
    struct row {
        std::int64_t second;
        std::string_view sha1, sha256, sha512;
    };
    constexpr std::array rows{
        row{59, "94287082", "46119246", "90693936"},
        row{1111111109, "07081804", "68084774", "25091201"},
        row{1111111111, "14050471", "67062674", "99943326"},
        row{1234567890, "89005924", "91819424", "93441116"},
        row{2000000000, "69279037", "90698825", "38618901"},
        row{20000000000, "65353130", "77737706", "47863826"},
    };
    for (const row& r : rows) {
        EXPECT_EQ(code_at(key20, {.algorithm = hash_algorithm::sha1, .digits = 8}, at(r.second)),
                  r.sha1);
        EXPECT_EQ(code_at(key32, {.algorithm = hash_algorithm::sha256, .digits = 8}, at(r.second)),
                  r.sha256);
        EXPECT_EQ(code_at(key64, {.algorithm = hash_algorithm::sha512, .digits = 8}, at(r.second)),
                  r.sha512);
    }
}

TEST(Totp, Rfc4226AppendixD_ComesOut) {
    constexpr std::array<std::string_view, 10> codes{"755224", "287082", "359152", "969429",
                                                     "338314", "254676", "287922", "162583",
                                                     "399871", "520489"};
    for (std::size_t count = 0; count < codes.size(); ++count) {
        EXPECT_EQ(totp_code(bytes_of(key20), {}, totp_step{static_cast<std::int64_t>(count)}),
                  codes[count]);
    }
}

TEST(Totp, Step_ChangesWithThePeriod) {
    EXPECT_EQ(step_at(at(0), {}).value, 0);
    EXPECT_EQ(step_at(at(29) + milliseconds{999}, {}).value, 0);
    EXPECT_EQ(step_at(at(30), {}).value, 1);
    EXPECT_EQ(step_at(at(59), {.period_s = 60}).value, 0);
    EXPECT_EQ(step_at(at(-1), {}).value, -1);
    EXPECT_LT(totp_step{1}, totp_step{2});
}

TEST(Totp, CodeOfAnyStepInTheWindow_IsFound) {
    const totp_step current = step_at(now, {});
    for (const int window : {0, 1, 2}) {
        for (std::int64_t distance = -3; distance <= 3; ++distance) {
            const totp_step step{current.value + distance};
            const auto found = matching_step(bytes_of(key20), {},
                                             totp_code(bytes_of(key20), {}, step), now, window);
            if (distance >= -window && distance <= window) {
                EXPECT_EQ(found, step);
            } else {
                EXPECT_FALSE(found);
            }
        }
    }
}

TEST(Totp, CodeOfStepBefore_IsFoundInTheWindow) {
    const totp_step before{step_at(now, {}).value - 1};
    EXPECT_EQ(matching_step(bytes_of(key20), {}, totp_code(bytes_of(key20), {}, before), now, 1),
              before);
}

TEST(Totp, CodeThatTwoStepsShare_CountsAsTheLatest) {
    // Searched: two steps of one window with the same code.
    constexpr int window = 100;
    tests::seeded_random random(6238);
    for (;;) {
        const auto key = random.bytes<20>();
        std::set<std::string> seen;
        const totp_step current = step_at(now, {});
        for (std::int64_t distance = -window; distance <= window; ++distance) {
            const totp_step step{current.value + distance};
            const std::string code = totp_code(key, {}, step);
            if (!seen.insert(code).second) {
                EXPECT_GE(matching_step(key, {}, code, now, window), step);
                return;
            }
        }
    }
}

TEST(Totp, T02_OnlyExactlySixAsciiDigits_AreACode) {
    const std::string code = code_at(key20, {}, now);
    ASSERT_TRUE(matching_step(bytes_of(key20), {}, code, now, 1));
    std::string full_width;
    for (const char digit : code) {
        full_width += "\xef\xbc"; // U+FF10 is EF BC 90
        full_width += static_cast<char>(0x90 + (digit - '0'));
    }
    for (const std::string& other :
         {' ' + code, code + ' ', code + '\n', '+' + code, '0' + code, code + '0', code.substr(1),
          code.substr(0, 3) + ' ' + code.substr(3), std::string(), std::string(6, ' '), full_width,
          code + '\0', "0x" + code.substr(2), '-' + code.substr(1)}) {
        EXPECT_FALSE(matching_step(bytes_of(key20), {}, other, now, 1)) << other;
    }
}

TEST(Totp, CodeOfAllZeros_IsACodeLikeAnyOther) {
    for (std::int64_t value = 0;; ++value) {
        if (totp_code(bytes_of(key20), {}, totp_step{value}) == "000000") {
            EXPECT_EQ(matching_step(bytes_of(key20), {}, "000000", at(value * 30), 0),
                      totp_step{value});
            return;
        }
        ASSERT_LT(value, 20'000'000);
    }
}

TEST(Totp, LongerCodes_AreComparedWhole) {
    const totp_parameters eight{.digits = 8};
    const std::string code = code_at(key20, eight, now);
    EXPECT_TRUE(matching_step(bytes_of(key20), eight, code, now, 0));
    EXPECT_FALSE(matching_step(bytes_of(key20), eight, code.substr(2), now, 0));
    EXPECT_FALSE(matching_step(bytes_of(key20), {}, code, now, 0));
}

TEST(Totp, ParametersOutOfRange_Throw) {
    for (const totp_parameters& bad :
         {totp_parameters{.digits = 5}, totp_parameters{.digits = 9},
          totp_parameters{.period_s = 0}, totp_parameters{.period_s = 301}}) {
        EXPECT_THROW((void)step_at(now, bad), std::invalid_argument);
        EXPECT_THROW((void)totp_code(bytes_of(key20), bad, totp_step{1}), std::invalid_argument);
    }
    EXPECT_THROW((void)matching_step(bytes_of(key20), {}, "123456", now, -1),
                 std::invalid_argument);
}

TEST(Totp, T36_NewSecret_Has160BitsOfTheRandomSource) {
    tests::seeded_random random(36);
    tests::seeded_random same(36);

    const secret_bytes secret = make_totp_secret(random);

    EXPECT_EQ(secret.reveal().size(), 20U);
    EXPECT_TRUE(std::ranges::equal(secret.reveal(), same.bytes<20>()));
    EXPECT_FALSE(secret == make_totp_secret(random));
}

} // namespace
} // namespace countersign::core
