#include "store/metadata.hpp"

#include "tests/support/store_fixture.hpp"

#include <set>

namespace countersign::tests {
namespace {

using store::metadata;
using Metadata = store_fixture;

TEST_F(Metadata, TheFirstProposal_IsKeptForEver) {
    const auto first = run(store::read_or_create_metadata(*redis, {16, "aa"}));
    ASSERT_TRUE(first);
    EXPECT_EQ(first->partitions, 16);
    EXPECT_EQ(first->key_fingerprint, "aa");
    const auto second = run(store::read_or_create_metadata(*redis, {64, "bb"}));
    ASSERT_TRUE(second);
    EXPECT_EQ(second->partitions, 16);
    EXPECT_EQ(second->key_fingerprint, "aa");
}

TEST_F(Metadata, ANumberOfPartitionsThatIsNone_IsCorrupt) {
    for (const auto* number : {"0", "-1", "many", "16385", "16 "}) {
        ask({"HSET", "cs:meta", "partitions", number});
        EXPECT_EQ(run(store::read_or_create_metadata(*redis, {16, "aa"})).error(),
                  store::store_error::corrupt)
            << number;
    }
}

TEST(PartitionOf, AnAccount_IsWhereFnv1aPutsIt) {
    EXPECT_EQ(store::partition_of(core::account_id("a"), 1 << 14), 0xaf63dc4c8601ec8cU % (1 << 14));
    std::set<int> used;
    for (int i = 0; i < 1000; ++i)
        used.insert(store::partition_of(core::account_id("user_" + std::to_string(i)), 16));
    EXPECT_EQ(used.size(), 16U);
    EXPECT_EQ(*used.begin(), 0);
    EXPECT_EQ(*used.rbegin(), 15);
}

} // namespace
} // namespace countersign::tests
