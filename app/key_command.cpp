#include "app/key_command.hpp"

#include "app/data_directory.hpp"
#include "app/logging.hpp"
#include "app/open_keys.hpp"
#include "app/redis_access.hpp"
#include "app/run_with_redis.hpp"
#include "app/system.hpp"
#include "core/text.hpp"
#include "store/connection.hpp"
#include "store/event_loop.hpp"
#include "store/service_keys.hpp"

#include <algorithm>
#include <iomanip>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::app {

namespace asio = boost::asio;

namespace {

void print_keys(std::ostream& out, const std::vector<store::service_key>& keys) {
    std::size_t name_width = 4, scopes_width = 6;
    for (const auto& key : keys) {
        name_width = std::max(name_width, key.name.size());
        scopes_width = std::max(scopes_width, to_text(key.scopes).size());
    }
    const auto row = [&](std::string_view id, std::string_view name, std::string_view scopes,
                         std::string_view created) {
        out << std::left << std::setw(16) << id << "  " << std::setw(static_cast<int>(name_width))
            << name << "  " << std::setw(static_cast<int>(scopes_width)) << scopes << "  "
            << created << '\n';
    };
    row("ID", "NAME", "SCOPES", "CREATED");
    for (const auto& key : keys)
        row(key.id, key.name, to_text(key.scopes), key.created);
}

problem problem_with_keys(store::store_error error) {
    if (error == store::store_error::corrupt)
        return {"the entry of a service key in Redis is corrupt: the line in the log says which"};
    return redis_problem(error);
}

struct key_request {
    const invocation& call;
    std::vector<store::service_scope> scopes; // of key create
    const settings& all;
    std::ostream& out;
};

awaitable<fallible<void>> perform(store::connection& redis, const key_request& request) {
    system_random random;
    const auto opened =
        co_await open_keys(request.all.data_dir, redis, random, request.all.token_algorithm);
    if (!opened) co_return opened.error();
    const auto hasher = opened->keys.code_hasher();
    store::service_keys keys(redis, hasher);
    switch (request.call.what) {
    case command::key_create: {
        const auto made =
            co_await keys.create(request.call.key_name, request.scopes, random, system_clock_now());
        if (!made)
            co_return problem{problem_with_keys(made.error()).sentence + " (a service key named " +
                              request.call.key_name + " may be listed: revoke it)"};
        request.out << made->key.reveal() << '\n';
        break;
    }
    case command::key_list: {
        const auto listed = co_await keys.list();
        if (!listed) co_return problem_with_keys(listed.error());
        print_keys(request.out, *listed);
        break;
    }
    case command::key_revoke: {
        const auto revoked = co_await keys.revoke(request.call.key_id);
        if (!revoked) co_return problem_with_keys(revoked.error());
        if (!*revoked) co_return problem{"there is no service key " + request.call.key_id};
        break;
    }
    case command::serve:
    case command::notify:
    case command::keys:
    case command::import_subjects:
    case command::mail:
    case command::activity:
    case command::account:
    case command::config_check:
        break; // not key commands
    }
    co_return fallible<void>();
}

} // namespace

fallible<void> run_key_command(const invocation& call, const settings& all, std::ostream& out) {
    key_request request{call, {}, all, out};
    if (call.what == command::key_create) {
        auto scopes = store::parse_scopes(call.key_scopes);
        if (scopes.has_error()) return problem{"--scopes: " + scopes.error()};
        request.scopes = std::move(scopes).unsafe_value();
        if (!core::is_valid_display_name(call.key_name))
            return problem{"--name must be 1 to 100 characters without control characters"};
    }
    // Its standard output is for keys, and its standard error for what needs attention.
    const logging log({std::max(all.log.level, log_level::warn), all.log.format});
    if (auto prepared = prepare_data_directory(all.data_dir); !prepared) return prepared;
    const auto redis = reach_redis(all, when_running::join);
    if (!redis) return redis.error();
    return run_with_redis(redis->address, "countersign-key", [&](store::connection& connection) {
        return perform(connection, request);
    });
}

} // namespace countersign::app
