// `countersign mail` with a real Redis, and against real relays and servers.
#include "app/mail_command.hpp"

#include "app/mail_report.hpp"
#include "app/redis_access.hpp"
#include "app/run_with_redis.hpp"
#include "app/system.hpp"
#include "store/metadata.hpp"
#include "store/outbox.hpp"
#include "tests/app/temporary_directory.hpp"
#include "tests/support/program_run.hpp"
#include "tests/support/scene.hpp"
#include "tests/support/store_fixture.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace countersign::app {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

core::event event_of(core::event_type type, const std::string& id) {
    core::event event;
    event.id = core::event_id(id);
    event.type = type;
    event.account = core::account_id("user_ada");
    event.at = system_clock_now() - 3h;
    event.recipients = {"ada@example.org", "élodie@example.net"};
    event.label = "phone\x1b[2J";
    if (core::lane_of(type) == core::mail_lane::code) {
        event.sealed_secret = "k1.sealed-secret";
        event.expires_at = system_clock_now() + 10min;
    }
    return event;
}

// Beside a managed Redis that runs, as beside a server.
class MailCommand : public ::testing::Test {
protected:
    MailCommand() {
        all.data_dir = directory.path() / "data";
        all.redis.durability = store::durability::everysec;
        // As the program does at its first start: keys and the number of partitions.
        EXPECT_FALSE(contains(run({.what = mail_action::status}), "error:"));
        redis = std::make_unique<store::managed_redis>(store::managed_redis_options{
            .directory = all.data_dir / "redis", .sync = store::durability::everysec});
    }

    // What it printed, and then the error.
    std::string run(const mail_options& options) {
        std::ostringstream out;
        const auto done = run_mail_command(options, all, out);
        return done ? out.str() : out.str() + "error: " + done.error().sentence;
    }
    json::object run_json(mail_options options) {
        options.json = true;
        return json::parse(run(options)).as_object();
    }
    store::reply_value ask(std::vector<std::string> words) {
        return run_with_redis(
                   redis->address(), "test",
                   [&](store::connection& connection) { return connection.command(words); })
            .value();
    }
    void append(const core::event& event, int partition = 3) {
        ask({"XADD",
             "cs:{" + std::to_string(partition) + "}:outbox:" +
                 (core::lane_of(event.type) == core::mail_lane::code ? "code" : "alert"),
             "*", "e", core::to_json(event)});
    }
    // A notifier that has no other fate for what waits.
    void give_up(const std::string& reason) {
        const auto done =
            run_with_redis(redis->address(), "test", [&](store::connection& connection) {
                return give_up_all(connection, reason);
            });
        ASSERT_TRUE(done);
    }
    static awaitable<store::store_result<void>> give_up_all(store::connection& connection,
                                                            std::string reason) {
        store::outbox outbox(connection, connection, store::default_partitions, "serve@test");
        const auto entries = co_await outbox.read(1000, 0ms);
        if (!entries) co_return entries.error();
        for (const auto& entry : *entries) {
            const auto done = co_await outbox.give_up(entry, reason);
            if (!done) co_return done.error();
        }
        co_return store::store_result<void>{};
    }
    std::int64_t length(const std::string& stream) {
        const auto reply = ask({"XLEN", "cs:{3}:" + stream});
        return reply.integer() ? *reply.integer() : -1;
    }

    tests::temporary_directory directory;
    settings all;
    std::unique_ptr<store::managed_redis> redis;
};

TEST(MailReport, AnAddressIsMasked) {
    EXPECT_EQ(masked("ada@example.org"), "a•••@example.org");
    EXPECT_EQ(masked("élodie@example.net"), "é•••@example.net");
    EXPECT_EQ(masked("a@b"), "a•••@b");
    EXPECT_EQ(masked("@example.org"), "•••");
    EXPECT_EQ(masked("no address"), "•••");
}

TEST(MailReport, ADurationIsShort) {
    EXPECT_EQ(short_duration(59'999ms), "59s");
    EXPECT_EQ(short_duration(119s), "1m");
    EXPECT_EQ(short_duration(47h), "1d");
    EXPECT_EQ(short_duration(-1s), "0s");
}

TEST_F(MailCommand, Status_SaysWhatWaitsWhatIsDeadAndWhoSends) {
    all.mail.outbox_max = 160;
    append(event_of(core::event_type::new_login, "d1"));
    append(event_of(core::event_type::new_login, "d2"));
    give_up("permanent RCPT: 550 no such user");
    append(event_of(core::event_type::new_login, "w1"));
    append(event_of(core::event_type::one_time_code, "c1"));

    const auto text = run({.what = mail_action::status});
    EXPECT_TRUE(contains(text, "LANE   WAITING  OLDEST  FULLEST PARTITION\n")) << text;
    EXPECT_TRUE(contains(text, "\nalert  1        0s      1 of 10\n")) << text;
    EXPECT_TRUE(contains(text, "\nretries: 0\ndead letters: 2\n")) << text;
    EXPECT_TRUE(contains(text, "\n2     permanent RCPT: 550 no such user\n")) << text;
    EXPECT_TRUE(contains(text, "\nserve@test  0        ")) << text;

    const auto object = run_json({.what = mail_action::status});
    EXPECT_EQ(object.at("lanes").at("code").at("waiting"), 1);
    EXPECT_EQ(object.at("lanes").at("alert").at("partition_max"), 10);
    EXPECT_EQ(object.at("dead").at(0).at("count"), 2);
    EXPECT_EQ(object.at("notifiers").at(0).at("name"), "serve@test");
}

TEST_F(MailCommand, AList_MasksAddresses_AndKeepsToItsFilter) {
    append(event_of(core::event_type::new_login, "dead1"));
    give_up("550 no");
    append(event_of(core::event_type::one_time_code, "wait1"));
    const auto text = run({.what = mail_action::list});
    EXPECT_TRUE(contains(text, "dead1  alert  dead     new_login      3h   "
                               "a•••@example.org, é•••@example.net  0         550 no\n"))
        << text;
    EXPECT_TRUE(contains(text, "wait1  code   waiting  one_time_code  3h   ")) << text;
    EXPECT_FALSE(contains(text, "ada@"));

    const auto dead =
        run_json({.what = mail_action::list, .filter = {.state = store::mail_state::dead}});
    ASSERT_EQ(dead.at("mails").as_array().size(), 1U);
    EXPECT_EQ(dead.at("mails").at(0).at("id"), "dead1");
    EXPECT_EQ(dead.at("mails").at(0).at("recipients").at(0), "a•••@example.org");
    EXPECT_EQ(dead.at("complete"), true);
}

TEST_F(MailCommand, OnlyShow_HasTheRecipientsInFull_AndNothingHasTheSecret) {
    append(event_of(core::event_type::one_time_code, "c1"));
    const auto text = run({.what = mail_action::show, .id = "c1"});
    EXPECT_TRUE(contains(text, "owed to: ada@example.org, élodie@example.net\n")) << text;
    EXPECT_TRUE(contains(text, "event.type: one_time_code\n")) << text;
    EXPECT_FALSE(contains(text, "sealed")) << text;
    EXPECT_FALSE(contains(text, "\x1b")) << "a label of the user's moves the cursor";
    const auto object = run_json({.what = mail_action::show, .id = "c1"});
    EXPECT_EQ(object.at("event").at("id"), "c1");
    EXPECT_FALSE(object.at("event").as_object().contains("sealed_secret"));
    EXPECT_EQ(run({.what = mail_action::show, .id = "c2"}), "error: there is no mail c2");
}

TEST_F(MailCommand, ARetry_PutsADeadLetterBack) {
    append(event_of(core::event_type::new_login, "d1"));
    append(event_of(core::event_type::new_login, "d2"));
    give_up("550 no");
    EXPECT_EQ(run({.what = mail_action::retry, .id = "d1"}),
              "back in its lane: d1 (new_login, lane alert)\n");
    EXPECT_EQ(length("outbox:alert"), 1);
    EXPECT_EQ(length("dead:alert"), 1);
    EXPECT_TRUE(contains(run({.what = mail_action::retry, .id = "d1"}),
                         "error: mail d1 is no dead letter"));
}

TEST_F(MailCommand, RetryingEverything_LeavesCodesThatHaveExpired) {
    append(event_of(core::event_type::new_login, "d1"));
    append(event_of(core::event_type::one_time_code, "c1"));
    auto expired = event_of(core::event_type::one_time_code, "c2");
    expired.expires_at = system_clock_now() - 1s;
    append(expired);
    give_up("550 no");
    EXPECT_TRUE(contains(run({.what = mail_action::retry, .id = "c2"}),
                         "error: the code of mail c2 has expired"));
    EXPECT_EQ(run({.what = mail_action::retry, .all = true}),
              "back in their lanes: 2\nleft, because their codes have expired: 1\n");
    EXPECT_EQ(length("outbox:alert") + length("outbox:code"), 2);
    EXPECT_EQ(length("dead:code"), 1);
}

TEST_F(MailCommand, Dropping_AsksFirst_AndTakesDeadLettersOnly) {
    append(event_of(core::event_type::new_login, "d1"));
    give_up("550 no");
    append(event_of(core::event_type::new_login, "w1"));
    const auto asked = run({.what = mail_action::drop, .id = "d1"});
    EXPECT_TRUE(contains(asked, "reason: 550 no\n")) << asked;
    EXPECT_TRUE(contains(asked, "error: nothing was dropped: add --yes")) << asked;
    EXPECT_EQ(length("dead:alert"), 1);
    EXPECT_TRUE(contains(run({.what = mail_action::drop, .id = "w1", .yes = true}),
                         "error: mail w1 is no dead letter"));

    testing::internal::CaptureStderr();
    const auto dropped = run({.what = mail_action::drop, .id = "d1", .yes = true});
    const auto log = testing::internal::GetCapturedStderr();
    EXPECT_EQ(dropped, "dropped: d1 (new_login, lane alert)\n");
    EXPECT_TRUE(contains(log, "dead letter d1 (new_login, lane alert) dropped by ")) << log;
    EXPECT_EQ(length("dead:alert"), 0);
    EXPECT_EQ(length("outbox:alert"), 1);
}

TEST_F(MailCommand, ATest_PrintsTheDialogue_WithoutThePassword) {
    const tests::smtp_sink sink({.offer_auth = true});
    all.mail.url =
        core::secret_string("smtp://user:pass%20word@127.0.0.1:" + std::to_string(sink.port()));
    const auto text = run({.what = mail_action::test, .address = "ada@example.org"});
    std::size_t at = 0;
    for (const auto* stage :
         {"connecting to 127.0.0.1:", "\n< 220", "\n> EHLO ", "\n< 250", "\n> AUTH ***\n",
          "\n< 235", "\n> MAIL FROM:<countersign@localhost>", "\n> RCPT TO:<ada@example.org>\n",
          "\n> DATA\n", "\n< 354", " bytes)\n", "\n> .\n", "\n< 250", "\n> QUIT\n",
          "\nthe relay has taken the mail <"}) {
        const auto found = text.find(stage, at);
        ASSERT_NE(found, std::string::npos) << stage << " is missing in\n" << text;
        at = found;
    }
    EXPECT_FALSE(contains(text, "pass")) << text;
    EXPECT_FALSE(contains(text, "dXNlc")) << "base64 of user";
    EXPECT_FALSE(contains(text, "AHVzZXIA")) << "base64 of its AUTH PLAIN";
    ASSERT_EQ(sink.mails().size(), 1U);
    EXPECT_TRUE(contains(sink.mails()[0].data, "Subject: Test mail of Countersign\r\n"));
    EXPECT_TRUE(contains(sink.mails()[0].data, "\r\nAuto-Submitted: auto-generated\r\n"));
}

TEST_F(MailCommand, ATestThatFails_SaysWhereAndWhy) {
    const auto test = [this] {
        return run({.what = mail_action::test, .address = "ada@example.org"});
    };
    {
        const tests::smtp_sink sink({.cue = [](std::string_view line) {
            return tests::sink_answer{.reply = line.starts_with("RCPT") ? "550 no such user" : ""};
        }});
        all.mail.url = core::secret_string(sink.url());
        const auto text = test();
        EXPECT_TRUE(contains(text, "\n< 550 no such user\n")) << text;
        EXPECT_TRUE(contains(text, "error: the relay did not take the mail (permanent): RCPT"))
            << text;
    }
    EXPECT_TRUE(contains(test(), "error: the relay did not take the mail (relay): connect"));
    const tests::smtp_sink auth({.offer_auth = true});
    all.mail.url =
        core::secret_string("smtp://user:wrong@127.0.0.1:" + std::to_string(auth.port()));
    const auto refused = test();
    EXPECT_TRUE(contains(refused, "\n< 535")) << refused;
    EXPECT_FALSE(contains(refused, "wrong")) << refused;
    EXPECT_TRUE(contains(run({.what = mail_action::test, .address = "nobody"}),
                         "error: nobody is not an e-mail address"));
}

TEST_F(MailCommand, WithoutARelay_ATestIsAFile) {
    const auto text = run({.what = mail_action::test, .address = "ada@example.org"});
    constexpr std::string_view before = "mail.url is not set: written to ";
    ASSERT_TRUE(text.starts_with(before)) << text;
    EXPECT_TRUE(
        contains(tests::read_all(text.substr(before.size(), text.size() - before.size() - 1)),
                 "Test mail of Countersign"));
}

// Programs: a server, notifiers, and the commands beside them.
class MailCommandBesideAServer : public ::testing::Test {
protected:
    static tests::program_run::ending mail(const tests::scene& stage,
                                           std::vector<std::string> words) {
        words.insert(words.begin(), "mail");
        words.push_back("--data_dir=" + (stage.server.data_dir() / "data").string());
        return tests::program_run(COUNTERSIGN_PROGRAM, std::move(words)).wait();
    }
    static bool becomes(const std::function<bool()>& wanted) {
        const auto until = std::chrono::steady_clock::now() + 15s;
        while (!wanted() && std::chrono::steady_clock::now() < until)
            std::this_thread::sleep_for(50ms);
        return wanted();
    }
};

TEST_F(MailCommandBesideAServer, WhatTheRelayRefused_IsListedMendedAndArrives_AsItWas) {
    const auto refusing = std::make_shared<std::atomic<bool>>(true);
    const auto cue = [refusing](std::string_view line) {
        return tests::sink_answer{
            .reply = line.starts_with("RCPT") && *refusing ? "550 no such user" : ""};
    };
    const tests::smtp_sink relay({.cue = cue});
    const tests::scene stage(COUNTERSIGN_PROGRAM, {{"mail.url", relay.url()}});
    const auto who = stage.person();
    ASSERT_TRUE(
        becomes([&] { return contains(mail(stage, {"status"}).out, "dead letters: 1\n"); }));

    const auto listed = mail(stage, {"list", "--dead", "--json"});
    EXPECT_EQ(listed.status, 0) << listed.errors;
    const auto found = json::parse(listed.out).at("mails").at(0).as_object();
    const std::string id(found.at("id").as_string());
    EXPECT_EQ(found.at("event"), "new_login");
    EXPECT_TRUE(contains(std::string(found.at("reason").as_string()), "550 no such user"));
    EXPECT_FALSE(contains(listed.out, who.email));
    const auto shown = mail(stage, {"show", id});
    EXPECT_TRUE(contains(shown.out, "owed to: " + who.email + "\n")) << shown.out;

    *refusing = false;
    const auto retried = mail(stage, {"retry", id});
    EXPECT_EQ(retried.status, 0) << retried.errors;
    ASSERT_TRUE(relay.wait_for(1, 10s));
    EXPECT_TRUE(contains(tests::header(relay.mails()[0].data, "Message-ID"), id));
    EXPECT_TRUE(
        becomes([&] { return contains(mail(stage, {"status"}).out, "dead letters: 0\n"); }));
    const auto again = mail(stage, {"retry", id});
    EXPECT_EQ(again.status, 1);
    EXPECT_TRUE(contains(again.errors, "countersign: there is no mail " + id)) << again.errors;
    EXPECT_EQ(mail(stage, {"retry"}).status, 2);
    EXPECT_EQ(mail(stage, {"retry", id, "--all"}).status, 2);
}

TEST_F(MailCommandBesideAServer, AMailThatEndsFiveNotifiers_IsADeadLetter_AndTheOthersArrive) {
    const auto reached = std::make_shared<std::atomic<int>>(0);
    const auto pill = std::make_shared<std::string>();
    const auto to_pill = std::make_shared<std::atomic<bool>>(false);
    const auto cue = [=](std::string_view line) {
        tests::sink_answer answer;
        if (line.starts_with("RCPT")) *to_pill = contains(line, *pill);
        if (line == "." && *to_pill) {
            ++*reached;
            answer.delay = 2s;
            answer.close = true;
        }
        return answer;
    };
    const tests::smtp_sink relay({.cue = cue});
    const tests::scene stage(COUNTERSIGN_PROGRAM,
                             {{"mail.notifier", "false"}, {"mail.url", relay.url()}});
    *pill = stage.person().email;
    const auto notify = [&] {
        return std::make_unique<tests::program_run>(
            COUNTERSIGN_PROGRAM,
            std::vector<std::string>{"notify", "--mail.workers=1", "--mail.url=" + relay.url(),
                                     "--data_dir=" + (stage.server.data_dir() / "data").string()});
    };
    for (int killed = 1; killed <= 5; ++killed) {
        const auto notifier = notify();
        ASSERT_TRUE(becomes([&] { return *reached >= killed; })) << killed;
        notifier->signal(SIGKILL);
        EXPECT_EQ(notifier->wait().status, 128 + SIGKILL);
    }
    const auto other = stage.person().email;
    const auto last = notify();
    EXPECT_TRUE(becomes([&] { return tests::mails_about(relay, other, "").size() == 1; }));
    const auto status = [&] { return mail(stage, {"status"}).out; };
    EXPECT_TRUE(becomes([&] { return contains(status(), "dead letters: 1\n"); })) << status();
    EXPECT_TRUE(contains(status(), "taken up 5 times")) << status();
    EXPECT_EQ(*reached, 5);
    last->signal(SIGTERM);
    EXPECT_EQ(last->wait().status, 0);
}

} // namespace
} // namespace countersign::app
