#include "tests/notify/smtp_helpers.hpp"

#include <gtest/gtest.h>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;
using notify::failure_kind;

TEST(SmtpTransport, AMail_ArrivesByteForByte) {
    const smtp_sink sink;
    notify::smtp_transport transport(options_for(sink.url()));
    auto mail = sample();
    mail.mime += ".\r\n..\r\n.leading\r\n";
    ASSERT_TRUE(transport.submit(mail).has_value());
    ASSERT_TRUE(sink.wait_for(1, 5s));
    const auto received = sink.mails().front();
    EXPECT_EQ(received.from, "security@countersign.example");
    EXPECT_EQ(received.to, "ada@example.org");
    EXPECT_EQ(received.data, mail.mime);
}

TEST(SmtpTransport, TheConnection_IsKeptBetweenMails) {
    const smtp_sink sink;
    notify::smtp_transport transport(options_for(sink.url()));
    for (int index = 0; index < 5; ++index) {
        ASSERT_TRUE(transport.submit(sample()).has_value());
    }
    EXPECT_EQ(sink.mails().size(), 5U);
    EXPECT_EQ(sink.connections(), 1);
}

TEST(SmtpTransport, ARefusedRecipient_DoesNotSpoilTheNextMail) {
    smtp_sink_options options;
    options.cue = failing("RCPT TO:<gone@", "550 5.1.1 <gone@example.org> unknown");
    const smtp_sink sink(std::move(options));
    notify::smtp_transport transport(options_for(sink.url()));
    auto gone = sample();
    gone.to = "gone@example.org";
    const auto outcome = transport.submit(gone);
    ASSERT_FALSE(outcome.has_value());
    EXPECT_EQ(outcome.error().kind, failure_kind::permanent_recipient);
    EXPECT_EQ(outcome.error().reason, "RCPT: 550 5.1.1 [address] unknown");
    EXPECT_TRUE(transport.submit(sample()).has_value());
    EXPECT_EQ(sink.mails().size(), 1U);
}

TEST(SmtpTransport, ANobodyOrASilentRelay_IsAFaultOfTheRelay) {
    std::uint16_t port = 0;
    {
        port = smtp_sink().port();
    }
    EXPECT_EQ(failure_of(options_for("smtp://127.0.0.1:" + std::to_string(port))).kind,
              failure_kind::relay);
    smtp_sink_options silent;
    silent.cue = doing("CONNECT", {.delay = 2s});
    const smtp_sink sink(std::move(silent));
    auto options = options_for(sink.url());
    options.deadlines.connect = 500ms;
    EXPECT_EQ(failure_of(std::move(options)).kind, failure_kind::relay);
}

TEST(SmtpTransport, UserAndPassword_AreUsed) {
    smtp_sink_options options;
    options.offer_auth = true;
    const smtp_sink sink(std::move(options));
    const std::string host = "127.0.0.1:" + std::to_string(sink.port());
    notify::smtp_transport right(options_for("smtp://user:pass%20word@" + host));
    EXPECT_TRUE(right.submit(sample()).has_value());
    const auto wrong = failure_of(options_for("smtp://user:hunter2@" + host));
    EXPECT_EQ(wrong.kind, failure_kind::relay);
    EXPECT_EQ(wrong.reason, "AUTH: 535 5.7.8 no");
}

TEST(SmtpTransport, TheMechanismThatTheRelayOffers_IsUsed) {
    const smtp_sink sink({.offer_auth = true, .auth_mechanism = "LOGIN"});
    const std::string host = "127.0.0.1:" + std::to_string(sink.port());
    notify::smtp_transport right(options_for("smtp://user:pass%20word@" + host));
    EXPECT_TRUE(right.submit(sample()).has_value());
    EXPECT_EQ(failure_of(options_for("smtp://user:hunter2@" + host)).kind, failure_kind::relay);
}

TEST(SmtpTransport, AUserWhereNoAuthIsOffered_IsAFaultOfTheRelay) {
    const smtp_sink sink;
    const auto failure =
        failure_of(options_for("smtp://user:hunter2@127.0.0.1:" + std::to_string(sink.port())));
    EXPECT_EQ(failure.kind, failure_kind::relay);
    EXPECT_TRUE(failure.reason.starts_with("AUTH: ")) << failure.reason;
    EXPECT_EQ(failure.reason.find("hunter2"), std::string::npos);
    EXPECT_TRUE(sink.mails().empty());
}

TEST(SmtpTransport, AnUnsafeAddressOrMessage_IsRefusedBeforeItIsSent) {
    using std::string_literals::operator""s;
    const smtp_sink sink;
    notify::smtp_transport transport(options_for(sink.url()));
    for (const auto& address :
         {"ada@example.org>\r\nRCPT TO:<eve@example.org"s, "ada@example.org\r"s,
          "ada@example.org\n"s, "a\0da@example.org"s, "<ada@example.org>"s, "a da@example.org"s,
          "ada@example.org SIZE=1"s, "\xC3\xA4@example.org"s, ""s, "ada"s}) {
        for (const bool sender : {false, true}) {
            auto mail = sample();
            (sender ? mail.from : mail.to) = address;
            const auto outcome = transport.submit(mail);
            ASSERT_FALSE(outcome) << address;
            EXPECT_EQ(outcome.error().kind, failure_kind::permanent_recipient);
            EXPECT_EQ(outcome.error().reason, "unsafe address");
        }
    }
    for (const auto& line : {"\n.\nMAIL FROM:<eve@example.org>\r\n"s, "\r\n.\n"s, "\r.\r\n"s,
                             std::string(999, 'x') + "\r\n", "no end"s}) {
        auto mail = sample();
        mail.mime += line;
        const auto outcome = transport.submit(mail);
        ASSERT_FALSE(outcome) << line;
        EXPECT_EQ(outcome.error().kind, failure_kind::permanent_recipient);
    }
    EXPECT_EQ(sink.connections(), 0);
}

} // namespace
} // namespace countersign::tests
