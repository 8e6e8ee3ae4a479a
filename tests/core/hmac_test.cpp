#include "core/crypto/hmac.hpp"

#include "core/crypto/encoding.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace countersign::core {
namespace {

std::string hmac_hex(hash_algorithm algorithm, std::string_view key, std::string_view message) {
    std::array<std::byte, 64> out{};
    const std::size_t length = hmac(algorithm, bytes_of(key), bytes_of(message), out);
    return to_hex(std::span(out).first(length));
}

struct vector {
    std::string key;
    std::string message;
    std::string_view sha256;
    std::string_view sha512;
};

std::string counted_bytes(char first, char last) {
    std::string text;
    for (char c = first; c <= last; ++c) {
        text += c;
    }
    return text;
}

// RFC 4231 sections 4.2 to 4.8, without the truncated one of 4.6
const std::vector<vector>& rfc4231() {
    static const std::vector<vector> vectors{
        {std::string(20, '\x0b'), "Hi There",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
         "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
         "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
        {"Jefe", "what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
         "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
         "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
        {std::string(20, '\xaa'), std::string(50, '\xdd'),
         "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
         "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
         "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb"},
        {counted_bytes('\x01', '\x19'), std::string(50, '\xcd'),
         "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
         "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
         "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"},
        {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
         "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
         "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"},
        {std::string(131, '\xaa'),
         "This is a test using a larger than block-size key and a larger than block-size data. The "
         "key needs to be hashed before being used by the HMAC algorithm.",
         "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
         "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
         "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58"},
    };
    return vectors;
}

TEST(Hmac, Rfc4231Vectors_ComeOut) {
    for (const vector& v : rfc4231()) {
        EXPECT_EQ(hmac_hex(hash_algorithm::sha256, v.key, v.message), v.sha256);
        EXPECT_EQ(hmac_hex(hash_algorithm::sha512, v.key, v.message), v.sha512);
        EXPECT_EQ(to_hex(hmac_sha256(bytes_of(v.key), bytes_of(v.message))), v.sha256);
    }
}

TEST(Hmac, Rfc2202VectorsOfSha1_ComeOut) {
    EXPECT_EQ(hmac_hex(hash_algorithm::sha1, std::string(20, '\x0b'), "Hi There"),
              "b617318655057264e28bc0b6fb378c8ef146be00");
    EXPECT_EQ(hmac_hex(hash_algorithm::sha1, "Jefe", "what do ya want for nothing?"),
              "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
}

TEST(Hmac, EmptyKey_IsNotTheKeyOfTheCallBefore) {
    constexpr std::string_view of_nothing =
        "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
    (void)hmac_hex(hash_algorithm::sha256, "another key", "");

    // A default-made view points to nothing, which is OpenSSL's "key of last time".
    EXPECT_EQ(hmac_hex(hash_algorithm::sha256, std::string_view(), ""), of_nothing);
}

TEST(Hmac, ThreadsWithTheirOwnKeys_DoNotDisturbEachOther) {
    std::vector<std::jthread> threads;
    std::vector<int> failures(4, 0);
    for (std::size_t t = 0; t < failures.size(); ++t) {
        threads.emplace_back([&failures, t] {
            const vector& v = rfc4231()[t];
            for (int i = 0; i < 2000; ++i) {
                failures[t] += hmac_hex(hash_algorithm::sha256, v.key, v.message) != v.sha256;
            }
        });
    }
    threads.clear(); // joins

    EXPECT_EQ(failures, std::vector<int>(4, 0));
}

} // namespace
} // namespace countersign::core
