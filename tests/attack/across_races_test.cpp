// One code at the doors of four families at the same instant, over many connections: exactly one
// use of it counts, whichever (T-01, T-04, T-05, T-06); and misses there are counted together
// (T-10, T-14).
#include "tests/attack/volley.hpp"
#include "tests/support/account_holder.hpp"
#include "tests/support/scene.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace countersign::tests {
namespace {

// Of each family. Clara's logins check a password each, of which not too many may wait.
constexpr std::size_t at_each_door = 24, at_clara = 6;

enum class code_of : std::uint8_t { app, mail, backup };

std::string request_with(std::string_view target, const http_headers& headers,
                         std::string_view body) {
    std::string bytes = "POST " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n";
    for (const auto& [name, value] : headers)
        bytes.append(name).append(": ").append(value).append("\r\n");
    return bytes +
           "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + std::string(body);
}

class AcrossRaces : public testing::Test {
protected:
    account_holder person() const { return {scene_.server, scene_.sink, key_}; }
    account_holder person_with_app() const {
        auto who = person();
        who.sign_in_natively();
        who.step_up_natively();
        who.enrol_totp();
        return who;
    }

    // What is sent at each door, ready but for the code.
    struct doors {
        std::vector<native_client> native;
        std::vector<slugbase_client> slugbase;
    };
    // The logins that wait for a code, of which an account has eight at the most.
    static doors pending_at(const account_holder& who) {
        doors pending;
        for (int count = 0; count < 3; ++count) {
            pending.native.push_back(who.pending_native_login());
            pending.slugbase.push_back(who.pending_slugbase_login());
        }
        return pending;
    }

    // Mixed, so that no family comes first.
    static std::vector<http_response> present(const account_holder& who, const doors& pending,
                                              code_of what, const std::string& code) {
        std::vector<std::string> requests;
        for (std::size_t turn = 0; turn < at_each_door; ++turn) {
            const auto& native = pending.native[turn % pending.native.size()];
            requests.push_back(
                what == code_of::backup
                    ? request_of(native, "POST", "/api/auth/2fa/totp/recover", code_body(code))
                    : request_of(native, "POST", "/api/auth/2fa/login",
                                 what == code_of::app ? totp_body(code) : email_body(code)));
            requests.push_back(request_with(
                "/api/auth/mfa/verify",
                pending.slugbase[turn % pending.slugbase.size()].credentials(), code_body(code)));
            requests.push_back(request_with(service_client::path_of(who.id) +
                                                (turn % 2 == 0 ? "/verifications" : "/sessions"),
                                            who.backend.credentials(), code_body(code)));
            if (turn % (at_each_door / at_clara) == 0)
                requests.push_back(request_with("/api/v1/auth/session",
                                                {{"Authorization", who.clara.basic()}},
                                                code_body(code)));
        }
        std::ranges::rotate(requests, requests.begin() + static_cast<long>(code.back() % 4));
        return volley(who.server->port(), requests);
    }

    static std::size_t count_taken(const std::vector<http_response>& replies) {
        return static_cast<std::size_t>(std::ranges::count_if(replies, [](const auto& reply) {
            return (reply.status == 200 || reply.status == 201) &&
                   reply.body.find(R"("verified":false)") == std::string::npos &&
                   reply.body.find(R"("twoFactorRequired":true)") == std::string::npos;
        }));
    }

    // Refusals are misses, a pause after them, or too many passwords at once.
    static void expect_one_winner(const std::vector<http_response>& replies) {
        EXPECT_EQ(count_taken(replies), 1u);
        for (const auto& reply : replies)
            EXPECT_TRUE(reply.status == 200 || reply.status == 201 || reply.status == 401 ||
                        reply.status == 422 || reply.status == 429 || reply.status == 503)
                << reply.status << reply.body;
    }

    scene scene_{COUNTERSIGN_PROGRAM, with_all_families({{"threads", "4"}})};
    std::string key_ = make_service_key(COUNTERSIGN_PROGRAM, scene_.server).key;
};

TEST_F(AcrossRaces, OneCodeOfTheAppAtFourDoorsAtOnce_CountsOnce_T01_T04) {
    for (int round = 0; round < 3; ++round) {
        auto who = person_with_app();
        const auto pending = pending_at(who);
        expect_one_winner(present(who, pending, code_of::app, who.app.next()));
    }
}

TEST_F(AcrossRaces, OneBackupCodeAtFourDoorsAtOnce_CountsOnce_T05) {
    for (int round = 0; round < 3; ++round) {
        auto who = person_with_app();
        const auto pending = pending_at(who);
        expect_one_winner(present(who, pending, code_of::backup, who.backup_codes.at(0)));
        EXPECT_EQ(who.backend.view(who.id).at("backupCodesRemaining"), 5);
    }
}

TEST_F(AcrossRaces, OneMailedCodeAtFourDoorsAtOnce_CountsOnce_T06) {
    for (int round = 0; round < 3; ++round) {
        auto who = person();
        who.enable_email_factor();
        const auto pending = pending_at(who);
        expect_one_winner(present(who, pending, code_of::mail, who.mailed_code()));
    }
}

TEST_F(AcrossRaces, OneCodeToSignInAndToRemoveTheFactor_CountsOnce_T04) {
    auto who = person_with_app();
    who.sign_in_at_slugbase();
    const auto pending = pending_at(who);
    const auto code = who.app.next();
    std::vector<std::string> requests;
    for (int turn = 0; turn < 4; ++turn) {
        requests.push_back(request_with("/api/auth/mfa/disable", who.slugbase.credentials(),
                                        proof_body(code, who.password)));
        requests.push_back(
            request_of(pending.native[0], "POST", "/api/auth/2fa/login", totp_body(code)));
        requests.push_back(request_with(service_client::path_of(who.id) + "/verifications",
                                        who.backend.credentials(), code_body(code)));
    }
    EXPECT_EQ(count_taken(volley(who.server->port(), requests)), 1u);
}

TEST_F(AcrossRaces, WrongCodesAtFourDoorsAtOnce_AreEvaluatedFiveTimesInAll_T10_T14) {
    auto who = person_with_app();
    const auto pending = pending_at(who);
    const auto replies = present(who, pending, code_of::app, who.app.wrong());
    std::map<unsigned, std::size_t> by_status;
    std::size_t evaluated = 0;
    for (const auto& reply : replies) {
        ++by_status[reply.status];
        const bool verdict = reply.status == 200 || reply.status == 401 || reply.status == 422;
        if (verdict) ++evaluated;
    }
    EXPECT_EQ(count_taken(replies), 0u);
    EXPECT_EQ(evaluated, 5u);
    EXPECT_EQ(evaluated + by_status[429] + by_status[503], replies.size());
    EXPECT_EQ(who.backend.view(who.id).at("blocked"), true);
}

} // namespace
} // namespace countersign::tests
