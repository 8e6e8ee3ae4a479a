// What of a submission is protected, and from whom.
#include "tests/notify/smtp_helpers.hpp"
#include "tests/support/certificates.hpp"

#include <gtest/gtest.h>

#include <openssl/ssl.h>

#include <chrono>
#include <mutex>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;
using notify::failure_kind;

class SmtpTls : public testing::Test {
protected:
    [[nodiscard]] smtp_sink_options relay(const certificate_files& files, bool implicit = false) {
        smtp_sink_options options;
        options.offer_auth = true;
        options.certificate_file = files.certificate;
        options.key_file = files.key;
        options.implicit_tls = implicit;
        options.cue = [this](std::string_view line) { return heard(line); };
        return options;
    }
    [[nodiscard]] notify::smtp_options to(const smtp_sink& sink, bool implicit = false,
                                          std::string_view host = "0.0.0.0") const {
        auto options = options_for((implicit ? "smtps://" : "smtp://") +
                                   ("user:pass%20word@" + std::string(host)) + ":" +
                                   std::to_string(sink.port()));
        options.ca_file = authority_.file();
        return options;
    }
    // Nothing of the mail and nothing of the password has reached the relay.
    void expect_refused(notify::smtp_options options, std::string_view why) {
        const auto failure = failure_of(std::move(options));
        EXPECT_EQ(failure.kind, failure_kind::relay) << why << ": " << failure.reason;
        EXPECT_TRUE(failure.reason.starts_with("TLS: ")) << why << ": " << failure.reason;
        const std::lock_guard lock(mutex_);
        for (const auto& line : lines_) {
            EXPECT_FALSE(line.starts_with("AUTH") || line.starts_with("MAIL")) << why << line;
        }
        lines_.clear();
    }
    sink_answer heard(std::string_view line) {
        const std::lock_guard lock(mutex_);
        lines_.emplace_back(line);
        return line.starts_with(cue_.first) ? cue_.second : sink_answer{};
    }

    temporary_folder folder_;
    certificate_authority authority_{folder_.path()};
    std::pair<std::string, sink_answer> cue_{"never", {}};
    std::mutex mutex_;
    std::vector<std::string> lines_;
};

TEST_F(SmtpTls, StartTlsAndImplicitTls_Deliver) {
    for (const bool implicit : {false, true}) {
        for (const auto* host : {"localhost", "127.0.0.1", "0.0.0.0"}) {
            const smtp_sink sink(relay(authority_.issue(), implicit));
            notify::smtp_transport transport(to(sink, implicit, host));
            const auto outcome = transport.submit(sample());
            EXPECT_TRUE(outcome.has_value()) << host << (outcome ? "" : outcome.error().reason);
            EXPECT_EQ(sink.mails().size(), 1U);
        }
    }
}

TEST_F(SmtpTls, ACertificateThatDoesNotHold_GetsNeitherMailNorPassword) {
    const temporary_folder elsewhere;
    const certificate_authority other(elsewhere.path());
    const std::pair<std::string, certificate_files> cases[] = {
        {"another name", authority_.issue({.names = "DNS:relay.example.org"})},
        {"another address", authority_.issue({.names = "IP:127.0.0.2"})},
        {"expired", authority_.issue({.valid_from = -48h, .valid_until = -1h})},
        {"not yet valid", authority_.issue({.valid_from = 1h, .valid_until = 48h})},
        {"another authority", other.issue()},
        {"self-signed", other.self_signed()}};
    for (const auto& [why, files] : cases) {
        for (const bool implicit : {false, true}) {
            for (const auto* host : {"localhost", "0.0.0.0"}) {
                const smtp_sink sink(relay(files, implicit));
                expect_refused(to(sink, implicit, host), why);
            }
        }
    }
}

TEST_F(SmtpTls, WithoutAnAuthorityOfItsOwn_TheSystemsDecide) {
    const smtp_sink sink(relay(authority_.issue()));
    auto options = to(sink);
    options.ca_file.clear();
    expect_refused(std::move(options), "system");
}

TEST_F(SmtpTls, AnOlderVersionThan12_IsRefused) {
    for (const bool implicit : {false, true}) {
        for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
            auto options = relay(authority_.issue(), implicit);
            options.tls_version_max = version;
            const smtp_sink sink(std::move(options));
            expect_refused(to(sink, implicit), "old");
        }
        auto options = relay(authority_.issue(), implicit);
        options.tls_version_max = TLS1_2_VERSION;
        const smtp_sink sink(std::move(options));
        notify::smtp_transport transport(to(sink, implicit));
        EXPECT_TRUE(transport.submit(sample()).has_value());
        lines_.clear();
    }
}

TEST_F(SmtpTls, StartTlsThatWasStripped_GetsNeitherMailNorPassword) {
    auto options = relay(authority_.issue());
    options.offer_start_tls = false;
    const smtp_sink sink(std::move(options));
    expect_refused(to(sink), "stripped");
    cue_ = {"STARTTLS", {.reply = "454 not now"}};
    const smtp_sink refusing(relay(authority_.issue()));
    expect_refused(to(refusing), "refused");
    EXPECT_TRUE(sink.mails().empty());
}

TEST_F(SmtpTls, OnThisMachine_TlsIsNotDemanded) {
    auto options = relay(authority_.issue());
    options.offer_start_tls = false;
    const smtp_sink sink(std::move(options));
    notify::smtp_transport transport(to(sink, false, "127.0.0.1"));
    EXPECT_TRUE(transport.submit(sample()).has_value());
}

// CVE-2011-0411, CVE-2021-22947: what stands in the clear behind the 220 is not the relay's.
TEST_F(SmtpTls, BytesInjectedBehindTheGoAhead_EndTheConnection) {
    const std::string injected = "250-injected\r\n250 AUTH PLAIN\r\n235 welcome\r\n250 ok\r\n";
    const sink_answer in_one{.reply = "220 go on\r\n" + injected, .raw = true};
    const sink_answer in_two{.then = injected, .then_after = 50ms};
    for (const auto& answer : {in_one, in_two}) {
        cue_ = {"STARTTLS", answer};
        for (const auto* host : {"localhost", "0.0.0.0"}) {
            const smtp_sink sink(relay(authority_.issue()));
            expect_refused(to(sink, false, host), "injected behind 220");
        }
    }
    // The go-ahead itself was injected, behind the reply to EHLO.
    cue_ = {"EHLO",
            {.reply = "250-x\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n220 go on\r\n" + injected,
             .raw = true}};
    const smtp_sink sink(relay(authority_.issue()));
    expect_refused(to(sink), "injected behind EHLO");
}

TEST_F(SmtpTls, AFileOfAuthorities_IsToldFromOtherFiles) {
    EXPECT_TRUE(notify::holds_certificates(authority_.file()));
    EXPECT_FALSE(notify::holds_certificates(authority_.issue().key));
    EXPECT_FALSE(notify::holds_certificates(folder_.path() / "missing.pem"));
    EXPECT_FALSE(notify::holds_certificates("/dev/null"));
}

} // namespace
} // namespace countersign::tests
