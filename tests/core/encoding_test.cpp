#include "core/crypto/encoding.hpp"

#include "core/types.hpp"
#include "tests/core/seeded_random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

namespace countersign::core {
namespace {

std::string text(const std::optional<std::vector<std::byte>>& bytes) {
    return bytes ? std::string(text_of(*bytes)) : "(refused)";
}

struct vector {
    std::string_view plain;
    std::string_view hex;
    std::string_view base32;
    std::string_view base64url;
};

// RFC 4648 section 10, padding removed
constexpr vector rfc4648[] = {
    {"", "", "", ""},
    {"f", "66", "MY", "Zg"},
    {"fo", "666f", "MZXQ", "Zm8"},
    {"foo", "666f6f", "MZXW6", "Zm9v"},
    {"foob", "666f6f62", "MZXW6YQ", "Zm9vYg"},
    {"fooba", "666f6f6261", "MZXW6YTB", "Zm9vYmE"},
    {"foobar", "666f6f626172", "MZXW6YTBOI", "Zm9vYmFy"},
};

TEST(Encoding, Rfc4648Vectors_EncodeAndDecode) {
    for (const vector& v : rfc4648) {
        EXPECT_EQ(to_hex(bytes_of(v.plain)), v.hex);
        EXPECT_EQ(to_base32(bytes_of(v.plain)), v.base32);
        EXPECT_EQ(to_base64url(bytes_of(v.plain)), v.base64url);
        EXPECT_EQ(text(from_hex(v.hex)), v.plain);
        EXPECT_EQ(text(from_base32(v.base32)), v.plain);
        EXPECT_EQ(text(from_base64url(v.base64url)), v.plain);
    }
}

TEST(Encoding, RandomBytesOfEveryLength_ComeBack) {
    tests::seeded_random random(4648);
    for (std::size_t length = 0; length < 100; ++length) {
        std::vector<std::byte> bytes(length);
        random.fill(bytes);
        EXPECT_EQ(from_hex(to_hex(bytes)), bytes);
        EXPECT_EQ(from_base32(to_base32(bytes)), bytes);
        EXPECT_EQ(from_base64url(to_base64url(bytes)), bytes);
    }
}

TEST(Encoding, HexThatIsNotLowerCasePairs_IsRefused) {
    for (const std::string_view bad : {"6", "666", "6G", "AB", " 66", "66 ", "0x66"}) {
        EXPECT_FALSE(from_hex(bad)) << bad;
    }
}

TEST(Encoding, Base64urlOfTheUrlSafeAlphabet_HasNoPlusAndSlash) {
    const std::array bytes{std::byte{0xfb}, std::byte{0xff}, std::byte{0xbf}};
    EXPECT_EQ(to_base64url(bytes), "-_-_");
}

TEST(Encoding, Base64urlThatNoEncoderMakes_IsRefused) {
    for (const std::string_view bad : {"Zg==", "Zg=", "=", "Z", "Zm9vY", "Zm+v", "Zm/v", "Zm9v ",
                                       " Zm9v", "Zm9v\n", "Zh", "Zm9", "Zm\xc3\xa4"}) {
        EXPECT_FALSE(from_base64url(bad)) << bad;
    }
    EXPECT_FALSE(from_base64url(std::string_view("Zm9\0", 4)));
}

TEST(Encoding, Base32_IgnoresCaseAndTakesCompletePadding) {
    EXPECT_EQ(text(from_base32("mzxw6ytboi")), "foobar");
    EXPECT_EQ(text(from_base32("MZXW6YTBOI======")), "foobar");
    EXPECT_EQ(text(from_base32("MY======")), "f");
    EXPECT_EQ(text(from_base32("MZXW6===")), "foo");
}

TEST(Encoding, Base32TrailingBits_AreDroppedAsAuthenticatorsDo) {
    EXPECT_EQ(text(from_base32("MZ")), "f");
}

TEST(Encoding, Base32ThatNoEncoderMakes_IsRefused) {
    for (const std::string_view bad :
         {"M", "MZX", "MZXW6Y", "MY=", "MY=====", "MY=======", "========", "MY==MY==", "M1======",
          "M0", "M8", "M9", "MZ XQ", "MZ-XQ", "MZXQ\n", "=MZXW6YT"}) {
        EXPECT_FALSE(from_base32(bad)) << bad;
    }
}

TEST(Types, Time_IsWrittenAsRfc3339WithMilliseconds) {
    EXPECT_EQ(to_rfc3339(unix_time{}), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(to_rfc3339(unix_time{milliseconds{1767323045678}}), "2026-01-02T03:04:05.678Z");
    EXPECT_EQ(to_rfc3339(unix_time{milliseconds{1709251199999}}), "2024-02-29T23:59:59.999Z");
    EXPECT_EQ(to_rfc3339(unix_time{milliseconds{-1}}), "1969-12-31T23:59:59.999Z");
}

TEST(Random, Uuid_IsVersion4) {
    tests::seeded_random random(9562);
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
        const std::string uuid = random.uuid();
        ASSERT_EQ(uuid.size(), 36U);
        EXPECT_EQ(uuid[8], '-');
        EXPECT_EQ(uuid[13], '-');
        EXPECT_EQ(uuid[14], '4');
        EXPECT_EQ(uuid[18], '-');
        EXPECT_NE(std::string_view("89ab").find(uuid[19]), std::string_view::npos);
        EXPECT_EQ(uuid[23], '-');
        EXPECT_TRUE(seen.insert(uuid).second);
    }
}

TEST(Random, Hex_HasTwoDigitsForEachByte) {
    tests::seeded_random random(1);
    const std::string hex = random.hex(16);
    EXPECT_EQ(hex.size(), 32U);
    EXPECT_TRUE(from_hex(hex));
}

TEST(Random, Below_ReachesEveryValueAboutEquallyOften) {
    tests::seeded_random random(2);
    std::array<int, 10> counts{};
    for (int i = 0; i < 10'000; ++i) {
        ++counts.at(random.below(10));
    }
    EXPECT_GT(std::ranges::min(counts), 850);
    EXPECT_LT(std::ranges::max(counts), 1150);
    EXPECT_EQ(random.below(1), 0U);
    EXPECT_THROW((void)random.below(0), std::invalid_argument);
}

// Hands out the given words one after the other.
class scripted_random final : public random_source {
public:
    explicit scripted_random(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
    void fill(std::span<std::byte> out) override {
        for (std::byte& byte : out) {
            byte = bytes_.at(next_++);
        }
    }
    [[nodiscard]] std::size_t used() const { return next_; }

private:
    std::vector<std::byte> bytes_;
    std::size_t next_ = 0;
};

TEST(Random, DrawThatWouldBiasTheResult_IsThrownAway) {
    // 2^32 modulo 10 is 6: the draw 0 is surplus, the draw 0xffffffff is not.
    std::vector<std::byte> words(4, std::byte{0});
    words.insert(words.end(), 4, std::byte{0xff});
    scripted_random random(words);

    EXPECT_EQ(random.below(10), 0xffffffffU % 10U);
    EXPECT_EQ(random.used(), 8U);
}

} // namespace
} // namespace countersign::core
