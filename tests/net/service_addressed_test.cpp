// A command to a subject never reaches another account that merely has the id.
#include "net/families/service/call.hpp"

#include "core/decide/factors.hpp"
#include "tests/core/account_builder.hpp"

namespace countersign::tests {
namespace {

class ServiceAddressed : public decide_test {};

TEST_F(ServiceAddressed, CommandToASubject_DecidesNothingOnAnAccountOfAnotherOne) {
    user.id = core::account_of_subject("ours");
    user.subject = "theirs";
    user.email_factor_since = now;
    user.preferred = core::factor_method::email;
    const net::service::addressed<core::reset_second_factor> to{"ours", {}};
    const auto made = net::service::decide(user, to, context(), now);
    ASSERT_TRUE(made.outcome.has_value());
    EXPECT_FALSE(made.outcome->has_value());
    EXPECT_FALSE(made.next);
    EXPECT_TRUE(made.events.empty());

    user.subject = "ours";
    EXPECT_TRUE(net::service::decide(user, to, context(), now).outcome->has_value());
}

TEST_F(ServiceAddressed, AccountsId_MeansItWhateverItsSubject) {
    user.subject = "theirs";
    EXPECT_TRUE(core::is_subject(user, user.id.value()));
    EXPECT_TRUE(core::is_subject(user, "theirs"));
    EXPECT_FALSE(core::is_subject(user, "ours"));
    user.subject.clear();
    EXPECT_TRUE(core::is_subject(user, user.id.value()));
    EXPECT_FALSE(core::is_subject(user, ""));
}

} // namespace
} // namespace countersign::tests
