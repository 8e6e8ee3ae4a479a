// Every kind of token in the place of every other kind is refused.
#include "tests/support/scene.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>

namespace countersign::tests {
namespace {

using token_set = std::map<std::string, std::string>; // by kind

struct place {
    std::string name;
    std::string takes;                                        // the one kind that belongs here
    std::function<http_response(const std::string&)> present; // a token
};

// The mail with the code that answers the pending login, the last of those that minting causes.
constexpr std::size_t last_code = 4;

// One person's tokens of all kinds, minted by the real flows, all live at the same time.
struct minted {
    native_client who;
    token_set tokens;
};

minted mint(const scene& stage) {
    minted made{stage.person_with_email(), {}};
    auto& who = made.who;
    made.tokens["totp set-up"] =
        text_in(json_of(who.call("GET", "/api/auth/2fa/totp/setup")), "token");
    (void)who.call("POST", "/api/auth/email/verification/send");
    made.tokens["verification link"] = mailed_token(stage.sink, who.email);
    (void)who.call("POST", "/api/auth/password/reset-request", R"({"email":")" + who.email + "\"}");
    made.tokens["reset link"] = mailed_token(stage.sink, who.email, 2);
    made.tokens["access"] = who.access;
    made.tokens["refresh"] = who.refresh;
    made.tokens["step-up"] = who.step_up;
    made.tokens["pending step-up"] = stage.pending_step_ups(who, 1).front().two_factor;
    made.tokens["pending login"] = stage.pending_logins(who, 1).front().two_factor;
    return made;
}

http_headers bearer(const std::string& token) {
    return {{"Authorization", "Bearer " + token}};
}

http_headers joined(http_headers left, const http_headers& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

std::vector<place> places_of(std::uint16_t port, const minted& with, const std::string& code) {
    const auto send = [port](const char* method, std::string target, const http_headers& headers,
                             const std::string& body = {}) {
        return http_request(port, method, target, headers, body);
    };
    const auto access = bearer(with.who.access);
    const auto step_up = joined(access, {{"X-Step-Up-Token", with.who.step_up}});
    const std::string prefer = R"({"method":"email"})";
    const std::string two_factor = "X-Two-Factor-Authentication-Token";
    return {
        {"access header", "access",
         [=](const auto& token) { return send("GET", "/api/users/me", bearer(token)); }},
        {"access cookie", "access",
         [=](const auto& token) {
             return send("GET", "/api/users/me", {{"Cookie", "access_token=" + token}});
         }},
        {"step-up header", "step-up",
         [=](const auto& token) {
             return send("POST", "/api/auth/2fa/preferred-method",
                         joined(access, {{"X-Step-Up-Token", token}}), prefer);
         }},
        {"step-up cookie", "step-up",
         [=](const auto& token) {
             return send("POST", "/api/auth/2fa/preferred-method",
                         joined(access, {{"Cookie", "step_up_token=" + token}}), prefer);
         }},
        {"set-up token", "totp set-up",
         [=](const auto& token) {
             return send("POST", "/api/auth/2fa/totp/setup", step_up,
                         R"({"code":"000000","token":")" + token + "\"}");
         }},
        {"verification query", "verification link",
         [=](const auto& token) {
             return send("POST", "/api/auth/email/verification?token=" + token, {});
         }},
        {"pending step-up", "pending step-up",
         [=](const auto& token) {
             return send("POST", "/api/auth/2fa/step-up", joined(access, {{two_factor, token}}),
                         email_body(code));
         }},
        {"pending login", "pending login",
         [=](const auto& token) {
             return send("POST", "/api/auth/2fa/login", {{two_factor, token}}, email_body(code));
         }},
        {"pending login for recovery", "",
         [=](const auto& token) {
             return token == with.tokens.at("pending login") ||
                            token == with.tokens.at("pending step-up")
                        ? http_response{.status = 401} // belongs here: another test's business
                        : send("POST", "/api/auth/2fa/totp/recover", {{two_factor, token}},
                               code_body("AAAAAAAAAAA"));
         }},
        {"refresh header", "refresh",
         [=](const auto& token) { return send("POST", "/api/auth/refresh", bearer(token)); }},
        {"refresh cookie", "",
         [=](const auto& token) {
             return token == with.tokens.at("refresh")
                        ? http_response{.status = 401} // single use, and used above
                        : send("POST", "/api/auth/refresh", {{"Cookie", "refresh_token=" + token}});
         }},
        {"reset query", "reset link",
         [=](const auto& token) {
             return send("POST", "/api/auth/password/reset?token=" + token, {},
                         R"({"newPassword":"Another-Horse-8"})");
         }},
    };
}

TEST(TokenConfusion, EachKindInPlaceOfEachOther_IsRefused) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto made = mint(stage);
    const auto code = stage.code_mail(made.who.email, last_code);
    const auto places = places_of(stage.server.port(), made, code);
    for (const auto& where : places)
        for (const auto& [kind, token] : made.tokens) {
            if (kind == where.takes) continue;
            const auto reply = where.present(token);
            EXPECT_EQ(reply.status, 401) << kind << " as " << where.name << ": " << reply.body;
            EXPECT_TRUE(reply.set_cookies().empty());
        }
}

TEST(TokenConfusion, EachKindInItsOwnPlace_IsTaken) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto made = mint(stage);
    const auto code = stage.code_mail(made.who.email, last_code);
    for (const auto& where : places_of(stage.server.port(), made, code)) {
        // The one mailed code proves one of the two, the set-up's code is made up.
        if (where.takes.empty() || where.takes == "pending login") continue;
        const auto reply = where.present(made.tokens.at(where.takes));
        if (where.takes == "totp set-up")
            EXPECT_EQ(error_code_of(reply), "WRONG_TWO_FACTOR_CODE");
        else
            EXPECT_EQ(reply.status, 200) << where.name << ": " << reply.body;
    }
}

TEST(TokenConfusion, TokensOfAnotherUser_AreRefused) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto owner = mint(stage);
    const auto thief = mint(stage);
    const auto code = stage.code_mail(thief.who.email, last_code);
    auto mixed = thief.who;
    mixed.step_up = owner.who.step_up;
    EXPECT_EQ(error_code_of(
                  mixed.call("POST", "/api/auth/2fa/preferred-method", R"({"method":"email"})")),
              "STEP_UP_TOKEN_INVALID");
    mixed = thief.who;
    EXPECT_EQ(error_code_of(mixed.call("POST", "/api/auth/2fa/totp/setup",
                                       R"({"code":"000000","token":")" +
                                           owner.tokens.at("totp set-up") + "\"}")),
              "TOTP_SETUP_TOKEN_INVALID");
    mixed.two_factor = owner.tokens.at("pending step-up");
    EXPECT_EQ(error_code_of(mixed.complete_step_up(email_body(code))),
              "TWO_FACTOR_AUTHENTICATION_TOKEN_INVALID");
}

TEST(TokenConfusion, TamperedTokens_AreRefused) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto who = stage.person();
    const auto& good = who.access;
    const auto first_dot = good.find('.');
    const auto second_dot = good.find('.', first_dot + 1);
    const auto payload = good.substr(first_dot, second_dot - first_dot);
    // {"alg":"none","typ":"access"} and the like: whatever a header says, the key's algorithm
    // holds.
    for (const auto& header : {"eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzUxMiJ9", "e30"})
        for (const auto& signature : {std::string("."), good.substr(second_dot)})
            EXPECT_EQ(http_request(stage.server.port(), "GET", "/api/users/me",
                                   bearer(header + payload + signature))
                          .status,
                      401);
    for (const auto at : {std::size_t{3}, first_dot + 3, second_dot + 3}) {
        auto changed = good;
        changed[at] = changed[at] == 'A' ? 'B' : 'A';
        EXPECT_EQ(http_request(stage.server.port(), "GET", "/api/users/me", bearer(changed)).status,
                  401);
    }
    EXPECT_EQ(http_request(stage.server.port(), "GET", "/api/users/me", bearer(good)).status, 200);
}

} // namespace
} // namespace countersign::tests
