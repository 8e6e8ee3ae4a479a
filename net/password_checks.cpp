#include "net/password_checks.hpp"

namespace countersign::net {

awaitable<boost::system::result<core::password_check, overload>>
check_password(services& services, const core::account* account, std::string password) {
    const bool known = account != nullptr && !account->password_hash.empty();
    auto hash = known ? account->password_hash : services.passwords.dummy();
    auto verdict = co_await services.passwords.verify(std::move(password), hash);
    if (verdict.has_error()) co_return verdict.error();
    const bool matched = known && verdict->matched;
    co_return core::password_check{.hash_checked_against = std::move(hash),
                                   .matched = matched,
                                   .replacement =
                                       matched ? std::move(verdict->replacement) : std::string()};
}

} // namespace countersign::net
