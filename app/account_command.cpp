#include "app/account_command.hpp"

#include "app/data_directory.hpp"
#include "app/logging.hpp"
#include "app/open_keys.hpp"
#include "app/redis_access.hpp"
#include "app/run_with_redis.hpp"
#include "app/system.hpp"
#include "app/text_table.hpp"
#include "core/decide/subjects.hpp"
#include "notify/mime.hpp"
#include "store/accounts.hpp"
#include "store/event_loop.hpp"

#include <algorithm>
#include <ostream>
#include <string>
#include <utility>

namespace countersign::app {

namespace asio = boost::asio;

namespace {

// Clients' own words go to a terminal: no control characters.
std::string shown(std::string_view text) {
    return text.empty() ? "-" : notify::one_line(text);
}

std::string both(const std::string& left, std::string_view between, const std::string& right) {
    if (left.empty() || right.empty()) return left + right;
    return left + std::string(between) + right;
}

// What else a row says: the factor, the token's name, addresses.
std::string details_of(const core::activity_row& row) {
    return both(both(row.method, " ", row.label), " ", both(row.old_email, " -> ", row.new_email));
}

void print_history(std::ostream& out, const std::vector<store::placed_activity>& history) {
    text_table table({"WHEN", "EVENT", "BY", "ADDRESS", "CLIENT", "DETAILS"});
    for (const auto& [place, row] : history)
        table.add({core::to_rfc3339(row.at), shown(row.what),
                   row.by.empty() ? "account" : shown(row.by), shown(row.ip),
                   shown(both(row.browser, " on ", row.os)), shown(details_of(row))});
    table.print(out);
}

problem problem_with(store::store_error error) {
    if (error == store::store_error::corrupt)
        return {"what is stored of the account cannot be read: the line in the log says where"};
    return redis_problem(error);
}

using printed = awaitable<fallible<void>>;

printed print_activity(store::accounts& accounts, const core::account& account, std::ostream& out) {
    const auto history = co_await accounts.activity(account.id, "", core::activity_rows_max);
    if (!history) co_return problem_with(history.error());
    print_history(out, *history);
    co_return fallible<void>();
}

printed print_document(store::accounts&, const core::account& account, std::ostream& out) {
    out << core::to_json(account) << '\n';
    co_return fallible<void>();
}

struct account_request {
    const std::string& account;
    const settings& all;
    std::ostream& out;
    printed (*print)(store::accounts&, const core::account&, std::ostream&);
};

printed perform(store::connection& redis, const account_request& request) {
    system_random random;
    const auto opened =
        co_await open_keys(request.all.data_dir, redis, random, request.all.token_algorithm);
    if (!opened) co_return opened.error();
    store::accounts accounts(redis, random, opened->data.partitions);
    const auto found = co_await accounts.load(core::account_of_subject(request.account));
    if (!found) co_return problem_with(found.error());
    if (!*found || !core::is_subject((*found)->value, request.account))
        co_return problem{"there is no such account or subject"};
    co_return co_await request.print(accounts, (*found)->value, request.out);
}

fallible<void> run(const invocation& call, const settings& all, std::ostream& out,
                   decltype(account_request::print) print) {
    if (!core::is_valid_subject(call.account))
        return problem{"ACCOUNT is an account's id, or what a backend calls a subject"};
    const logging log({std::max(all.log.level, log_level::warn), all.log.format});
    if (auto prepared = prepare_data_directory(all.data_dir); !prepared) return prepared;
    const auto redis = reach_redis(all, when_running::join);
    if (!redis) return redis.error();
    const account_request request{call.account, all, out, print};
    return run_with_redis(
        redis->address, "countersign-account",
        [&](store::connection& connection) { return perform(connection, request); });
}

} // namespace

fallible<void> run_activity_command(const invocation& call, const settings& all,
                                    std::ostream& out) {
    return run(call, all, out, print_activity);
}

fallible<void> run_account_command(const invocation& call, const settings& all, std::ostream& out) {
    return run(call, all, out, print_document);
}

} // namespace countersign::app
