// /metrics of real processes, over HTTP: what is done is counted, once, and nothing else is said.
#include "app/configuration.hpp"
#include "tests/app/metrics_page.hpp"
#include "tests/app/temporary_directory.hpp"
#include "tests/support/program_run.hpp"
#include "tests/support/scene.hpp"
#include "tests/support/service_client.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <map>
#include <regex>
#include <string>
#include <thread>
#include <utility>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using changes = std::map<std::string, double>;

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// The port in the line `metrics are at http://127.0.0.1:<port>/metrics`, the last one.
std::uint16_t port_in(const std::string& log) {
    static const std::regex line(R"re(metrics are at http://127\.0\.0\.1:(\d+)/metrics)re");
    std::uint16_t port = 0;
    for (std::sregex_iterator each(log.begin(), log.end(), line), end; each != end; ++each)
        port = static_cast<std::uint16_t>(std::stoi((*each)[1]));
    if (port == 0) throw std::runtime_error("no metrics are served:\n" + log);
    return port;
}

server_settings with_metrics(server_settings settings = {}) {
    settings.try_emplace("metrics.listen", "127.0.0.1:0");
    settings.try_emplace("threads", "2");
    return settings;
}

constexpr int outbox_max = 160;

struct measured_scene : scene {
    explicit measured_scene(server_settings settings = {})
        : scene(COUNTERSIGN_PROGRAM, with_metrics(std::move(settings))) {}

    [[nodiscard]] std::uint16_t metrics_port() const { return port_in(server.log()); }
    [[nodiscard]] metrics_page page() const { return scrape(metrics_port()); }
    [[nodiscard]] http_response get(std::string_view path) const {
        return http_request(server.port(), "GET", path);
    }
    // What changes of the families whose name begins with one of `prefixes`, while `what` is done.
    [[nodiscard]] changes changes_of(const std::vector<std::string>& prefixes,
                                     const std::function<void()>& what) const {
        const auto before = page();
        what();
        auto all = page().since(before);
        std::erase_if(all, [&](const auto& sample) {
            return std::ranges::none_of(prefixes, [&](const std::string& prefix) {
                return sample.first.starts_with(prefix);
            });
        });
        return all;
    }
    // Until the page says so, or too long.
    [[nodiscard]] bool comes_to(const std::string& sample, double value) const {
        for (const auto until = std::chrono::steady_clock::now() + 15s;
             std::chrono::steady_clock::now() < until; std::this_thread::sleep_for(20ms))
            if (const auto now = page(); now.has(sample) && now.value(sample) == value) return true;
        return false;
    }
    [[nodiscard]] json::object mail_status() const {
        program_run run(COUNTERSIGN_PROGRAM, {"mail", "status", "--json",
                                              "--data_dir=" + (server.data_dir() / "data").string(),
                                              "--mail.outbox_max=" + std::to_string(outbox_max)});
        return json::parse(run.wait().out).as_object();
    }
};

std::string requests(std::string_view family, std::string_view method, std::string_view route,
                     std::string_view status) {
    return "countersign_http_requests_total{family=\"" + std::string(family) + "\",method=\"" +
           std::string(method) + "\",route=\"" + std::string(route) + "\",status=\"" +
           std::string(status) + "\"}";
}

std::string verifications(std::string_view method, std::string_view outcome) {
    return "countersign_verifications_total{method=\"" + std::string(method) + "\",outcome=\"" +
           std::string(outcome) + "\"}";
}

std::string of_lane(const std::string& name, std::string_view lane) {
    return name + "{lane=\"" + std::string(lane) + "\"}";
}

TEST(Metrics, AreOffByDefault) {
    EXPECT_FALSE(app::settings().metrics.listen);
    const scene stage(COUNTERSIGN_PROGRAM);
    EXPECT_FALSE(contains(stage.server.log(), "metrics are at"));
    EXPECT_EQ(http_request(stage.server.port(), "GET", "/metrics").status, 404U);
}

TEST(Metrics, BadAddress_NamesTheKey) {
    const auto error_of = [](const app::named_values& flags) {
        const auto all = app::configure({.file = {}, .environment = {}, .flags = flags});
        return all ? std::string() : all.error().sentence;
    };
    EXPECT_TRUE(error_of({{"metrics.listen", "nonsense"}})
                    .starts_with("--metrics.listen: metrics.listen must be an IP address"))
        << error_of({{"metrics.listen", "nonsense"}});
    EXPECT_EQ(error_of({{"listen", "127.0.0.1:9090"}, {"metrics.listen", "10.0.0.1:9090"}}),
              "metrics.listen must have another port than listen");
    EXPECT_EQ(error_of({{"listen", "127.0.0.1:0"}, {"metrics.listen", "127.0.0.1:0"}}), "");
    EXPECT_EQ(error_of({{"metrics.listen", "[::1]:9464"}}), "");
}

TEST(Metrics, PortThatIsTaken_EndsTheStart_AndNamesTheKey) {
    const measured_scene first;
    const temporary_directory directory;
    for (const auto* command : {"serve", "notify"}) {
        std::vector<std::string> words{command, "--metrics.listen=127.0.0.1:" +
                                                    std::to_string(first.metrics_port())};
        if (words.front() == "serve") {
            words.push_back("--listen=127.0.0.1:0");
            words.push_back("--data_dir=" + (directory.path() / "data").string());
        } else {
            words.push_back("--data_dir=" + (first.server.data_dir() / "data").string());
        }
        program_run second(COUNTERSIGN_PROGRAM, words);
        const auto ended = second.wait();
        EXPECT_EQ(ended.status, 1) << ended.errors;
        EXPECT_TRUE(contains(ended.errors, "countersign: metrics.listen: cannot listen on "))
            << ended.errors;
        EXPECT_FALSE(contains(ended.errors, "listening on")) << "no request is answered before";
        EXPECT_FALSE(contains(ended.errors, "sending mails"));
    }
}

TEST(Metrics, ThereIsNothingElseOnTheirPort) {
    const measured_scene stage;
    const auto port = stage.metrics_port();
    for (const auto* path : {"/", "/metrics/", "/health/live", "/dev/mail", "/api/auth/login"})
        EXPECT_EQ(http_request(port, "GET", path).status, 404U) << path;
    for (const auto* method : {"POST", "DELETE", "HEAD", "OPTIONS"}) {
        http_connection connection(port);
        connection.send(std::string(method) +
                        " /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
        const auto response = connection.receive(std::string_view(method) == "HEAD");
        EXPECT_EQ(response.status, 405U) << method;
        EXPECT_EQ(response.header("Allow"), "GET") << method;
    }
    EXPECT_EQ(http_request(port, "POST", "/metrics", {}, "x").status, 413U);
    EXPECT_EQ(http_request(port, "GET", "/metrics?name=x").status, 200U);
    EXPECT_EQ(http_request(stage.server.port(), "GET", "/metrics").status, 404U);
}

TEST(Metrics, RequestsRiseByExactlyWhatWasDone_UnderTheirPattern) {
    const measured_scene stage;
    const auto key = make_service_key(COUNTERSIGN_PROGRAM, stage.server);
    const service_client backend{stage.server.port(), key.key};
    const auto subject = backend.subject_without_factors();

    const auto changed = stage.changes_of({"countersign_http_requests_total"}, [&] {
        for (int i = 0; i < 7; ++i)
            EXPECT_EQ(stage.get("/health/live").status, 200U);
        EXPECT_EQ(stage.get("/no/such?q=1").status, 404U);
        EXPECT_EQ(stage.get("/api/service/v1/nothing").status, 404U);
        EXPECT_EQ(stage.get("/api/auth/login").status, 405U);
        EXPECT_EQ(backend.read(subject).status, 200U);
        EXPECT_EQ(backend.read(service_client::fresh_subject()).status, 404U);
        EXPECT_EQ(http_request(stage.server.port(), "BREW", "/api/auth/login").status, 501U);
        http_connection raw(stage.server.port());
        raw.send("nonsense\r\n\r\n");
        EXPECT_EQ(raw.receive().status, 400U);
    });
    EXPECT_EQ(changed,
              (changes{
                  {requests("pages", "GET", "/health/live", "2xx"), 7},
                  {requests("service", "GET", "/api/service/v1/subjects/{subject}", "2xx"), 1},
                  {requests("service", "GET", "/api/service/v1/subjects/{subject}", "4xx"), 1},
                  {requests("service", "none", "none", "4xx"), 1},
                  {requests("singularity", "none", "none", "4xx"), 3},
                  {requests("singularity", "none", "none", "5xx"), 1},
              }));
}

TEST(Metrics, DurationsAndConnections_AreCountedPerRequestAndClient) {
    const measured_scene stage;
    const auto before = stage.page();
    {
        http_connection kept(stage.server.port());
        for (int i = 0; i < 5; ++i)
            EXPECT_EQ(kept.request("GET", "/health/live").status, 200U);
        EXPECT_EQ(stage.page().value("countersign_http_connections"), 1);
    }
    EXPECT_TRUE(stage.comes_to("countersign_http_connections", 0));
    const auto changed = stage.page().since(before);
    const auto family = [](const std::string& name) { return name + "{family=\"pages\"}"; };
    EXPECT_EQ(changed.at(family("countersign_http_request_duration_seconds_count")), 5);
    EXPECT_GT(changed.at(family("countersign_http_request_duration_seconds_sum")), 0);
    EXPECT_EQ(changed.at("countersign_http_connections_accepted_total"), 1);
    EXPECT_FALSE(changed.contains(
        "countersign_http_request_duration_seconds_count{family=\"singularity\"}"));
}

TEST(Metrics, VerificationsAndCommits_RiseByWhatWasDecided) {
    const measured_scene stage;
    auto who = stage.person_with_totp();
    native_client thief{
        .port = stage.server.port(), .email = who.email, .password = "Wrong-Horse-7"};

    auto changed = stage.changes_of({"countersign_verifications", "countersign_password_hash_dur"},
                                    [&] { EXPECT_EQ(thief.log_in().status, 401U); });
    EXPECT_EQ(changed.at(verifications("password", "wrong")), 1);
    EXPECT_EQ(changed.at("countersign_password_hash_duration_seconds_count"), 1);
    EXPECT_GT(changed.at("countersign_password_hash_duration_seconds_sum"), 0.001);

    changed = stage.changes_of({"countersign_verifications", "countersign_commit"}, [&] {
        EXPECT_EQ(who.begin_step_up().status, 200U);
        EXPECT_EQ(who.complete_step_up(totp_body(who.app.wrong())).status, 401U);
        EXPECT_EQ(who.complete_step_up(totp_body(who.app.next())).status, 200U);
    });
    EXPECT_EQ(changed, (changes{{verifications("password", "verified"), 1},
                                {verifications("totp", "wrong"), 1},
                                {verifications("totp", "verified"), 1},
                                {"countersign_commits_total", 3}}));
}

TEST(Metrics, ServiceVerifications_AreCountedByTheMethodThatWasFound_AndWhenBlocked) {
    const measured_scene stage({{"policy.attempts_pause_after", "2"}});
    const auto key = make_service_key(COUNTERSIGN_PROGRAM, stage.server);
    const service_client backend{stage.server.port(), key.key};
    const auto subject = backend.subject_without_factors();
    auto enrolled = backend.enrol(subject);

    const auto changed = stage.changes_of({"countersign_verifications"}, [&] {
        EXPECT_EQ(backend.verify(subject, enrolled.app.next()).status, 200U);
        EXPECT_EQ(backend.verify(subject, enrolled.backup_codes.front()).status, 200U);
        for (int i = 0; i < 3; ++i)
            (void)backend.verify(subject, enrolled.app.wrong());
    });
    EXPECT_EQ(changed, (changes{{verifications("totp", "verified"), 1},
                                {verifications("backup_code", "verified"), 1},
                                {verifications("any_code", "wrong"), 2},
                                {verifications("any_code", "blocked"), 1}}));
}

TEST(Metrics, MailsAreCountedPerLane_AndTheGaugesAgreeWithMailStatus) {
    const measured_scene stage({{"policy.email_factor_by_default", "true"}});
    native_client who{.port = stage.server.port(), .email = native_client::fresh_email()};
    const auto before = stage.page();
    ASSERT_EQ(who.register_account("?send-email=false").status, 200U);
    ASSERT_EQ(who.log_in().status, 200U); // a code
    const auto code = mailed_code(stage.sink, who.email);
    ASSERT_EQ(who.complete_login(email_body(code)).status, 200U); // an alert: a new login
    ASSERT_TRUE(stage.comes_to(of_lane("countersign_mail_sent_total", "alert"), 1));

    const auto changed = stage.page().since(before);
    EXPECT_EQ(changed.at(of_lane("countersign_mail_events_total", "code")), 1);
    EXPECT_EQ(changed.at(of_lane("countersign_mail_events_total", "alert")), 1);
    EXPECT_EQ(changed.at(of_lane("countersign_mail_sent_total", "code")), 1);
    EXPECT_EQ(changed.at("countersign_mail_submission_duration_seconds_count"), 2);
    EXPECT_FALSE(changed.contains("countersign_mail_relay_faults"));
    EXPECT_EQ(stage.page().value(of_lane("countersign_mail_waiting", "alert")), 0);
    EXPECT_EQ(stage.page().value(of_lane("countersign_mail_oldest_seconds", "code")), 0);
}

TEST(Metrics, DeadLettersRetriesAndWhatWaits_AgreeWithMailStatus) {
    std::atomic<const char*> answer{""};
    const auto cue = [&answer](std::string_view line) {
        return sink_answer{.reply = line.starts_with("RCPT") ? answer.load() : ""};
    };
    const smtp_sink relay({.cue = cue});
    const measured_scene stage(
        {{"mail.url", relay.url()}, {"mail.outbox_max", std::to_string(outbox_max)}});
    const auto refused = "countersign_mail_dead_letters_total{lane=\"alert\",reason=\"refused\"}";

    answer = "550 5.1.1 no such user";
    (void)stage.person();
    (void)stage.person();
    ASSERT_TRUE(stage.comes_to(refused, 2));
    answer = "451 4.3.0 try again";
    (void)stage.person();
    ASSERT_TRUE(stage.comes_to(of_lane("countersign_mail_retried_total", "alert"), 1));

    auto page = stage.page();
    auto status = stage.mail_status();
    EXPECT_EQ(page.value(of_lane("countersign_mail_dead_letters", "alert")), 2);
    EXPECT_EQ(page.value(of_lane("countersign_mail_dead_letters", "code")), 0);
    EXPECT_EQ(status.at("dead").as_array().at(0).as_object().at("count").as_int64(), 2);
    EXPECT_EQ(page.value("countersign_mail_retries_waiting"), 1);
    EXPECT_EQ(status.at("retries").as_object().at("count").as_int64(), 1);
    EXPECT_EQ(page.value("countersign_mail_relay_faults"), 0);

    // The relay is at fault: mails wait, and the oldest of them grows old.
    answer = "421 4.3.2 shutting down";
    (void)stage.person();
    ASSERT_TRUE(stage.comes_to("countersign_mail_relay_faults", 1));
    (void)stage.person();
    ASSERT_TRUE(stage.comes_to(of_lane("countersign_mail_waiting", "alert"), 1));
    std::this_thread::sleep_for(1100ms);
    page = stage.page();
    status = stage.mail_status();
    const auto& lane = status.at("lanes").as_object().at("alert").as_object();
    EXPECT_EQ(lane.at("waiting").as_int64(), 1);
    EXPECT_EQ(page.value("countersign_mail_retries_waiting"),
              static_cast<double>(status.at("retries").as_object().at("count").as_int64()));
    EXPECT_GT(page.value(of_lane("countersign_mail_oldest_seconds", "alert")), 1);
    EXPECT_LT(page.value(of_lane("countersign_mail_oldest_seconds", "alert")), 10);
    EXPECT_DOUBLE_EQ(page.value(of_lane("countersign_mail_fullness_ratio", "alert")),
                     lane.at("fullest_partition").to_number<double>() /
                         lane.at("partition_max").to_number<double>());
    EXPECT_GT(page.value(of_lane("countersign_mail_fullness_ratio", "alert")), 0);
}

TEST(Metrics, ExpiredCodes_AreNeitherSentNorDead) {
    std::atomic<bool> away{true};
    const auto cue = [&away](std::string_view line) {
        return sink_answer{.reply = away && line.starts_with("MAIL") ? "421 later" : ""};
    };
    const smtp_sink relay({.cue = cue});
    const measured_scene stage({{"mail.url", relay.url()},
                                {"policy.mailed_code_life", "1"},
                                {"policy.email_factor_by_default", "true"}});
    native_client who{.port = stage.server.port(), .email = native_client::fresh_email()};
    ASSERT_EQ(who.register_account("?send-email=false").status, 200U);
    ASSERT_EQ(who.log_in().status, 200U);
    ASSERT_TRUE(stage.comes_to("countersign_mail_relay_faults", 1));
    away = false;
    EXPECT_TRUE(stage.comes_to("countersign_mail_expired_total", 1));
    EXPECT_EQ(stage.page().value(of_lane("countersign_mail_sent_total", "code")), 0);
    EXPECT_EQ(stage.page().value(of_lane("countersign_mail_dead_letters", "code")), 0);
}

TEST(Metrics, RedisAway_IsSaid_AndWhatCannotBeReadIsLeftOut) {
    const measured_scene stage;
    auto page = stage.page();
    EXPECT_EQ(page.value("countersign_redis_up"), 1);
    EXPECT_GT(page.value("countersign_redis_calls_total{client=\"notifier\"}"), 0);
    EXPECT_TRUE(stage.comes_to("countersign_redis_calls_in_flight{client=\"notifier\"}", 1))
        << "it waits for mails";
    const std::string api_errors = "countersign_redis_errors_total{client=\"api\",reason=";
    EXPECT_EQ(page.value(api_errors + "\"deadline\"}"), 0);

    ::kill(stage.server.redis_process(), SIGSTOP);
    native_client who{.port = stage.server.port(), .email = native_client::fresh_email()};
    std::thread caller([&] { EXPECT_EQ(who.register_account().status, 500U); });
    caller.join();
    page = stage.page();
    ::kill(stage.server.redis_process(), SIGCONT);
    EXPECT_EQ(page.value("countersign_redis_up"), 0);
    EXPECT_GE(page.value(api_errors + "\"deadline\"}") +
                  page.value(api_errors + "\"no_connection\"}"),
              1);
    EXPECT_FALSE(page.has(of_lane("countersign_mail_waiting", "code")));
    EXPECT_TRUE(stage.comes_to("countersign_redis_up", 1));
    EXPECT_TRUE(stage.comes_to("countersign_redis_calls_in_flight{client=\"api\"}", 0));
}

TEST(Metrics, NotifyServesThemToo_WithoutThoseOfRequests) {
    const measured_scene stage({{"mail.notifier", "false"}});
    EXPECT_FALSE(stage.page().has("countersign_mail_relay_faults"));
    (void)stage.person();
    EXPECT_EQ(stage.page().value(of_lane("countersign_mail_waiting", "alert")), 1);

    // Its log is not to be read before it ends, so that the test names the port.
    std::string address = "127.0.0.1:" + std::to_string(stage.server.port() + 1);
    program_run notifier(COUNTERSIGN_PROGRAM,
                         {"notify", "--data_dir=" + (stage.server.data_dir() / "data").string(),
                          "--mail.url=" + stage.sink.url(), "--metrics.listen=" + address});
    ASSERT_TRUE(stage.comes_to(of_lane("countersign_mail_waiting", "alert"), 0));
    const auto port = static_cast<std::uint16_t>(stage.server.port() + 1);
    for (int i = 0; i < 250; ++i) {
        if (scrape(port).value(of_lane("countersign_mail_sent_total", "alert")) == 1) break;
        std::this_thread::sleep_for(20ms);
    }
    const auto page = scrape(port);
    EXPECT_EQ(page.value(of_lane("countersign_mail_sent_total", "alert")), 1);
    EXPECT_EQ(page.value(of_lane("countersign_mail_waiting", "alert")), 0);
    EXPECT_FALSE(page.families().contains("countersign_http_requests_total"));
    EXPECT_FALSE(page.has("countersign_redis_calls_total{client=\"api\"}"));
    notifier.signal(SIGTERM);
    EXPECT_EQ(notifier.wait().status, 0);
}

TEST(Metrics, NothingOnThePageSaysWho) {
    const measured_scene stage;
    auto who = stage.person_with_totp();
    const auto subject = std::string("somebody@example.org");
    (void)stage.get("/users/" + who.email + "?token=" + who.access);
    http_connection odd(stage.server.port());
    (void)odd.request("GET", "/", {{"X-Forwarded-For", "203.0.113.9"}});
    const auto page = http_request(stage.metrics_port(), "GET", "/metrics").body;
    for (const std::string& secret :
         {who.email, who.access, who.app.last(), std::string("@"), std::string("127.0.0.1"),
          std::string("203.0.113.9"), std::string("user_")})
        EXPECT_FALSE(contains(page, secret)) << secret;
}

TEST(Metrics, RowsAreFixed_WhateverIsAsked) {
    const measured_scene stage;
    const auto rows = [&] {
        std::size_t count = 0;
        const auto page = stage.page();
        for (const auto& [name, family] : page.families())
            count += family.samples.size();
        return count;
    };
    const auto before = rows();
    for (int i = 0; i < 50; ++i)
        (void)stage.get("/api/users/" + std::to_string(i) + "/sessions/" + std::to_string(i * 7));
    (void)stage.person();
    EXPECT_EQ(rows(), before);
}

TEST(Metrics, ProcessFiguresAreThose_OfTheProcess) {
    const measured_scene stage;
    const auto page = stage.page();
    const auto now =
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    EXPECT_NEAR(page.value("process_start_time_seconds"), now, 30);
    EXPECT_GT(page.value("process_resident_memory_bytes"), 1e6);
    EXPECT_LE(page.value("process_resident_memory_bytes"),
              1024.0 * static_cast<double>(peak_memory_kib(stage.server.process())));
    EXPECT_GT(page.value("process_open_fds"), 10);
    EXPECT_LT(page.value("process_open_fds"), page.value("process_max_fds"));
    EXPECT_GT(page.value("process_cpu_seconds_total"), 0);
    EXPECT_TRUE(page.families().contains("countersign_build_info"));
}

} // namespace
} // namespace countersign::tests
