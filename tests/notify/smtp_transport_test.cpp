#include "notify/smtp_transport.hpp"

#include "tests/notify/sample_mail.hpp"
#include "tests/support/smtp_sink.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;
using notify::delivery_failure;
using notify::failure_kind;

notify::smtp_options options_for(std::string_view url) {
    auto parsed = notify::parse_mail_url(url);
    notify::smtp_options options;
    options.url = std::make_shared<notify::mail_url>(std::move(parsed.unsafe_value()));
    options.hello_name = "client.test";
    options.connect_timeout = 2s;
    options.total_timeout = 5s;
    return options;
}

notify::mail sample() {
    return rendered(sample_event(core::event_type::one_time_code));
}

// Fails the command that begins with `verb` with `reply`.
sink_cue failing(std::string verb, std::string reply) {
    return [verb = std::move(verb), reply = std::move(reply)](std::string_view line) {
        sink_answer answer;
        if (line.starts_with(verb)) {
            answer.reply = reply;
        }
        return answer;
    };
}

sink_cue closing(std::string verb) {
    return [verb = std::move(verb)](std::string_view line) {
        sink_answer answer;
        answer.close = line.starts_with(verb);
        return answer;
    };
}

delivery_failure failure_of(notify::smtp_options options) {
    notify::smtp_transport transport(std::move(options));
    const auto outcome = transport.submit(sample());
    if (outcome) {
        return {failure_kind::transient, "it was delivered"};
    }
    return outcome.error();
}

delivery_failure failure_with(sink_cue cue) {
    smtp_sink_options options;
    options.cue = std::move(cue);
    const smtp_sink sink(std::move(options));
    return failure_of(options_for(sink.url()));
}

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

TEST(SmtpTransport, EachStagesFailure_IsOfItsKind) {
    EXPECT_EQ(failure_with(failing("CONNECT", "554 no")).kind, failure_kind::relay);
    EXPECT_EQ(failure_with(failing("CONNECT", "421 busy")).kind, failure_kind::relay);
    EXPECT_EQ(failure_with(failing("MAIL", "530 5.7.0 authenticate first")).kind,
              failure_kind::relay);
    EXPECT_EQ(failure_with(failing("MAIL", "451 later")).kind, failure_kind::transient);
    EXPECT_EQ(failure_with(failing("RCPT", "451 later")).kind, failure_kind::transient);
    EXPECT_EQ(failure_with(failing("RCPT", "421 going down")).kind, failure_kind::relay);
    EXPECT_EQ(failure_with(failing("DATA", "554 no")).kind, failure_kind::permanent_recipient);
    const auto content = failure_with(failing(".", "554 5.7.1 looks like spam"));
    EXPECT_EQ(content.kind, failure_kind::permanent_recipient);
    EXPECT_EQ(content.reason, "DATA: 554 5.7.1 looks like spam");
    EXPECT_EQ(failure_with(failing(".", "452 4.3.1 full")).kind, failure_kind::transient);
}

TEST(SmtpTransport, ALostConnection_IsNotTakenForTheReplyBefore) {
    EXPECT_EQ(failure_with(closing("CONNECT")).kind, failure_kind::relay);
    EXPECT_EQ(failure_with(closing("EHLO")).kind, failure_kind::relay);
    for (const auto* verb : {"MAIL", "RCPT", "DATA", "."}) {
        const auto failure = failure_with(closing(verb));
        EXPECT_EQ(failure.kind, failure_kind::transient) << verb << " " << failure.reason;
        EXPECT_EQ(failure.reason.find("250"), std::string::npos) << failure.reason;
        EXPECT_EQ(failure.reason.find("354"), std::string::npos) << failure.reason;
    }
}

TEST(SmtpTransport, ANobodyOrASilentRelay_IsAFaultOfTheRelay) {
    std::uint16_t port = 0;
    {
        port = smtp_sink().port();
    }
    EXPECT_EQ(failure_of(options_for("smtp://127.0.0.1:" + std::to_string(port))).kind,
              failure_kind::relay);
    smtp_sink_options silent;
    silent.cue = [](std::string_view line) {
        sink_answer answer;
        if (line == "CONNECT") {
            answer.delay = 2s;
        }
        return answer;
    };
    const smtp_sink sink(std::move(silent));
    auto options = options_for(sink.url());
    options.total_timeout = 500ms;
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

// A certificate of one test's own, for localhost.
class SmtpTransportTls : public testing::Test {
protected:
    void SetUp() override {
        const std::string command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
                                    "-nodes -days 2 -subj /CN=localhost -addext "
                                    "subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout " +
                                    key() + " -out " + certificate() + " 2>/dev/null";
        ASSERT_EQ(std::system(command.c_str()), 0);
    }
    [[nodiscard]] std::string key() const { return folder_.path() / "key.pem"; }
    [[nodiscard]] std::string certificate() const { return folder_.path() / "cert.pem"; }
    [[nodiscard]] smtp_sink_options with_tls(bool implicit) const {
        smtp_sink_options options;
        options.certificate_file = certificate();
        options.key_file = key();
        options.implicit_tls = implicit;
        return options;
    }
    temporary_folder folder_;
};

TEST_F(SmtpTransportTls, StartTlsAndImplicitTls_Deliver) {
    for (const bool implicit : {false, true}) {
        const smtp_sink sink(with_tls(implicit));
        auto options = options_for((implicit ? "smtps://localhost:" : "smtp://localhost:") +
                                   std::to_string(sink.port()));
        options.certificate_authority = certificate();
        notify::smtp_transport transport(std::move(options));
        const auto outcome = transport.submit(sample());
        EXPECT_TRUE(outcome.has_value()) << (outcome ? "" : outcome.error().reason);
        EXPECT_EQ(sink.mails().size(), 1U);
    }
}

TEST_F(SmtpTransportTls, AnUntrustedCertificate_GetsNoMail) {
    for (const bool implicit : {false, true}) {
        const smtp_sink sink(with_tls(implicit));
        const auto failure = failure_of(options_for(
            (implicit ? "smtps://localhost:" : "smtp://localhost:") + std::to_string(sink.port())));
        EXPECT_EQ(failure.kind, failure_kind::relay);
        EXPECT_TRUE(failure.reason.starts_with("TLS: ")) << failure.reason;
        EXPECT_TRUE(sink.mails().empty());
    }
}

TEST(SmtpTransport, ARelayElsewhereWithoutTls_GetsNoMail) {
    const smtp_sink sink;
    // An address of this machine that is not a loopback address by name.
    auto options = options_for("smtp://0.0.0.0:" + std::to_string(sink.port()));
    const auto failure = failure_of(std::move(options));
    EXPECT_EQ(failure.kind, failure_kind::relay) << failure.reason;
    EXPECT_TRUE(sink.mails().empty());
    EXPECT_EQ(sink.connections(), 1);
}

} // namespace
} // namespace countersign::tests
