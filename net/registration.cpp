#include "net/registration.hpp"

#include "store/account_lifecycle.hpp"

#include <utility>

namespace countersign::net {

awaitable<boost::system::result<std::optional<core::account>, evidence_failure>>
register_account(services& services, core::register_account command, std::string password) {
    // Hashed before the address is looked up: a taken address must cost the same.
    auto hash = co_await services.passwords.hash(std::move(password), services.random.bytes<16>());
    if (hash.has_error()) co_return evidence_failure{};
    command.password_hash = std::move(*hash);

    auto holder = co_await services.emails.find(command.email);
    if (holder.has_error()) co_return evidence_failure{holder.error()};
    if (holder->has_value()) {
        core::report_registration_attempt report{command.origin};
        auto id = (*holder)->value.id;
        const auto reported = co_await transact(services, std::move(id), std::move(report));
        if (reported.has_error()) co_return evidence_failure{reported.error()};
        co_return std::nullopt;
    }

    auto made = core::create(command, services.context, services.now());
    auto account = *made.next;
    const auto created =
        co_await store::create_account(services.emails, services.accounts, std::move(*made.next),
                                       std::move(made.events), services.now());
    if (created.has_error()) co_return evidence_failure{created.error()};
    // Taken in this very moment.
    if (*created != store::creation::created) co_return std::nullopt;
    co_return account;
}

} // namespace countersign::net
