#include "tests/support/stored_accounts.hpp"

#include "store/accounts.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/store_fixture.hpp"

#include <stdexcept>
#include <vector>

namespace countersign::tests {

namespace {

std::vector<store::reply_value> items_of(const store::store_result<store::reply_value>& reply) {
    if (!reply || reply->list() == nullptr) throw std::runtime_error("Redis does not answer");
    return *reply->list();
}

} // namespace

std::map<std::string, std::string> stored_accounts(const store::redis_address& address) {
    boost::asio::io_context context(1);
    test_connection redis(context, {.address = address});
    std::map<std::string, std::string> all;
    std::string cursor = "0";
    do {
        std::vector<std::string> scan{"SCAN",  cursor, "MATCH", store::accounts::key_pattern,
                                      "COUNT", "1000"};
        const auto page = items_of(run_coroutine(context, redis->command(std::move(scan))));
        cursor = *page.at(0).text();

        std::vector<awaitable<store::store_result<store::reply_value>>> reads;
        const auto& keys = *page.at(1).list();
        for (const auto& key : keys) {
            std::vector<std::string> read{"HGETALL", *key.text()};
            reads.push_back(redis->command(std::move(read)));
        }
        const auto replies = run_coroutines(context, std::move(reads));
        for (std::size_t i = 0; i < keys.size(); ++i) {
            auto& account = all[*keys[i].text()];
            account.clear();
            for (const auto& field : items_of(replies[i]))
                account += *field.text() + '\n';
        }
    } while (cursor != "0");
    return all;
}

} // namespace countersign::tests
