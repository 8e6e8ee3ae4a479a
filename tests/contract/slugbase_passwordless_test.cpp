// Accounts without a password, which a backend made: the password is neither asked for nor looked
// at, and nobody logs in with one (contract sections 2.3 to 2.5).
#include "tests/contract/service.hpp"
#include "tests/contract/slugbase_world.hpp"

#include <gtest/gtest.h>

namespace countersign::tests {
namespace {

class SlugbasePasswordless : public testing::Test {
protected:
    SlugbasePasswordless() {
        who_.port = home_.server.port();
        who_.email = address_of(subject_);
        who_.bearer = text_in(json_of(backend_.open_session(subject_)), "accessToken");
        who_.window = slugbase_window;
    }

    world& home_ = slugbase_world();
    service_client backend_ = backend_of(home_);
    std::string subject_ = backend_.subject_without_factors();
    slugbase_client who_;
};

TEST_F(SlugbasePasswordless, Me_SaysSo) {
    const auto me = json_of(who_.call("GET", "/api/auth/me"));
    EXPECT_FALSE(me.at("has_password").as_bool());
    EXPECT_EQ(text_in(me, "email"), who_.email);
}

TEST_F(SlugbasePasswordless, NoPasswordIsAskedFor) {
    who_.enrol(slugbase_window);
    EXPECT_TRUE(who_.mfa_is_on());
    expect_backup_codes(who_.regenerate(who_.app.next(), true));
    expect_refusal(who_.disable(who_.app.wrong(), true), 400, "Invalid code", "INVALID_CODE");
    expect_reply(who_.disable(who_.app.next(), true), 200, R"({"ok":true})");
    EXPECT_FALSE(who_.mfa_is_on());
}

TEST_F(SlugbasePasswordless, OneThatIsSent_IsPassedOver) {
    who_.enrol(slugbase_window);
    expect_backup_codes(who_.regenerate(who_.app.next()));
    expect_reply(who_.disable(who_.backup_codes.at(0)), 200, R"({"ok":true})");
}

TEST_F(SlugbasePasswordless, Login_IsRefusedLikeAnyOther) {
    auto guest = who_.elsewhere();
    for (const auto* password : {"Correct-Horse-7", ""}) {
        guest.password = password;
        const auto response = guest.log_in();
        // The native family answers here.
        expect_error(response, 401, "INVALID_CREDENTIALS");
        EXPECT_EQ(response.header("Set-Cookie"), std::nullopt);
    }
    auto& home = world::with({{"api.families", "slugbase,service"}});
    const auto backend = backend_of(home);
    guest.port = home.server.port();
    guest.email = address_of(backend.subject_without_factors());
    guest.password = "Correct-Horse-7";
    expect_refusal(guest.log_in(), 401, "Invalid email or password");
}

TEST_F(SlugbasePasswordless, TwoDevicesOfTheBackend_GoTogether) {
    auto first = backend_.enrol(subject_, slugbase_window);
    auto second = backend_.enrol(subject_, slugbase_window);
    const auto opened = backend_.open_session(subject_, proof_body(second.app.next()));
    who_.bearer = text_in(json_of(opened), "accessToken");
    ASSERT_TRUE(who_.mfa_is_on());

    expect_reply(who_.disable(first.app.next(), true), 200, R"({"ok":true})");

    EXPECT_FALSE(who_.mfa_is_on());
    EXPECT_FALSE(json_of(backend_.verify(subject_, second.app.next())).at("verified").as_bool());
}

} // namespace
} // namespace countersign::tests
