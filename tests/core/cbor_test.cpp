// What authenticators write, and what only looks like it (RFC 8949).
#include "core/crypto/cbor.hpp"

#include "core/crypto/encoding.hpp"

#include <gtest/gtest.h>

#include <string>

namespace countersign::core {
namespace {

std::vector<std::byte> hex(std::string_view digits) {
    return from_hex(digits).value();
}

TEST(Cbor, ItemsOfEveryKind_AreReadAsTheStandardsExamplesSay) {
    const auto text = hex("6449455446");
    EXPECT_EQ(cbor_reader(text).text(), "IETF");
    const auto bytes = hex("4401020304");
    EXPECT_EQ(to_hex(cbor_reader(bytes).byte_string().value()), "01020304");
    for (const auto& [written, value] : {std::pair{"00", std::int64_t{0}},
                                         {"17", 23},
                                         {"1818", 24},
                                         {"1903e8", 1000},
                                         {"1a000f4240", 1'000'000},
                                         {"1b000000e8d4a51000", 1'000'000'000'000},
                                         {"20", -1},
                                         {"3863", -100},
                                         {"3903e7", -1000}}) {
        const auto number = hex(written);
        EXPECT_EQ(cbor_reader(number).integer(), value) << written;
    }
}

TEST(Cbor, AWholeItem_IsTakenWithAllThatItContains) {
    // {1: [true, null, 1.5], "a": h'00'}, and one more byte.
    const auto written = hex("a20183f5f6f93e0061614100"
                             "ff");
    cbor_reader in(written);
    EXPECT_EQ(in.item().value().size(), written.size() - 1);
    EXPECT_EQ(in.rest().size(), 1u);
    EXPECT_FALSE(in.at_end());
}

TEST(Cbor, WhatIsCutShort_IsNoItem) {
    const auto whole = hex("a20183f5f6f93e0061614100");
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_FALSE(cbor_reader(std::span(whole).first(size)).item()) << size;
}

TEST(Cbor, LengthsThatAreNotThere_AreRefusedBeforeAnythingIsReserved) {
    for (const auto* written :
         {"5bffffffffffffffff", "7bffffffffffffffff", "9bffffffffffffffff", "bbffffffffffffffff",
          "bb7fffffffffffffff", "9affffffff00", "a101", "8201"})
        EXPECT_FALSE(cbor_reader(hex(written)).item()) << written;
    EXPECT_FALSE(cbor_reader(hex("bb7fffffffffffffff0000")).map());
    EXPECT_FALSE(cbor_reader(hex("1bffffffffffffffff")).integer());
}

TEST(Cbor, WhatAuthenticatorsDoNotWrite_IsRefused) {
    for (const auto* written : {"9fff", "bfff", "5fff", "7fff", "c100", "1c", "fc"})
        EXPECT_FALSE(cbor_reader(hex(written)).item()) << written;
    EXPECT_TRUE(cbor_reader(hex("818181818181818100")).item());
    EXPECT_FALSE(cbor_reader(hex("81818181818181818100")).item()) << "too deep";
}

TEST(Cbor, AnotherKind_IsNotTheOneThatWasAskedFor) {
    const auto text = hex("6449455446"), number = hex("01"), map = hex("a0");
    EXPECT_FALSE(cbor_reader(text).byte_string());
    EXPECT_FALSE(cbor_reader(text).integer());
    EXPECT_FALSE(cbor_reader(number).text());
    EXPECT_FALSE(cbor_reader(number).map());
    EXPECT_EQ(cbor_reader(map).map(), 0u);
}

} // namespace
} // namespace countersign::core
