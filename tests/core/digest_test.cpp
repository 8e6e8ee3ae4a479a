#include "core/crypto/digest.hpp"

#include "core/crypto/encoding.hpp"

#include <gtest/gtest.h>

namespace countersign::core {
namespace {

TEST(Digest, Sha256_OfThePublishedExamples) { // FIPS 180-4, the messages of RFC 6234 section 8.5
    EXPECT_EQ(to_hex(sha256({})),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(to_hex(sha256(bytes_of("abc"))),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(to_hex(sha256(bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

} // namespace
} // namespace countersign::core
