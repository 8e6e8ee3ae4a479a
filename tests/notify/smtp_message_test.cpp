#include "notify/smtp_message.hpp"

#include "tests/notify/sample_mail.hpp"

#include <gtest/gtest.h>

namespace countersign::tests {
namespace {

using notify::dot_stuffed;
using notify::is_sendable;

TEST(SmtpMessage, EveryMail_IsSendable) {
    for (const auto type : all_event_types()) {
        for (const auto* locale : {"en", "de", "ar", "ja"}) {
            auto event = sample_event(type, locale);
            event.name = event.label = event.browser = std::string(2000, 'x') + "\r.\n.\r\n.\r\n";
            auto identity = sample_identity();
            identity.app_name = std::string(100, 'x');
            EXPECT_TRUE(is_sendable(rendered(event, identity).mime));
        }
    }
}

TEST(SmtpMessage, WhatCouldBeReadAsAnotherMessage_IsNotSendable) {
    using std::string_view_literals::operator""sv;
    for (const auto text :
         {""sv, "a"sv, "a\n"sv, "a\r"sv, "a\r\nb"sv, "a\n.\nb\r\n"sv, "a\r.\rb\r\n"sv,
          "a\r\n.\nb\r\n"sv, "a\r\r\n"sv, "a\0b\r\n"sv, "a\r\n\n"sv}) {
        EXPECT_FALSE(is_sendable(text)) << text;
    }
    EXPECT_TRUE(is_sendable("a\r\n\r\n.\r\n"));
}

TEST(SmtpMessage, ALineOf998Octets_IsTheLongest) {
    EXPECT_TRUE(is_sendable(std::string(998, 'x') + "\r\n"));
    EXPECT_FALSE(is_sendable(std::string(999, 'x') + "\r\n"));
    EXPECT_FALSE(is_sendable("a\r\n" + std::string(999, 'x') + "\r\nb\r\n"));
}

TEST(SmtpMessage, ALeadingDot_IsDoubled) {
    EXPECT_EQ(dot_stuffed(".\r\n..\r\na.b\r\n\r\n.c\r\n"), "..\r\n...\r\na.b\r\n\r\n..c\r\n");
}

} // namespace
} // namespace countersign::tests
