#include "core/event.hpp"
#include "core/result.hpp"

#include <gtest/gtest.h>

#include <set>

namespace countersign::core {
namespace {

event full_event() {
    return {.id = event_id("0123456789abcdef0123456789abcdef"),
            .type = event_type::email_changed,
            .account = account_id("user_1"),
            .at = unix_time(milliseconds(1'800'000'000'123)),
            .recipients = {"old@example.org", "new@example.org"},
            .name = "Zo\xc3\xab \"the\" \\ <b>\n",
            .locale = "de-AT",
            .method = "totp",
            .label = "phone",
            .ip = "2001:db8::1",
            .browser = "Firefox",
            .os = "Linux",
            .old_email = "old@example.org",
            .new_email = "new@example.org",
            .remaining_codes = 5,
            .sealed_secret = "key.secret",
            .expires_at = unix_time(milliseconds(1'800'000'600'123))};
}

TEST(Event, JsonRoundTrip_LosesNothing) {
    for (std::size_t number = 0; number < event_type_count; ++number) {
        auto full = full_event();
        full.type = static_cast<event_type>(number);
        EXPECT_EQ(event_from_json(to_json(full)).value(), full);

        const event bare{.id = full.id, .type = full.type, .account = full.account};
        EXPECT_EQ(event_from_json(to_json(bare)).value(), bare);
    }
}

TEST(Event, Json_IsOneLine) {
    EXPECT_EQ(to_json(full_event()).find('\n'), std::string::npos);
}

TEST(Event, Names_AreDistinctAndReadBack) {
    std::set<std::string_view> names;
    for (std::size_t number = 0; number < event_type_count; ++number) {
        const auto type = static_cast<event_type>(number);
        EXPECT_EQ(event_type_from(to_string(type)), type);
        names.insert(to_string(type));
    }
    EXPECT_EQ(names.size(), event_type_count);
    EXPECT_EQ(event_type_from("unheard_of"), std::nullopt);
}

TEST(Event, OnlyMailsThatDieWithTheirDeadline_AreInTheCodeLane) {
    const std::set codes{event_type::one_time_code, event_type::email_verification,
                         event_type::password_reset, event_type::email_verification_code,
                         event_type::password_reset_code};
    for (std::size_t number = 0; number < event_type_count; ++number) {
        const auto type = static_cast<event_type>(number);
        EXPECT_EQ(lane_of(type), codes.contains(type) ? mail_lane::code : mail_lane::alert);
    }
}

TEST(Event, TextThatIsNoEvent_IsRefused) {
    for (const auto* text :
         {"", "[]", "{", "7", R"({"type":7})", R"({"type":"new_login"})",
          R"({"type":"new_login","id":"1"})", R"({"type":"new_login","id":"1","account":2})",
          R"({"type":"new_login","id":"1","account":"user_1","recipients":"a@b.c"})",
          R"({"type":"new_login","id":"1","account":"user_1","at":"noon"})"})
        EXPECT_EQ(event_from_json(text).error(), event_error::malformed) << text;
    EXPECT_EQ(event_from_json(R"({"type":"of_the_future","id":"1","account":"user_1"})").error(),
              event_error::unknown_type);
}

TEST(Event, SecretContext_TellsAccountsAndTypesApart) {
    std::set<std::string> contexts;
    for (const auto* account : {"user_1", "user_2"})
        for (const auto type : {event_type::one_time_code, event_type::password_reset})
            contexts.insert(secret_context(account_id(account), type));
    EXPECT_EQ(contexts.size(), 4u);
}

} // namespace
} // namespace countersign::core
