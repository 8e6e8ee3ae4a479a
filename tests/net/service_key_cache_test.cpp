// What a worker remembers of service keys, and for how long.
#include "net/families/service/key_cache.hpp"

#include "tests/core/seeded_random.hpp"
#include "tests/support/store_fixture.hpp"

#include <thread>

namespace countersign::tests {
namespace {

using net::service::key_cache;

class ServiceKeyCache : public store_fixture {
protected:
    awaitable<void> create_into(std::string& out) {
        auto made = co_await keys.create("shop", {store::service_scope::verify}, random,
                                         core::unix_time(core::seconds(1'767'323'045)));
        if (!made) co_return;
        out = made->key.reveal();
        id = made->id;
    }
    std::string create() {
        std::string key;
        run(create_into(key));
        return key;
    }
    // The id of the key as the store has it, "" if it has none.
    std::string find(std::string_view presented) {
        const auto found = run(cache.find(presented));
        return found.has_value() && *found ? (*found)->id : "";
    }

    seeded_random random{20260104};
    core::code_hasher hasher{core::secret_key(random.bytes<32>())};
    store::service_keys keys{*redis, hasher};
    key_cache cache{keys, random};
    std::string id; // of the key made last
};

TEST_F(ServiceKeyCache, KeyThatWasFound_IsRemembered_ForASecond) {
    const auto key = create();
    EXPECT_EQ(cache.recall(key), nullptr);
    EXPECT_EQ(find(key), id);
    ASSERT_NE(cache.recall(key), nullptr);
    EXPECT_EQ(cache.recall(key)->id, id);
    EXPECT_EQ(cache.recall(key + "x"), nullptr);
    EXPECT_EQ(cache.recall(""), nullptr);

    EXPECT_TRUE(*run(keys.revoke(id)));
    EXPECT_NE(cache.recall(key), nullptr);
    std::this_thread::sleep_for(key_cache::life);
    EXPECT_EQ(cache.recall(key), nullptr);
    EXPECT_EQ(find(key), "");
    EXPECT_EQ(cache.recall(key), nullptr);
}

TEST_F(ServiceKeyCache, KeyThatIsNone_IsAskedForEachTime) {
    const std::string unknown = "csk_" + std::string(43, 'A');
    EXPECT_EQ(find(unknown), "");
    EXPECT_EQ(cache.recall(unknown), nullptr);
}

TEST_F(ServiceKeyCache, BeyondItsSize_ForgetsRatherThanGrows) {
    const auto first = create();
    EXPECT_NE(find(first), "");
    std::string last;
    for (std::size_t count = 0; count < key_cache::size_max; ++count) {
        last = create();
        EXPECT_NE(find(last), "");
    }
    EXPECT_EQ(cache.recall(first), nullptr);
    EXPECT_NE(cache.recall(last), nullptr);
}

} // namespace
} // namespace countersign::tests
