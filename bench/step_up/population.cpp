#include "bench/step_up/population.hpp"

#include "app/key_file.hpp"
#include "app/open_keys.hpp"
#include "app/redis_access.hpp"
#include "app/run_with_redis.hpp"
#include "app/system.hpp"
#include "core/account.hpp"
#include "core/crypto/encoding.hpp"
#include "core/decide/evidence.hpp"
#include "store/accounts.hpp"
#include "store/managed_redis.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace countersign::bench {

namespace asio = boost::asio;

namespace {

constexpr std::size_t writers = 256;

struct person {
    core::account_id id;
    core::session_id session;
    std::vector<core::challenge_id> challenges;
    core::secret_bytes secret;
    core::totp_step last_used{};
};

awaitable<void> write_some(store::accounts& accounts, const std::vector<core::account>& all,
                           std::size_t& next) {
    while (next < all.size()) {
        const auto written = co_await accounts.create(all[next++], {});
        if (!written || !*written) throw std::runtime_error("an account could not be written");
    }
}

} // namespace

struct population::impl {
    app::system_random random;
    app::opened_keys opened;
    core::token_service tokens;
    std::vector<person> people;

    impl(app::opened_keys keys, const std::string& audience)
        : opened(std::move(keys)), tokens(opened.keys.token_keys(), audience) {}

    core::account make(const core::key_ring& keys, int rounds, core::unix_time now) {
        person one{.id = core::make_account_id(random),
                   .session = core::session_id(random.uuid()),
                   .secret = core::make_totp_secret(random)};
        core::account account;
        account.id = one.id;
        account.email = one.id.value() + "@example.org";
        account.name = "Benchmark";
        account.password_hash = "$argon2id$none";
        account.created_at = now;
        account.last_active = now;
        core::totp_device device{.id = core::factor_id("totp_" + random.hex(16)), .label = "bench"};
        device.sealed_secret =
            keys.seal(core::text_of(one.secret.reveal()),
                      core::totp_secret_context(account.id, device.id), random.bytes<12>());
        device.enrolled_at = now;
        account.totp.push_back(std::move(device));
        account.preferred = core::factor_method::totp;
        account.sessions.push_back({.id = one.session,
                                    .refresh_hash = random.hex(32),
                                    .client = {.ip = "127.0.0.1", .browser = "bench"},
                                    .created_at = now,
                                    .last_seen = now,
                                    .expires_at = now + core::seconds(86'400)});
        for (int round = 0; round < rounds; ++round) {
            one.challenges.emplace_back(random.hex(16));
            account.challenges.push_back({.id = one.challenges.back(),
                                          .purpose = core::challenge_purpose::step_up,
                                          .session = one.session,
                                          .expires_at = now + core::seconds(3'600)});
        }
        people.push_back(std::move(one));
        return account;
    }

    std::string request_of(person& one, int round, core::unix_time now) {
        const core::totp_parameters parameters;
        const auto earliest = core::step_at(now, parameters).value - 1;
        one.last_used.value = std::max(one.last_used.value + 1, earliest);
        const auto code = core::totp_code(one.secret.reveal(), parameters, one.last_used);
        core::token_claims claims{.subject = one.id, .session = one.session, .id = random.hex(16)};
        claims.issued_at = now;
        claims.expires_at = now + core::seconds(900);
        const auto access = tokens.issue(core::token_kind::access, claims);
        claims.session = core::session_id();
        claims.id = one.challenges[static_cast<std::size_t>(round)].value();
        claims.purpose = core::challenge_purpose::step_up;
        const auto pending = tokens.issue(core::token_kind::two_factor, claims);
        const auto body = "{\"totp\":\"" + code + "\"}";
        return "POST /api/auth/2fa/step-up HTTP/1.1\r\nHost: localhost\r\n"
               "Content-Type: application/json\r\nAuthorization: Bearer " +
               access + "\r\nX-Two-Factor-Authentication-Token: " + pending +
               "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
};

population::population(const std::filesystem::path& data_dir, const std::string& audience,
                       std::size_t count, int rounds) {
    const auto redis = store::managed_redis_address(data_dir / "redis");
    app::system_random random;
    auto opened = app::run_with_redis(redis, "bench", [&](store::connection& connection) {
        return app::open_keys(data_dir, connection, random);
    });
    if (!opened) throw std::runtime_error(opened.error().sentence);
    impl_ = std::make_unique<impl>(*std::move(opened), audience);

    const auto keys = impl_->opened.keys.encryption_keys();
    const auto now = app::system_clock_now();
    std::vector<core::account> all;
    all.reserve(count);
    for (std::size_t index = 0; index < count; ++index)
        all.push_back(impl_->make(keys, rounds, now));

    asio::io_context context(1);
    store::connection connection(context.get_executor(),
                                 {.address = redis, .deadline = std::chrono::seconds(10)});
    connection.start();
    store::accounts accounts(connection, random, impl_->opened.data.partitions);
    std::size_t next = 0;
    std::size_t running = writers;
    std::exception_ptr failure;
    for (std::size_t writer = 0; writer < writers; ++writer)
        asio::co_spawn(context, write_some(accounts, all, next), [&](std::exception_ptr thrown) {
            if (thrown) failure = thrown;
            if (--running == 0) connection.stop();
        });
    context.run();
    if (failure) std::rethrow_exception(failure);
}

population::~population() = default;

std::vector<std::string> population::step_ups(int round) {
    const auto now = app::system_clock_now();
    std::vector<std::string> requests;
    requests.reserve(impl_->people.size());
    for (auto& one : impl_->people)
        requests.push_back(impl_->request_of(one, round, now));
    return requests;
}

} // namespace countersign::bench
