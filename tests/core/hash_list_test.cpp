#include "core/hash_list.hpp"

#include <gtest/gtest.h>

namespace countersign::core {
namespace {

using texts = std::vector<std::string>;

const texts some{"AAAAAAAAAAAAAAAAAAAAAA", "k2.BBBBBBBBBBBBBBBBBBBBBA",
                 "k2.AAAAAAAAAAAAAAAAAAAAAA"};

texts spelt(const hash_list& list) {
    return {list.begin(), list.end()};
}

hash_list taken(std::string_view items, std::uint64_t count) {
    hash_list list;
    cbor_reader in(bytes_of(items));
    EXPECT_TRUE(list.take(in, count));
    EXPECT_TRUE(in.at_end());
    return list;
}

TEST(HashList, SpellsWhatWasPutIn) {
    const hash_list list(some);
    EXPECT_EQ(list.size(), 3u);
    EXPECT_FALSE(list.empty());
    EXPECT_EQ(spelt(list), some);
    EXPECT_EQ(list.items().size(),
              18u + 20u + 20u); // a head, the name's length, the name, 16 bytes
    EXPECT_TRUE(spelt(hash_list()).empty());
}

TEST(HashList, TextOfAnotherForm_StaysAsItIs) {
    const texts odd{"not base64url!",
                    "k.not base64url!",
                    ".AAAA",
                    "A",
                    "",
                    std::string(300, 'n') + ".AAAA",
                    "k.",
                    "AAAAB", // bits that no byte has
                    std::string(70'000, 'A')};
    EXPECT_EQ(spelt(hash_list(odd)), odd);
    EXPECT_EQ(taken(hash_list(odd).items(), odd.size()), hash_list(odd));
}

TEST(HashList, Erased_LeavesTheOthers) {
    for (std::size_t place = 0; place < some.size(); ++place) {
        hash_list list(some);
        list.erase(place);
        auto left = some;
        left.erase(left.begin() + static_cast<std::ptrdiff_t>(place));
        EXPECT_EQ(spelt(list), left) << place;
        EXPECT_EQ(list, hash_list(left)) << place;
    }
    hash_list list(some);
    list.clear();
    EXPECT_EQ(list, hash_list());
}

TEST(HashList, IsTakenAsItWasStored) {
    EXPECT_EQ(taken(hash_list(some).items(), 3), hash_list(some));
    // A head that is longer than it must be, and a text that could be bytes: the same list.
    EXPECT_EQ(taken(std::string_view("\x58\x03\x00\x01\x02", 5), 1), hash_list(texts{"AQI"}));
    EXPECT_EQ(taken("\x63"
                    "AQI",
                    1),
              hash_list(texts{"AQI"}));
}

TEST(HashList, WhatIsNoList_IsRefused) {
    using namespace std::string_view_literals;
    for (const auto items :
         {""sv, "\x41"sv, "\x40"sv, "\x41\x01"sv, "\x42\x02k"sv, "\x01"sv, "\x61\xff"sv,
          "\x43\x01\xff\x00"sv, "\x5b\xff\xff\xff\xff\xff\xff\xff\xff"sv}) {
        hash_list list;
        cbor_reader in(bytes_of(items));
        EXPECT_FALSE(list.take(in, 1)) << ::testing::PrintToString(items);
    }
    const hash_list three(some);
    hash_list list;
    cbor_reader in(bytes_of(three.items()));
    EXPECT_FALSE(list.take(in, 4));
}

} // namespace
} // namespace countersign::core
