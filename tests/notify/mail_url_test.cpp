#include "notify/mail_url.hpp"

#include <gtest/gtest.h>

namespace countersign::tests {
namespace {

using notify::parse_mail_url;

TEST(MailUrl, AllItsParts_AreRead) {
    const auto parsed = parse_mail_url("smtps://post%40box:p%3A%2Fw@mail.example.org:2465");
    ASSERT_TRUE(parsed);
    const auto& url = parsed.unsafe_value();
    EXPECT_TRUE(url.implicit_tls);
    EXPECT_EQ(url.user, "post@box");
    EXPECT_EQ(url.password.reveal(), "p:/w");
    EXPECT_EQ(url.host, "mail.example.org");
    EXPECT_EQ(url.port, 2465);
    EXPECT_FALSE(url.is_loopback());
}

TEST(MailUrl, WithoutAPort_HasTheSubmissionPort) {
    EXPECT_EQ(parse_mail_url("smtp://mail.example.org/").unsafe_value().port, 587);
    EXPECT_EQ(parse_mail_url("smtps://mail.example.org").unsafe_value().port, 465);
    EXPECT_EQ(parse_mail_url("smtp://[2001:db8::1]:25").unsafe_value().host, "2001:db8::1");
}

TEST(MailUrl, KnowsThisMachine) {
    for (const auto* text :
         {"smtp://localhost", "smtp://127.0.0.1:25", "smtp://127.8.9.1", "smtp://[::1]:2525"}) {
        EXPECT_TRUE(parse_mail_url(text).unsafe_value().is_loopback()) << text;
    }
    for (const auto* text : {"smtp://127.example.org", "smtp://localhost.example.org",
                             "smtp://10.0.0.1", "smtp://[::2]"}) {
        EXPECT_FALSE(parse_mail_url(text).unsafe_value().is_loopback()) << text;
    }
}

TEST(MailUrl, WhatItIsNot_IsSaidWithoutThePassword) {
    for (const auto* text : {"",
                             "http://x",
                             "smtp://",
                             "smtp://:25",
                             "smtp://h:0",
                             "smtp://h:99999",
                             "smtp://h:2x",
                             "smtp://h:",
                             "smtp://h/path",
                             "smtp://h?x",
                             "smtp://h#x",
                             "smtp://[::1",
                             "smtp://[::1]25",
                             "smtp://[h]",
                             "smtp://h h",
                             "smtp://u@h",
                             "smtp://:hunter2@h",
                             "smtp://u:hunter2%@h",
                             "smtp://u:hunter2%0d%0a@h",
                             "smtp://u:hunter2@",
                             "smtp://h\r\n"}) {
        const auto parsed = parse_mail_url(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().find("hunter2"), std::string::npos);
    }
}

TEST(MailUrl, ANulInAnAddress_IsRefused) {
    using std::string_view_literals::operator""sv;
    EXPECT_TRUE(parse_mail_url("smtp://[::1\0]:25"sv).has_error());
    EXPECT_TRUE(parse_mail_url("smtp://mail\0.example.org"sv).has_error());
}

} // namespace
} // namespace countersign::tests
