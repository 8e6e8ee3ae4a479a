// The stored form of an account: what is read is written to what reads back the same, and an
// account that keeps the invariants keeps them through it.
#include "core/account.hpp"
#include "tests/fuzz/target.hpp"

namespace countersign::fuzz {
namespace {

// An optional time that is the epoch itself is written as if there were none: no clock of ours says
// it.
void drop_epoch(std::optional<core::unix_time>& time) {
    if (time == core::unix_time()) time.reset();
}

void account_document(std::string_view input) {
    auto read = core::account_from_document(input);
    if (read.has_error()) return;
    drop_epoch(read->email_factor_since);
    for (auto& session : read->sessions)
        drop_epoch(session.second_factor_at);
    const auto document = core::to_document(*read);
    const auto again = core::account_from_document(document);
    require(again.has_value(), "what is written can be read");
    require(*again == *read, "an account reads back as it was");
    require(core::to_document(*again) == document, "an account has one document");
    const auto shown = core::account_from_document(core::to_json(*read));
    require(shown.has_value() && *shown == *read, "and reads back the same from JSON");

    const auto broken = core::check_invariants(*read);
    require(broken == core::check_invariants(*again), "the invariants see no difference");
    (void)core::notice_due(*read);
    if (broken) return;
    auto renamed = *read;
    core::set_name(renamed, core::name_of(*read));
    require(!core::check_invariants(renamed), "a name in two parts keeps the invariants");
}

const registration here("account_document", account_document);

} // namespace
} // namespace countersign::fuzz
