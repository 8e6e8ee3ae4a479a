#include "store/subject_import.hpp"

#include <utility>

namespace countersign::store {

namespace asio = boost::asio;

namespace {

constexpr int tries_max = 3; // somebody else made or erased the account meanwhile

} // namespace

awaitable<store_result<import_status>>
import_subject(accounts& accounts, email_index& emails, const core::context& context,
               core::random_source& random, const core::import_line& line, core::unix_time now) {
    const auto id = core::account_of_subject(line.subject);
    for (int tries = 0; tries < tries_max; ++tries) {
        const auto there = co_await accounts.load(id);
        if (!there) co_return there.error();
        if (there->has_value()) {
            const bool covered = core::is_covered_by(line, (*there)->value, context);
            co_return covered ? import_status::unchanged : import_status::differs;
        }
        if (core::names_an_account(line.subject)) co_return import_status::differs;
        auto made = core::create(core::command_of(line, context, random), context, now);
        const auto outcome = co_await create_account(emails, accounts, *std::move(made.next),
                                                     std::move(made.events), now);
        if (!outcome) co_return outcome.error();
        switch (*outcome) {
        case creation::created:
            co_return import_status::created;
        case creation::email_taken:
            co_return import_status::email_taken;
        case creation::exists:
            break;
        }
    }
    co_return store_error::contention;
}

} // namespace countersign::store
