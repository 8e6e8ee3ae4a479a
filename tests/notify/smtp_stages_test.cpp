// A relay that fails, closes, dawdles or breaks the rules, at every stage of a submission.
#include "notify/smtp_failure.hpp"
#include "tests/notify/smtp_helpers.hpp"
#include "tests/support/certificates.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <stop_token>
#include <thread>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;
using notify::failure_kind;
using steady = std::chrono::steady_clock;

constexpr std::array stages{"CONNECT", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "."};
// Those whose reply concerns every mail.
bool is_of_the_relay(std::string_view stage) {
    return stage != "RCPT" && stage != "DATA" && stage != ".";
}

// A relay elsewhere, as far as the transport can see: TLS is demanded.
class SmtpStages : public testing::Test {
protected:
    [[nodiscard]] smtp_sink_options relay(sink_cue cue = {}) const {
        smtp_sink_options options;
        options.cue = std::move(cue);
        options.offer_auth = true;
        options.certificate_file = certificate_.certificate;
        options.key_file = certificate_.key;
        return options;
    }
    [[nodiscard]] notify::smtp_options to(const smtp_sink& sink) const {
        auto options =
            options_for("smtp://user:pass%20word@0.0.0.0:" + std::to_string(sink.port()));
        options.ca_file = authority_.file();
        return options;
    }
    [[nodiscard]] notify::delivery_failure failure_at(std::string stage, sink_answer answer) const {
        const smtp_sink sink(relay(doing(std::move(stage), std::move(answer))));
        return failure_of(to(sink));
    }
    // Whether one mail arrives although the relay does this.
    [[nodiscard]] bool arrives(std::string stage, sink_answer answer) const {
        const smtp_sink sink(relay(doing(stage, std::move(answer))));
        notify::smtp_transport transport(to(sink));
        const auto outcome = transport.submit(sample());
        EXPECT_TRUE(outcome.has_value())
            << stage << ": " << (outcome ? "" : outcome.error().reason);
        EXPECT_EQ(sink.mails().size(), outcome ? 1U : 0U);
        return outcome.has_value();
    }

    temporary_folder folder_;
    certificate_authority authority_{folder_.path()};
    certificate_files certificate_ = authority_.issue();
};

TEST_F(SmtpStages, ARefusal_IsOfTheKindThatItsStageAndCodeSay) {
    for (const std::string stage : stages) {
        for (const std::string code : {"421", "450", "452", "550", "552"}) {
            const smtp_sink sink(relay(doing(stage, {.reply = code + " no"}, 1)));
            notify::smtp_transport transport(to(sink));
            const auto outcome = transport.submit(sample());
            ASSERT_FALSE(outcome) << stage << " " << code;
            const auto& failure = outcome.error();
            const auto expected = is_of_the_relay(stage) || code == "421" ? failure_kind::relay
                                  : code[0] == '4'                        ? failure_kind::transient
                                                   : failure_kind::permanent_recipient;
            EXPECT_EQ(failure.kind, expected) << stage << " " << code << ": " << failure.reason;
            EXPECT_EQ(failure.relay_accepted_sender, !is_of_the_relay(stage)) << failure.reason;
            EXPECT_NE(failure.reason.find(": " + code + " no"), std::string::npos)
                << stage << ": " << failure.reason;
            EXPECT_TRUE(sink.mails().empty());
            const auto next = transport.submit(sample());
            EXPECT_TRUE(next.has_value()) << stage << " " << code << ": " << next.error().reason;
        }
    }
}

TEST_F(SmtpStages, AClosedConnection_IsNotTakenForTheReplyBefore) {
    for (const std::string stage : stages) {
        for (const bool half_said : {false, true}) {
            const auto failure = failure_at(
                stage, half_said
                           ? sink_answer{.reply = "250 2.0.0 o", .raw = true, .close_after = true}
                           : sink_answer{.close = true});
            EXPECT_EQ(failure.kind,
                      is_of_the_relay(stage) ? failure_kind::relay : failure_kind::transient)
                << stage << ": " << failure.reason;
            for (const auto* code : {"220", "235", "250", "354"}) {
                EXPECT_EQ(failure.reason.find(code), std::string::npos) << failure.reason;
            }
        }
    }
}

TEST_F(SmtpStages, AMailWhoseReplyIsLost_GoesOutAgainAsTheSameMail) {
    const smtp_sink sink(relay(doing(".", {.close = true, .take = true}, 1)));
    notify::smtp_transport transport(to(sink));
    const auto outcome = transport.submit(sample());
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind, failure_kind::transient);
    ASSERT_TRUE(transport.submit(sample()));
    const auto mails = sink.mails();
    ASSERT_EQ(mails.size(), 2U);
    EXPECT_EQ(mails[0].data, mails[1].data);
    EXPECT_NE(header(mails[0].data, "Message-ID"), "");
    EXPECT_NE(header(mails[0].data, "Date"), "");
}

TEST_F(SmtpStages, PatienceIsGreatest_WhereGivingUpCostsASecondMail) {
    constexpr notify::smtp_deadlines usual;
    EXPECT_EQ(usual.final_reply, 10min); // RFC 5321 section 4.5.3.2.6
    EXPECT_EQ(usual.connect, 60s);
    EXPECT_EQ(usual.command, 60s);
    EXPECT_EQ(usual.data, 2min);
    EXPECT_EQ(usual.message, 3min);
    EXPECT_EQ(usual.longest(), 19min);
    EXPECT_EQ(usual.stopping, 10s);

    const smtp_sink sink(relay(doing(".", {.delay = 1500ms})));
    auto options = to(sink);
    options.deadlines = {
        .connect = 2s, .command = 300ms, .data = 300ms, .message = 300ms, .final_reply = 4s};
    notify::smtp_transport transport(std::move(options));
    EXPECT_TRUE(transport.submit(sample()).has_value());
    EXPECT_EQ(sink.mails().size(), 1U);
}

TEST_F(SmtpStages, ARelayThatTrickles_EndsWithItsDeadline) {
    for (const std::string stage : stages) {
        const smtp_sink sink(
            relay(doing(stage, {.reply = "250 " + std::string(1000, 'x'), .per_byte = 10ms})));
        auto options = to(sink);
        options.deadlines = {.connect = 600ms,
                             .command = 300ms,
                             .data = 300ms,
                             .message = 300ms,
                             .final_reply = 300ms};
        const auto started = steady::now();
        const auto failure = failure_of(std::move(options));
        EXPECT_LT(steady::now() - started, 3s) << stage;
        EXPECT_EQ(failure.kind,
                  is_of_the_relay(stage) ? failure_kind::relay : failure_kind::transient)
            << stage << ": " << failure.reason;
    }
}

TEST_F(SmtpStages, ARelayThatDoesNotRead_EndsWithTheMessagesDeadline) {
    const smtp_sink sink(relay(doing("DATA", {.then = "250 x\r\n", .then_after = 3s})));
    auto options = to(sink);
    options.deadlines.message = 500ms;
    notify::smtp_transport transport(std::move(options));
    auto mail = sample();
    for (int line = 0; line < 64'000; ++line) {
        mail.mime += std::string(500, 'x') + "\r\n";
    }
    const auto started = steady::now();
    const auto outcome = transport.submit(mail);
    EXPECT_LT(steady::now() - started, 2500ms);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind, failure_kind::transient) << outcome.error().reason;
}

TEST_F(SmtpStages, ARelayThatIgnoresQuit_HoldsNothingUp) {
    for (const std::string stage : {"CONNECT", "EHLO", "AUTH", "RCPT", "none"}) {
        const smtp_sink sink(relay([stage](std::string_view line) {
            sink_answer answer;
            answer.delay = line == "QUIT" ? 6s : 0s;
            answer.reply = line.starts_with(stage) ? "550 no" : "";
            return answer;
        }));
        const auto started = steady::now();
        {
            notify::smtp_transport transport(to(sink));
            EXPECT_EQ(transport.submit(sample()).has_value(), stage == "none");
        }
        EXPECT_LT(steady::now() - started, 4s) << stage;
    }
}

TEST_F(SmtpStages, AReplyThatComesTooLate_IsNotTakenForThatToTheNextMail) {
    const smtp_sink sink(relay(doing("RCPT", {.reply = "250 late", .delay = 600ms}, 1)));
    auto options = to(sink);
    options.deadlines.command = 400ms;
    notify::smtp_transport transport(std::move(options));
    EXPECT_FALSE(transport.submit(sample()));
    const auto next = transport.submit(sample());
    EXPECT_TRUE(next.has_value()) << next.error().reason;
    EXPECT_EQ(sink.mails().size(), 1U);
}

TEST_F(SmtpStages, WhatFollowsThe250_ChangesNothing) {
    const auto after = [](std::string then, std::chrono::milliseconds after_that, bool close) {
        return sink_answer{.then = std::move(then), .then_after = after_that, .close_after = close};
    };
    for (const auto& answer :
         {after("", 0ms, true), after("550 no\r\n", 0ms, false), after("550 no\r\n", 50ms, false),
          after("250 ok\r\n250 ok\r\n550 no\r\n", 0ms, false),
          after(std::string("\0garbage", 8), 20ms, false), after("421 idle\r\n", 20ms, true)}) {
        const smtp_sink sink(relay(doing(".", answer, 2)));
        notify::smtp_transport transport(to(sink));
        for (int count = 0; count < 3; ++count) {
            const auto outcome = transport.submit(sample());
            EXPECT_TRUE(outcome.has_value()) << answer.then << ": " << outcome.error().reason;
            std::this_thread::sleep_for(100ms);
        }
        EXPECT_EQ(sink.mails().size(), 3U) << answer.then;
        EXPECT_EQ(sink.connections(), 3) << answer.then;
    }
}

TEST_F(SmtpStages, ARelayThatSpeaksOutOfTurn_IsBelievedInNothing) {
    // The next command's answer, before it was asked.
    const auto recipient = failure_at("MAIL", {.reply = "250 ok\r\n550 no such user"});
    EXPECT_EQ(recipient.kind, failure_kind::transient) << recipient.reason;
    const auto sent = failure_at("DATA", {.reply = "354 go on\r\n250 queued"});
    EXPECT_EQ(sent.kind, failure_kind::transient) << sent.reason;
    EXPECT_NE(sent.reason, "it was delivered");
    const auto going = failure_at("RCPT", {.reply = "250 ok\r\n421 going down"});
    EXPECT_EQ(going.kind, failure_kind::relay) << going.reason;
    // A refusal of the message may come before its end.
    const auto refused = failure_at("DATA", {.reply = "354 go on\r\n552 too much"});
    EXPECT_EQ(refused.kind, failure_kind::permanent_recipient) << refused.reason;
}

TEST_F(SmtpStages, RepliesOfAnyLengthAndLineEnd_AreRead) {
    std::string thousand;
    for (int line = 0; line < 1000; ++line) {
        thousand += "250-line\r\n";
    }
    for (const std::string stage : {"MAIL", "RCPT", "."}) {
        EXPECT_TRUE(arrives(stage, {.reply = "250 ok\n", .raw = true}));
        EXPECT_TRUE(arrives(stage, {.reply = "250-a\n250 ok\n", .raw = true}));
        EXPECT_TRUE(arrives(stage, {.reply = "250 " + std::string(200'000, 'x')}));
        EXPECT_TRUE(arrives(stage, {.reply = thousand + "250 ok"}));
    }
    const std::string long_line(100'000, 'x');
    std::string greetings;
    for (int line = 0; line < 1000; ++line) {
        greetings += "220-line\r\n";
    }
    EXPECT_TRUE(arrives("CONNECT", {.reply = "220 ok\n", .raw = true}));
    EXPECT_TRUE(arrives("CONNECT", {.reply = "220 " + long_line}));
    EXPECT_TRUE(arrives("CONNECT", {.reply = greetings + "220 ok"}));
    const std::string offers = "250-AUTH PLAIN\n250-STARTTLS\n250 ok\n";
    EXPECT_TRUE(arrives("EHLO", {.reply = "250-relay\n" + offers, .raw = true}));
    EXPECT_TRUE(arrives(
        "EHLO", {.reply = "250-" + long_line.substr(0, 5'000) + "\n" + offers, .raw = true}));
    // libcurl has enough of a reply to EHLO sooner: no mail then, but no harm.
    for (const auto& reply : {thousand + offers, "250-" + long_line + "\n" + offers}) {
        EXPECT_EQ(failure_at("EHLO", {.reply = reply, .raw = true}).kind, failure_kind::relay);
    }
}

TEST_F(SmtpStages, AReplyThatIsNone_IsNoSuccessAndNoRefusal) {
    std::string endless = "250-more\r\n";
    while (endless.size() < 2'000'000) {
        endless += endless;
    }
    for (const std::string stage : {"MAIL", "RCPT", "DATA", "."}) {
        for (const auto& reply : {std::string("ok"), std::string("250-ok\r\n550 no"), endless,
                                  std::string("354 what"), std::string("99 luftballons")}) {
            if (stage == "DATA" && reply.starts_with("354")) {
                continue;
            }
            const auto failure = failure_at(stage, {.reply = reply});
            EXPECT_EQ(failure.kind,
                      is_of_the_relay(stage) ? failure_kind::relay : failure_kind::transient)
                << stage << " " << reply.substr(0, 40) << ": " << failure.reason;
            EXPECT_NE(failure.reason, "it was delivered");
        }
    }
    EXPECT_EQ(failure_at("DATA", {.reply = "250 ok"}).kind, failure_kind::transient);
}

TEST_F(SmtpStages, Stopping_LeavesWhatIsUnderWayALittleTime) {
    for (const std::string stage : {"CONNECT", "RCPT", "."}) {
        const smtp_sink sink(relay(doing(stage, {.delay = 3s})));
        auto options = to(sink);
        options.deadlines.stopping = 300ms;
        std::stop_source stop;
        options.stop = stop.get_token();
        const std::jthread stopper([&stop] {
            std::this_thread::sleep_for(300ms);
            stop.request_stop();
        });
        const auto started = steady::now();
        const auto failure = failure_of(std::move(options));
        EXPECT_LT(steady::now() - started, 2500ms) << stage;
        EXPECT_NE(failure.kind, failure_kind::permanent_recipient) << failure.reason;
        EXPECT_NE(failure.reason, "it was delivered");
    }
}

} // namespace
} // namespace countersign::tests
