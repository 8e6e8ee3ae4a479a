#include "app/keys_command.hpp"

#include "store/file_lock.hpp"
#include "tests/app/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace countersign::app {
namespace {

class KeysCommand : public ::testing::Test {
protected:
    KeysCommand() { all.data_dir = directory.path() / "data"; }

    // What it printed, then the error.
    std::string run(const keys_options& options) {
        std::ostringstream out;
        const auto done = run_keys_command(options, all, out);
        return done ? out.str() : out.str() + "error: " + done.error().sentence;
    }
    std::string rotate(key_groups groups, bool is_staged = false) {
        return run({.what = keys_action::rotate, .groups = groups, .stage = is_staged});
    }
    std::string retire(key_groups groups = {}, bool now = false) {
        return run({.what = keys_action::retire, .groups = groups, .now = now});
    }
    std::size_t keys_that_are(key_state state) {
        const auto keys = key_file::load(all.data_dir);
        if (!keys) return 0;
        const auto described = keys->describe();
        return static_cast<std::size_t>(
            std::ranges::count(described, state, &key_description::state));
    }
    static constexpr std::size_t rings = core::token_kind_count + 2;
    static constexpr key_groups every{.tokens = true, .encryption = true, .pepper = true};

    tests::temporary_directory directory;
    settings all;
};

TEST_F(KeysCommand, Rotate_MakesKeysOfTheGroupsThatAreNamed) {
    const auto said = rotate({.encryption = true});
    EXPECT_TRUE(said.starts_with("encryption: ")) << said;
    EXPECT_NE(said.find("send SIGHUP"), std::string::npos);
    EXPECT_EQ(keys_that_are(key_state::old), 1U);
    (void)rotate({.tokens = true});
    EXPECT_EQ(keys_that_are(key_state::old), 1U + core::token_kind_count);
    EXPECT_EQ(tests::mode_of(all.data_dir / "keys.json"), 0600U);

    EXPECT_EQ(rotate({}), "error: say what to rotate: --tokens, --encryption, --pepper");
}

TEST_F(KeysCommand, StagedKeys_WaitUntilTheyAreActivated) {
    (void)rotate(every, true);
    EXPECT_EQ(keys_that_are(key_state::next), rings);
    EXPECT_EQ(keys_that_are(key_state::old), 0U);
    EXPECT_NE(rotate(every, true).find("has a key that is next"), std::string::npos);

    (void)run({.what = keys_action::rotate, .activate = true});

    EXPECT_EQ(keys_that_are(key_state::next), 0U);
    EXPECT_EQ(keys_that_are(key_state::old), rings);
    EXPECT_NE(run({.what = keys_action::rotate, .activate = true}).find("error: no key is next"),
              std::string::npos);
}

TEST_F(KeysCommand, Retire_KeepsKeysOfTokensAndMailsForTheirLives_AndDropsAnUnusedPepper) {
    (void)rotate(every);

    const auto said = retire();

    EXPECT_NE(said.find("tokens.access "), std::string::npos) << said;
    EXPECT_NE(said.find("tokens that it signed may be in use until"), std::string::npos) << said;
    EXPECT_NE(said.find("mails sealed under it may be in use until"), std::string::npos) << said;
    EXPECT_NE(said.find("error: 10 old keys stay"), std::string::npos) << said;
    EXPECT_EQ(keys_that_are(key_state::old), rings - 1);
    EXPECT_EQ(retire({.pepper = true}), "there is no old key\n");

    const auto done = retire({}, true);
    EXPECT_EQ(done.find("error"), std::string::npos) << done;
    EXPECT_EQ(keys_that_are(key_state::old), 0U);
    EXPECT_EQ(run({.what = keys_action::show}).find("error"), std::string::npos);
}

TEST_F(KeysCommand, Retire_DropsATokenKeyWhenTheLifeOfItsKindIsOver) {
    all.policy.tokens = {.access = core::seconds(0),
                         .refresh = core::seconds(3600),
                         .step_up = core::seconds(0),
                         .two_factor = core::seconds(0),
                         .totp_setup = core::seconds(0),
                         .email_verification = core::seconds(0),
                         .password_reset = core::seconds(0),
                         .user_session = core::seconds(0)};
    (void)rotate({.tokens = true});

    const auto said = retire();

    EXPECT_NE(said.find("tokens.refresh "), std::string::npos) << said;
    EXPECT_NE(said.find("tokens.session_cookie "), std::string::npos) << said;
    EXPECT_EQ(keys_that_are(key_state::old), 2U) << said;
}

TEST_F(KeysCommand, AnotherAlgorithm_HasToBeMeant) {
    (void)rotate({.tokens = true});
    all.token_algorithm = core::jws_algorithm::eddsa;
    EXPECT_NE(rotate({.tokens = true}).find("--change-algorithm"), std::string::npos);
    EXPECT_EQ(rotate({.encryption = true}).find("error"), std::string::npos);
    const auto said =
        run({.what = keys_action::rotate, .groups = {.tokens = true}, .change_algorithm = true});
    EXPECT_EQ(said.find("error"), std::string::npos) << said;
    EXPECT_EQ(key_file::load(all.data_dir)->access_algorithm(), core::jws_algorithm::eddsa);
}

TEST_F(KeysCommand, Show_SaysNoSecret) {
    (void)rotate({.pepper = true});
    const auto text = tests::read_all(all.data_dir / "keys.json");
    const auto shown = run({.what = keys_action::show, .count_use = true});
    EXPECT_TRUE(shown.starts_with("RING ")) << shown;
    EXPECT_NE(shown.find("HMAC-SHA256"), std::string::npos) << shown;
    EXPECT_NE(shown.find("nothing"), std::string::npos) << shown;
    constexpr std::string_view member = "\"key\":\"";
    for (auto at = text.find(member); at != std::string::npos; at = text.find(member, at + 1))
        EXPECT_EQ(shown.find(text.substr(at + member.size(), 43)), std::string::npos);
}

TEST_F(KeysCommand, TwoAtOnce_AreRefused) {
    (void)run({.what = keys_action::show});
    const auto lock = store::lock_file(all.data_dir / "keys.lock", std::chrono::seconds(1));
    ASSERT_TRUE(lock);
    EXPECT_EQ(rotate({.tokens = true}),
              "error: another `countersign keys` command is changing the keys");
    EXPECT_EQ(run({.what = keys_action::show}).find("error"), std::string::npos);
}

} // namespace
} // namespace countersign::app
