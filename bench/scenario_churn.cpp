// The scenario churn: people who change their second factors, as the documents of three systems say
// it. Each person is a thread with connections of its own; the mails go to an SMTP server here.
#include "bench/scenario.hpp"

#include "tests/support/http_client.hpp"
#include "tests/support/load_sink.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace countersign::bench {

namespace json = boost::json;
using clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t persons_per_family = 8;
constexpr std::string_view clara_key = "bench-clara-private-key-0123456789";
constexpr std::string_view password = "Correct-Horse-7";

// The routes of the five pages that the scenario is about, and those around them.
enum class page : std::uint8_t {
    clara_enable,
    clara_disable,
    slugbase_disable,
    native_disable_totp,
    native_disable_email,
    other
};
constexpr std::array<std::string_view, 6> page_names{"clara enable 2FA",     "clara disable 2FA",
                                                     "slugbase disable MFA", "native disable TOTP",
                                                     "native disable email", "all other requests"};

// What arrived, by address: codes for who waits for one, and alerts for how long they took.
class mailroom {
public:
    std::string wait_for_code(const std::string& address) {
        std::unique_lock lock(mutex_);
        auto& codes = codes_[address];
        if (!arrived_.wait_for(lock, std::chrono::seconds(25), [&] { return !codes.empty(); }))
            throw std::runtime_error("no code came to " + address);
        auto code = std::move(codes.front());
        codes.pop_front();
        return code;
    }
    void forget_codes(const std::string& address) {
        const std::lock_guard lock(mutex_);
        codes_[address].clear();
    }
    // A change was answered: its alert is due.
    void expect(const std::string& address, bool added) {
        const std::lock_guard lock(mutex_);
        due_[{address, added}].push_back(clock::now());
        ++due_count_;
        settle(address, added);
    }
    void take(const tests::taken_mail& mail) {
        const std::lock_guard lock(mutex_);
        const std::string_view data = mail.data;
        const bool added = data.find("Subject: New Two-Factor") != std::string_view::npos;
        const bool removed = data.find("Subject: Two-Factor Authentication Method Removed") !=
                             std::string_view::npos;
        if (added || removed) {
            arrived_alerts_[{mail.to, added}].push_back(mail.arrived);
            settle(mail.to, added);
        } else if (auto code = six_digits_in(data); !code.empty()) {
            codes_[mail.to].push_back(std::move(code));
            arrived_.notify_all();
        }
    }
    [[nodiscard]] std::size_t missing() const {
        const std::lock_guard lock(mutex_);
        return due_count_ - delays_.count();
    }
    [[nodiscard]] histogram delays() const {
        const std::lock_guard lock(mutex_);
        return delays_;
    }

private:
    using alert = std::pair<std::string, bool>; // whose, and whether a factor was added

    // Of one kind and person the alerts arrive in some order; they are matched in that of changes.
    void settle(const std::string& address, bool added) {
        auto& due = due_[{address, added}];
        auto& arrived = arrived_alerts_[{address, added}];
        while (!due.empty() && !arrived.empty()) {
            const auto took = std::max(arrived.front() - due.front(), clock::duration::zero());
            delays_.record(static_cast<std::uint64_t>(
                std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
            due.pop_front();
            arrived.pop_front();
        }
    }
    // The first run of six digits in the text part.
    static std::string six_digits_in(std::string_view data) {
        data.remove_prefix(std::min(data.find("text/plain"), data.size()));
        data.remove_prefix(std::min(data.find("\r\n\r\n"), data.size()));
        std::size_t run = 0;
        for (std::size_t at = 0; at < data.size(); ++at) {
            run = data[at] >= '0' && data[at] <= '9' ? run + 1 : 0;
            const bool ends = at + 1 == data.size() || data[at + 1] < '0' || data[at + 1] > '9';
            if (run == 6 && ends) return std::string(data.substr(at - 5, 6));
        }
        return {};
    }

    mutable std::mutex mutex_;
    std::condition_variable arrived_;
    std::map<std::string, std::deque<std::string>> codes_;
    std::map<alert, std::deque<clock::time_point>> due_, arrived_alerts_;
    std::size_t due_count_ = 0;
    histogram delays_;
};

struct tally {
    std::array<histogram, page_names.size()> latency;
    std::size_t cycles = 0, requests = 0, failures = 0;
    std::string first_failure;

    void add(const tally& other) {
        for (std::size_t at = 0; at < latency.size(); ++at)
            latency[at].add(other.latency[at]);
        cycles += other.cycles;
        requests += other.requests;
        failures += other.failures;
        if (first_failure.empty()) first_failure = other.first_failure;
    }
};

std::string text_of(const tests::http_response& reply, std::string_view name) {
    const auto value = json::parse(reply.body);
    return std::string(value.at(name).as_string());
}

// An authenticator app that gives the codes of the window in turn.
class app_codes {
public:
    explicit app_codes(std::string_view base32) {
        unsigned held = 0, bits = 0;
        for (const char letter : base32) {
            held = (held << 5U) |
                   static_cast<unsigned>(letter >= 'A' ? letter - 'A' : letter - '2' + 26);
            if ((bits += 5) < 8) continue;
            bits -= 8;
            key_ += static_cast<char>(held >> bits);
        }
    }
    std::string next() {
        last_ = std::max(last_ + 1, step_now() - 1);
        return six_digits(totp_code(key_, last_));
    }

private:
    std::string key_;
    std::int64_t last_ = 0;
};

class person {
public:
    person(product& server, mailroom& mails, std::size_t number)
        : mails_(mails), service_key_(server.key()), number_(number), connection_(server.port()) {}
    virtual ~person() = default;
    person(const person&) = delete;
    person& operator=(const person&) = delete;
    virtual void begin() = 0;
    virtual void cycle() = 0;

    void run(clock::time_point until) {
        while (clock::now() < until && !loads_interrupted()) {
            try {
                cycle();
                ++seen.cycles;
            } catch (const std::exception& error) {
                ++seen.failures;
                if (seen.first_failure.empty()) seen.first_failure = error.what();
                return; // its state is unknown
            }
        }
    }
    tally seen;

protected:
    tests::http_response call(page which, unsigned status, std::string_view method,
                              std::string_view target, const tests::http_headers& headers,
                              std::string_view body = {}) {
        const auto sent = clock::now();
        auto reply = connection_.request(method, target, headers, body);
        seen.latency[static_cast<std::size_t>(which)].record(static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::microseconds>(clock::now() - sent).count()));
        ++seen.requests;
        if (reply.status != status)
            throw std::runtime_error(fmt::format("{} {} was answered with {} {}", method, target,
                                                 reply.status, reply.body.substr(0, 300)));
        return reply;
    }
    static std::string
    body_of(std::initializer_list<std::pair<json::string_view, json::value_ref>> members) {
        return json::serialize(json::object(members));
    }
    [[nodiscard]] std::string address() const {
        return fmt::format("churn{}@example.org", number_);
    }
    tests::http_response put_subject() {
        return call(page::other, 201, "PUT", subject(), as_service(),
                    body_of({{"email", address()}, {"emailFactor", false}}));
    }
    [[nodiscard]] std::string subject() const {
        return fmt::format("/api/service/v1/subjects/churn{}", number_);
    }
    [[nodiscard]] tests::http_headers as_service() const {
        return {{"Authorization", "Bearer " + service_key_}};
    }

    mailroom& mails_;

private:
    std::string service_key_;
    std::size_t number_;
    tests::http_connection connection_;
};

// POST and DELETE /api/v1/users/{id}/2fa, each with a mailed code.
class clara_person : public person {
public:
    using person::person;
    void begin() override { account_ = text_of(put_subject(), "account"); }
    void cycle() override {
        const auto route = "/api/v1/users/" + account_ + "/2fa";
        (void)call(page::clara_enable, 200, "POST", route, as_administrator(), code_body());
        mails_.expect(address(), true);
        (void)call(page::clara_disable, 204, "DELETE", route, as_administrator(), code_body());
        mails_.expect(address(), false);
    }

private:
    static tests::http_headers as_administrator() {
        return {{"Authorization", std::string(clara_key)}};
    }
    std::string code_body() {
        (void)call(page::other, 201, "POST", "/api/v1/users/" + address() + "/otp/TWO_FACTOR_AUTH",
                   as_administrator());
        return body_of({{"code", mails_.wait_for_code(address())}});
    }
    std::string account_;
};

// MFA on and off with codes of an app; the account has no password.
class slugbase_person : public person {
public:
    using person::person;
    void begin() override {
        (void)put_subject();
        const auto opened =
            call(page::other, 201, "POST", subject() + "/sessions", as_service(), "{}");
        access_ = text_of(opened, "accessToken");
    }
    void cycle() override {
        const tests::http_headers own{{"Authorization", "Bearer " + access_}};
        const auto begun = call(page::other, 200, "POST", "/api/auth/mfa/enroll/begin", own, "{}");
        app_codes app(text_of(begun, "secret"));
        (void)call(page::other, 200, "POST", "/api/auth/mfa/enroll/confirm", own,
                   body_of({{"code", app.next()}}));
        mails_.expect(address(), true);
        (void)call(page::slugbase_disable, 200, "POST", "/api/auth/mfa/disable", own,
                   body_of({{"code", app.next()}}));
        mails_.expect(address(), false);
    }

private:
    std::string access_;
};

// Login and step-up with password and code; TOTP on, e-mail off and on, TOTP off.
class native_person : public person {
public:
    using person::person;
    void begin() override {
        (void)call(page::other, 200, "POST", "/api/auth/register?send-email=false", {},
                   body_of({{"email", address()}, {"password", password}, {"name", "Churn"}}));
        log_in(nullptr);
    }
    void cycle() override {
        step_up(nullptr);
        const auto begun = call(page::other, 200, "GET", "/api/auth/2fa/totp/setup", own());
        app_codes app(text_of(begun, "secret"));
        (void)call(page::other, 200, "POST", "/api/auth/2fa/totp/setup", own(),
                   body_of({{"token", text_of(begun, "token")}, {"code", app.next()}}));
        mails_.expect(address(), true);
        log_in(&app);
        step_up(&app);
        (void)call(page::native_disable_email, 200, "DELETE", "/api/auth/2fa/email", own());
        mails_.expect(address(), false);
        mails_.forget_codes(address());
        (void)call(page::other, 200, "POST", "/api/auth/2fa/email/send", own());
        (void)call(page::other, 200, "POST", "/api/auth/2fa/email/enable", own(),
                   body_of({{"code", mails_.wait_for_code(address())}}));
        mails_.expect(address(), true);
        (void)call(page::native_disable_totp, 200, "DELETE", "/api/auth/2fa/totp", own());
        mails_.expect(address(), false);
    }

private:
    [[nodiscard]] tests::http_headers own() const {
        return {{"Authorization", "Bearer " + access_}, {"X-Step-Up-Token", step_up_}};
    }
    // With the app's code, or with a mailed one.
    std::string proof(app_codes* app) {
        return app != nullptr ? body_of({{"totp", app->next()}})
                              : body_of({{"email", mails_.wait_for_code(address())}});
    }
    void log_in(app_codes* app) {
        mails_.forget_codes(address());
        const auto half = call(page::other, 200, "POST", "/api/auth/login", {},
                               body_of({{"email", address()}, {"password", password}}));
        const auto done =
            call(page::other, 200, "POST", "/api/auth/2fa/login", pending(half), proof(app));
        access_ = text_of(done, "accessToken");
        step_up_.clear();
    }
    void step_up(app_codes* app) {
        mails_.forget_codes(address());
        const auto half = call(page::other, 200, "POST", "/api/auth/step-up", own(),
                               body_of({{"password", password}}));
        auto headers = pending(half);
        headers.emplace_back("Authorization", "Bearer " + access_);
        const auto done =
            call(page::other, 200, "POST", "/api/auth/2fa/step-up", headers, proof(app));
        step_up_ = text_of(done, "stepUpToken");
    }
    static tests::http_headers pending(const tests::http_response& half) {
        return {
            {"X-Two-Factor-Authentication-Token", text_of(half, "twoFactorAuthenticationToken")}};
    }
    std::string access_, step_up_;
};

} // namespace

json::object run_churn(const options& how) {
    tests::load_sink sink;
    product server(how, {{"redis.durability", "always"},
                         {"api.families", "singularity,slugbase,clara,service"},
                         {"clara.private_key", std::string(clara_key)},
                         {"mail.url", sink.url()},
                         {"mail.notifier", "true"},
                         {"policy.mail_cooldown", "0"},
                         {"policy.mails_per_hour", "1000000"},
                         {"policy.mails_per_day", "1000000"},
                         {"policy.alerts.new_login", "false"}});
    mailroom mails;
    std::atomic<bool> ended{false};
    std::thread postman([&] {
        while (!ended) {
            for (const auto& mail : sink.take_mails())
                mails.take(mail);
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    });
    json::object out;
    try {
        std::vector<std::unique_ptr<person>> people;
        for (std::size_t number = 0; number < persons_per_family; ++number) {
            people.push_back(std::make_unique<clara_person>(server, mails, 3 * number));
            people.push_back(std::make_unique<slugbase_person>(server, mails, 3 * number + 1));
            people.push_back(std::make_unique<native_person>(server, mails, 3 * number + 2));
        }
        step(fmt::format("churn: {} people of three kinds", people.size()));
        for (const auto& one : people)
            one->begin();
        const auto seconds = how.seconds * how.rounds;
        const auto processes = server.processes();
        std::array<double, 2> cpu{processor_seconds(processes[0]), processor_seconds(processes[1])};
        const auto before = sink.count();
        const auto begin = clock::now();
        std::vector<std::thread> threads;
        for (const auto& one : people) {
            one->seen = {};
            threads.emplace_back([&one, until = begin + span_of(seconds)] { one->run(until); });
        }
        for (auto& thread : threads)
            thread.join();
        const auto took = std::chrono::duration<double>(clock::now() - begin).count();
        const auto patience = clock::now() + std::chrono::seconds(20);
        while (mails.missing() > 0 && clock::now() < patience)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));

        tally all;
        std::array<std::size_t, 3> cycles{};
        for (std::size_t at = 0; at < people.size(); ++at) {
            all.add(people[at]->seen);
            cycles[at % 3] += people[at]->seen.cycles;
        }
        const auto delays = mails.delays();
        json::object pages;
        for (std::size_t at = 0; at < page_names.size(); ++at)
            pages[page_names[at]] = {
                {"per_s", rounded(static_cast<double>(all.latency[at].count()) / took)},
                {"p50_ms", rounded(all.latency[at].quantile_ms(0.5))},
                {"p99_ms", rounded(all.latency[at].quantile_ms(0.99))}};
        const auto requests = static_cast<double>(all.requests);
        out = {{"people", people.size()},
               {"durability", "always"},
               {"requests_per_s", rounded(requests / took)},
               {"clara_cycles_per_s", rounded(static_cast<double>(cycles[0]) / took)},
               {"slugbase_cycles_per_s", rounded(static_cast<double>(cycles[1]) / took)},
               {"native_cycles_per_s", rounded(static_cast<double>(cycles[2]) / took)},
               {"mails_per_s", rounded(static_cast<double>(sink.count() - before) / took)},
               {"server_cpu_us", rounded((processor_seconds(processes[0]) - cpu[0]) * 1e6 /
                                         std::max(requests, 1.0))},
               {"alerts", delays.count()},
               {"alerts_missing", mails.missing()},
               {"alert_p50_ms", rounded(delays.quantile_ms(0.5))},
               {"alert_p99_ms", rounded(delays.quantile_ms(0.99))},
               {"failures", all.failures},
               {"pages", std::move(pages)}};
        if (all.failures > 0) out["first_bad"] = all.first_failure;
        step(fmt::format("churn: {:.0f} requests/s, {} alerts ({} missing), {} failed {}",
                         requests / took, delays.count(), mails.missing(), all.failures,
                         all.first_failure));
    } catch (...) {
        ended = true;
        postman.join();
        throw;
    }
    ended = true;
    postman.join();
    return out;
}

} // namespace countersign::bench
