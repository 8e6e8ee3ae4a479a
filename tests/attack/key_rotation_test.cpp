// The server's keys are replaced while people and backends are at work.
#include "net/families/service/key_cache.hpp"
#include "tests/support/account_holder.hpp"
#include "tests/support/program_run.hpp"
#include "tests/support/scene.hpp"
#include "tests/support/service_client.hpp"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include <atomic>
#include <csignal>
#include <fstream>
#include <functional>
#include <iterator>
#include <mutex>
#include <sstream>
#include <thread>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;

std::string keys_of(const scene& stage) {
    std::ifstream file(stage.server.data_dir() / "data" / "keys.json");
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> keys_words(const scene& stage, std::vector<std::string> words) {
    words.insert(words.begin(), "keys");
    words.push_back("--data_dir=" + (stage.server.data_dir() / "data").string());
    return words;
}

program_run::ending run_keys(const scene& stage, std::vector<std::string> words) {
    program_run command(COUNTERSIGN_PROGRAM, keys_words(stage, std::move(words)));
    return command.wait();
}

void expect_done(const program_run::ending& ended) {
    EXPECT_EQ(ended.status, 0) << ended.out << ended.errors;
}

std::size_t changes_logged(const scene& stage) {
    const auto log = stage.server.log();
    std::size_t count = 0;
    for (auto at = log.find("every thread uses"); at != std::string::npos;
         at = log.find("every thread uses", at + 1))
        ++count;
    return count;
}

// SIGHUP, and the wait until every thread has changed over.
void hang_up(const scene& stage) {
    const auto before = changes_logged(stage);
    ASSERT_EQ(::kill(stage.server.process(), SIGHUP), 0);
    for (int tries = 0; tries < 500 && changes_logged(stage) == before; ++tries)
        std::this_thread::sleep_for(10ms);
    ASSERT_EQ(changes_logged(stage), before + 1) << stage.server.log();
}

service_client backend_of(const scene& stage) {
    return {.port = stage.server.port(),
            .key = make_service_key(COUNTERSIGN_PROGRAM, stage.server).key};
}

// Clients that begin anew again and again until they are told to stop; what they throw is kept.
class busy_clients {
public:
    explicit busy_clients(std::vector<std::function<void()>> rounds) {
        for (auto& round : rounds)
            threads_.emplace_back([this, round = std::move(round)] { work(round); });
    }
    ~busy_clients() { stop(); }
    busy_clients(const busy_clients&) = delete;
    busy_clients& operator=(const busy_clients&) = delete;

    void stop() {
        stopping_ = true;
        for (auto& thread : threads_)
            if (thread.joinable()) thread.join();
    }
    // Waits for so many more rounds.
    void await(int more) const {
        for (const int wanted = rounds_ + more; rounds_ < wanted;)
            std::this_thread::sleep_for(5ms);
    }
    [[nodiscard]] int rounds() const { return rounds_; }
    [[nodiscard]] std::string failures() {
        const std::lock_guard lock(mutex_);
        return failures_;
    }

private:
    void work(const std::function<void()>& round) {
        while (!stopping_) {
            try {
                round();
            } catch (const std::exception& error) {
                const std::lock_guard lock(mutex_);
                failures_ += std::string(error.what()) + '\n';
            }
            ++rounds_;
        }
    }

    std::atomic<bool> stopping_ = false;
    std::atomic<int> rounds_ = 0;
    std::mutex mutex_;
    std::string failures_;
    std::vector<std::thread> threads_;
};

void require_status(const http_response& got, unsigned status, const char* what) {
    if (got.status != status)
        throw std::runtime_error(std::string(what) + ": " + std::to_string(got.status) + " " +
                                 got.body);
}

http_response introspect(const service_client& backend, const std::string& token) {
    return backend.call("POST", "/api/service/v1/introspect", "token=" + token,
                        {{"Content-Type", "application/x-www-form-urlencoded"}});
}

// Enrols, verifies by app and backup code, opens a session, and asks whether it stands.
void backends_round(const service_client& backend) {
    const auto subject = backend.subject_without_factors();
    auto enrolled = backend.enrol(subject, scene_totp_window);
    for (const auto& code : {enrolled.app.next(), enrolled.backup_codes.at(0)}) {
        const auto verified = backend.verify(subject, code);
        if (verified.body.find(R"("verified":true)") == std::string::npos)
            throw std::runtime_error("not verified: " + verified.body);
    }
    const auto opened = backend.open_session(subject, code_body(enrolled.app.next()));
    require_status(opened, 201, "opening a session");
    const auto asked = introspect(backend, text_in(json_of(opened), "accessToken"));
    if (asked.body.find(R"("active":true)") == std::string::npos)
        throw std::runtime_error("not active: " + asked.body);
}

// Registers, logs in, steps up, enrols, logs in and steps up again, refreshes.
void persons_round(const scene& stage) {
    auto who = stage.person_with_totp();
    require_status(who.call("GET", "/api/users/me"), 200, "reading the profile");
}

TEST(KeyRotation, OfAllKeysWhileClientsWork_NoRequestFailsAndOldTokensStillPass) {
    scene stage(COUNTERSIGN_PROGRAM, {{"threads", "4"}});
    const auto backend = backend_of(stage);
    auto before = stage.person_with_totp();
    const auto refreshes = stage.person();
    auto mailed = stage.person_with_email();
    const auto subject = backend.subject_without_factors();
    auto enrolled = backend.enrol(subject, scene_totp_window);
    const auto first_keys = keys_of(stage);

    busy_clients clients({[&] { backends_round(backend); }, [&] { backends_round(backend); },
                          [&] { persons_round(stage); }, [&] { persons_round(stage); }});
    clients.await(4);
    const std::string eddsa = "--tokens.algorithm=EdDSA";
    expect_done(run_keys(
        stage, {"rotate", "--tokens", "--encryption", "--pepper", eddsa, "--change-algorithm"}));
    hang_up(stage);
    clients.await(8);
    // As with several servers.
    expect_done(
        run_keys(stage, {"rotate", "--tokens", "--encryption", "--pepper", "--stage", eddsa}));
    hang_up(stage);
    clients.await(4);
    expect_done(run_keys(stage, {"rotate", "--activate"}));
    hang_up(stage);
    // A service key moves when it is looked up, which each thread does once a second.
    std::this_thread::sleep_for(net::service::key_cache::life);
    clients.await(8);
    const auto resealed = run_keys(stage, {"reseal"});
    expect_done(resealed);
    EXPECT_NE(resealed.out.find("unreadable 0"), std::string::npos) << resealed.out;
    clients.await(4);
    clients.stop();
    EXPECT_EQ(clients.failures(), "") << clients.rounds() << " rounds";

    // What was issued before still counts.
    EXPECT_EQ(before.call("GET", "/api/users/me").status, 200u);
    EXPECT_NE(introspect(backend, before.access).body.find(R"("active":true)"), std::string::npos);
    EXPECT_NE(introspect(backend, refreshes.refresh).body.find(R"("active":true)"),
              std::string::npos);
    EXPECT_EQ(http_request(refreshes.port, "POST", "/api/auth/refresh",
                           {{"Authorization", "Bearer " + refreshes.refresh}})
                  .status,
              200u);
    EXPECT_EQ(introspect(backend, refreshes.refresh).body, R"({"active":false})");
    EXPECT_EQ(mailed.call("GET", "/api/users/me").status, 200u);
    EXPECT_NE(backend.verify(subject, enrolled.app.next()).body.find(R"("verified":true)"),
              std::string::npos);
    EXPECT_NE(backend.verify(subject, enrolled.backup_codes.at(0)).body.find(R"("verified":true)"),
              std::string::npos);

    // Backup codes of before are known by the old peppers alone.
    const auto refused = run_keys(stage, {"retire"});
    EXPECT_EQ(refused.status, 1) << refused.out;
    EXPECT_NE(refused.out.find("backup codes"), std::string::npos) << refused.out;
    EXPECT_NE(refused.out.find("may be in use until"), std::string::npos) << refused.out;
    expect_done(run_keys(stage, {"retire", "--now"}));
    hang_up(stage);
    const auto last_keys = keys_of(stage);
    EXPECT_EQ(last_keys.find("\"unnamed\""), std::string::npos);
    for (std::size_t at = first_keys.find("\"id\":\""); at != std::string::npos;
         at = first_keys.find("\"id\":\"", at + 1))
        EXPECT_EQ(last_keys.find(first_keys.substr(at, 23)), std::string::npos);
    EXPECT_EQ(before.call("GET", "/api/users/me").status, 401u);
    EXPECT_EQ(introspect(backend, before.access).body, R"({"active":false})");

    EXPECT_EQ(stage.server.stop(), 0);
    stage.server.start();
    before.forget_tokens();
    before.log_in_with_totp();
    EXPECT_EQ(before.call("GET", "/api/users/me").status, 200u);
    EXPECT_NE(backend.verify(subject, enrolled.app.next()).body.find(R"("verified":true)"),
              std::string::npos);
    EXPECT_EQ(backend.put(service_client::fresh_subject(), {{"email", before.email}}).status, 409u);
    backends_round(backend);
    persons_round(stage);
}

std::string import_lines(int count) {
    std::string lines;
    for (int number = 0; number < count; ++number) {
        const auto name = "kept-" + std::to_string(number);
        lines += R"({"subject":")" + name + R"(","email":")" + name +
                 R"(@example.org","totp":["otpauth://totp/A:a?secret=)"
                 R"(JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"]})"
                 "\n";
    }
    return lines;
}

// How many secrets the key of that state has, by `keys show --use`.
int secrets_under(const scene& stage, std::string_view state) {
    const auto shown = run_keys(stage, {"show", "--use"});
    EXPECT_EQ(shown.status, 0) << shown.errors;
    std::istringstream lines(shown.out);
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with("encryption") && line.find(state) != std::string::npos) {
            const auto end = line.rfind(" secrets");
            return std::stoi(line.substr(line.rfind(' ', end - 1) + 1));
        }
    return 0;
}

TEST(KeyRotation, ResealKilledHalfWay_GoesOnWhereItWasAndLosesNothing) {
    constexpr int count = 2000;
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto backend = backend_of(stage);
    ASSERT_EQ(backend.import(import_lines(count)).status, 200u);
    expect_done(run_keys(stage, {"rotate", "--encryption"}));
    hang_up(stage);
    ASSERT_EQ(secrets_under(stage, " old"), count);

    int left = count;
    for (auto patience = 40ms; left == count && patience < 5s; patience += 40ms) {
        program_run killed(COUNTERSIGN_PROGRAM, keys_words(stage, {"reseal"}));
        std::this_thread::sleep_for(patience);
        killed.signal(SIGKILL);
        (void)killed.wait();
        left = secrets_under(stage, " old");
    }
    ASSERT_GT(left, 0);
    ASSERT_LT(left, count);
    EXPECT_EQ(secrets_under(stage, " current"), count - left);
    const auto early = run_keys(stage, {"retire", "--encryption", "--now"});
    EXPECT_EQ(early.status, 1);
    EXPECT_NE(early.out.find(std::to_string(left) + " secrets are sealed under it"),
              std::string::npos)
        << early.out;

    const auto rest = run_keys(stage, {"reseal"});

    expect_done(rest);
    EXPECT_NE(rest.out.find("sealed anew " + std::to_string(left)), std::string::npos) << rest.out;
    EXPECT_EQ(secrets_under(stage, " old"), 0);
    expect_done(run_keys(stage, {"retire", "--encryption", "--now"}));
    hang_up(stage);
    authenticator app("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", 0);
    EXPECT_NE(backend.verify("kept-7", app.next()).body.find(R"("verified":true)"),
              std::string::npos);
}

TEST(KeyRotation, AnyCommitOfAnAccount_SealsItsSecretsAnew) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto backend = backend_of(stage);
    const auto subject = backend.subject_without_factors();
    auto enrolled = backend.enrol(subject, scene_totp_window);
    expect_done(run_keys(stage, {"rotate", "--encryption"}));
    hang_up(stage);
    EXPECT_EQ(secrets_under(stage, " old"), 1);

    (void)backend.verify(subject, enrolled.app.next());

    EXPECT_EQ(secrets_under(stage, " old"), 0);
    EXPECT_EQ(secrets_under(stage, " current"), 1);
}

TEST(KeyRotation, TokenKeysRetiredAtOnce_EndEverySessionAtEveryDoor) {
    const scene stage(COUNTERSIGN_PROGRAM, with_all_families());
    account_holder who(stage.server, stage.sink, backend_of(stage).key);
    who.sign_in_natively();
    who.sign_in_at_slugbase();
    who.sign_in_at_clara();
    native_client vouched{.port = who.native.port};
    vouched.access = text_in(json_of(who.backend.open_session(who.id)), "accessToken");
    const auto statuses = [&] {
        return std::vector{who.native.call("GET", "/api/users/me").status,
                           who.slugbase.call("GET", "/api/auth/me").status,
                           who.clara.as_user("GET", who.clara.by_id()).status,
                           vouched.call("GET", "/api/users/me").status};
    };
    ASSERT_EQ(statuses(), std::vector<unsigned>(4, 200));
    const auto refresh = who.native.refresh;

    expect_done(run_keys(stage, {"rotate", "--tokens"}));
    hang_up(stage);
    EXPECT_EQ(statuses(), std::vector<unsigned>(4, 200)) << "a rotation alone ends nothing";
    expect_done(run_keys(stage, {"retire", "--tokens", "--now"}));
    hang_up(stage);

    EXPECT_EQ(statuses(), std::vector<unsigned>(4, 401));
    EXPECT_EQ(http_request(who.native.port, "POST", "/api/auth/refresh",
                           {{"Authorization", "Bearer " + refresh}})
                  .status,
              401u);
    who.sign_in_natively();
    EXPECT_EQ(who.native.call("GET", "/api/users/me").status, 200u);
}

TEST(KeyRotation, ForeignOrBrokenFileAtSighup_IsLoggedAndTheKeysInUseStay) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person();
    const scene other(COUNTERSIGN_PROGRAM);
    const auto file = stage.server.data_dir() / "data" / "keys.json";
    for (const auto& [text, says] :
         {std::pair<std::string, std::string>{"{", "is not JSON; the keys in use stay"},
          {keys_of(other), "has other keys than those in use, which stay"}}) {
        std::ofstream(file, std::ios::trunc) << text;
        ASSERT_EQ(::kill(stage.server.process(), SIGHUP), 0);
        EXPECT_TRUE(stage.server.has_logged(says)) << stage.server.log();
        EXPECT_EQ(who.call("GET", "/api/users/me").status, 200u);
    }
}

TEST(KeySet, WithEddsa_IsPublishedAndWithHs256ThereIsNone) {
    const scene symmetric(COUNTERSIGN_PROGRAM);
    const auto none = http_request(symmetric.server.port(), "GET", "/.well-known/jwks.json");
    const auto nothing = http_request(symmetric.server.port(), "GET", "/.well-known/nothing");
    EXPECT_EQ(none.status, 404u);
    EXPECT_EQ(none.status, nothing.status);

    const scene stage(COUNTERSIGN_PROGRAM, {{"tokens.algorithm", "EdDSA"}});
    const auto reply = http_request(stage.server.port(), "GET", "/.well-known/jwks.json");
    EXPECT_EQ(reply.status, 200u);
    EXPECT_NE(reply.body.find(R"("crv":"Ed25519")"), std::string::npos) << reply.body;
    const auto public_keys = reply.body;
    EXPECT_EQ(run_keys(stage, {"rotate", "--tokens"}).status, 1); // another algorithm, unsaid
    expect_done(run_keys(stage, {"rotate", "--tokens", "--tokens.algorithm=EdDSA"}));
    hang_up(stage);
    const auto both = http_request(stage.server.port(), "GET", "/.well-known/jwks.json").body;
    EXPECT_GT(both.size(), public_keys.size());
    // The old one is still there, for tokens that live.
    const auto x = public_keys.substr(public_keys.find("\"x\":"), 48);
    EXPECT_NE(both.find(x), std::string::npos);
}

} // namespace
} // namespace countersign::tests
