#include "store/account_lifecycle.hpp"

#include "core/text.hpp"

#include <utility>

namespace countersign::store {

namespace asio = boost::asio;

awaitable<store_result<creation>> create_account(email_index& emails, accounts& accounts,
                                                 core::account fresh,
                                                 std::vector<core::event> events,
                                                 core::unix_time now) {
    // Before reserving: an id that exists must not take an address that its account does not have.
    const auto there = co_await accounts.load(fresh.id);
    if (!there) co_return there.error();
    if (there->has_value()) co_return creation::exists;

    const auto address = core::email_address::parse(fresh.email);
    const auto reserved = co_await emails.reserve(*address, fresh.id, now);
    if (!reserved) co_return reserved.error();
    if (!*reserved) co_return creation::email_taken;
    // Whatever comes of this, the reservation stays: a parallel call for the same id shares it.
    const auto created = co_await accounts.create(std::move(fresh), std::move(events));
    if (!created) co_return created.error();
    co_return *created ? creation::created : creation::exists;
}

awaitable<store_result<bool>> erase_account(email_index& emails, accounts& accounts,
                                            loaded_account seen, std::vector<core::event> events) {
    const auto id = seen.value.id;
    const auto address = core::email_address::parse(seen.value.email);
    // Looked up before erasing: an account that is created anew under the same id, as soon as this
    // one is gone, takes the address anew, and that entry must stay.
    const auto held = co_await emails.held_since(*address, id);
    if (!held) co_return held.error();
    const auto& since = *held;

    const auto erased = co_await accounts.erase(id, std::move(seen.version), std::move(events));
    if (!erased) co_return erased.error();
    if (!*erased) co_return false;
    if (since) (void)co_await emails.release(*address, id, since);
    co_return true;
}

awaitable<store_result<bool>> address_change::take(core::unix_time now) {
    const auto since = co_await emails_.held_since(previous_, id_);
    if (!since) co_return since.error();
    held_ = *since;
    co_return co_await emails_.reserve(next_, id_, now);
}

awaitable<void> address_change::finish(std::string replaced, core::unix_time now) {
    // Anew, because a move away from there that ran at the same time may have given it up.
    (void)co_await emails_.reserve(next_, id_, now);
    // Given up is only the entry that was there before: an address to which the account moves back
    // meanwhile stays its own.
    if (held_ && replaced == previous_.value())
        (void)co_await emails_.release(previous_, id_, *held_);
}

} // namespace countersign::store
