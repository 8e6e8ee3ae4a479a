// States of the native API.
#include "tests/contract/state_parts.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace countersign::tests {

namespace {

constexpr std::array<std::string_view, 45> words{"nobody",
                                                 "registered",
                                                 "signed in",
                                                 "stepped up",
                                                 "login pending",
                                                 "step-up pending",
                                                 "with email",
                                                 "with totp",
                                                 "with both",
                                                 "with no factor",
                                                 "factors required",
                                                 "e-mail is no factor",
                                                 "without a password",
                                                 "enrolment begun",
                                                 "code mailed",
                                                 "verification mailed",
                                                 "change mailed",
                                                 "reset mailed",
                                                 "just mailed",
                                                 "verified",
                                                 "address taken",
                                                 "but signed in",
                                                 "but paused",
                                                 "but an ended session",
                                                 "but the account is gone",
                                                 "but the factors are gone",
                                                 "but the store is away",
                                                 "but too many requests",
                                                 "but too many sign-ins",
                                                 "but no access token",
                                                 "but a garbled access token",
                                                 "but an expired access token",
                                                 "but an outlived access token",
                                                 "but no step-up token",
                                                 "but a garbled step-up token",
                                                 "but an expired step-up token",
                                                 "but no two-factor token",
                                                 "but a garbled two-factor token",
                                                 "but an expired two-factor token",
                                                 "but no refresh token",
                                                 "but a garbled refresh token",
                                                 "but an expired refresh token",
                                                 "but an expired mailed code",
                                                 "but an expired enrolment token",
                                                 "but an expired link token"};

namespace json = boost::json;

class native_set_up {
public:
    native_set_up(state wanted, const documented_operation& operation)
        : wanted_(std::move(wanted)), operation_(operation),
          made_(world_of("singularity", wanted_)), ada_(*made_.home) {
        made_.names = {{"ada@example.org", ada_.email},
                       {"countess@example.org", other_address_},
                       {"127.0.0.1", ada_.always.front().second}};
        made_.live["other session id"] = "00000000-0000-4000-8000-000000000000";
    }

    void begin() {
        if (wanted_.has("without a password"))
            open_session();
        else if (!wanted_.has("nobody"))
            register_and_sign_in();
        if (wanted_.has("address taken")) take_other_address();
        if (!ada_.access.empty()) read_session();
        change_afterwards();
        let_expire(wanted_, made_);
    }

    situation present(const state& wanted, const documented_operation& operation) {
        for (const auto& [name, token] :
             {std::pair<std::string_view, std::string*>{"access token", &ada_.access},
              {"step-up token", &ada_.step_up},
              {"two-factor token", &ada_.two_factor},
              {"refresh token", &ada_.refresh}}) {
            if (wanted.has("but no " + std::string(name))) token->clear();
            if (wanted.has("but a garbled " + std::string(name))) *token = garbled_token;
        }
        made_.presented = ada_.always;
        if (wanted.has_any({"but too many requests", "but too many sign-ins"}))
            made_.presented =
                exhausted_client(*made_.home, operation, wanted.has("but too many sign-ins"));
        auto credentials = credentials_of(ada_);
        if (operation.credentials.contains("refresh")) {
            credentials.clear();
            if (!ada_.refresh.empty())
                credentials.emplace_back("Authorization", "Bearer " + ada_.refresh);
        }
        made_.presented.insert(made_.presented.end(), credentials.begin(), credentials.end());
        return std::move(made_);
    }

private:
    void register_and_sign_in() {
        const bool links = wanted_.has_any({"verified", "verification mailed"});
        ada_.register_now(links);
        if (links) made_.live["link token"] = ada_.mailed_link(ada_.email);
        if (wanted_.has("verified"))
            require("POST", "/api/auth/email/verification?token=" + made_.live["link token"]);
        if (wanted_.has_any({"with totp", "with both", "with no factor", "but signed in",
                             "but paused", "but the account is gone",
                             "but the factors are gone"})) {
            ada_.find_account();
            set_factors(wanted_, ada_.account, made_);
        }
        if (made_.app) ada_.app = *made_.app;
        if (wanted_.has_any({"signed in", "step-up pending"})) ada_.sign_in();
        if (wanted_.has("stepped up")) ada_.step_up_now();
        if (wanted_.has("login pending")) require_success(ada_.log_in(), "logging in");
        if (wanted_.has("step-up pending")) require_success(ada_.begin_step_up(), "stepping up");
        if (made_.app) made_.app = ada_.app;
        if (wanted_.has("enrolment begun")) begin_enrolment();
        mail();
    }

    // A backend made the account, and opens sessions of it.
    void open_session() {
        const auto backend = service_key_of(*made_.home);
        const auto subject = backend.subject_with_email();
        ada_.account = text_in(backend.view(subject), "account");
        ada_.email = made_.names.front().second = address_of(subject);
        require_success(backend.about(subject, "POST", "/email-codes"), "asking for a code");
        const json::object body{{"code", ada_.next_mailed_code()}};
        const auto opened = backend.open_session(subject, json::serialize(body));
        require_success(opened, "opening a session");
        ada_.access = text_in(json_of(opened), "accessToken");
    }

    void begin_enrolment() {
        const auto begun = json_of(ada_.call("GET", "/api/auth/2fa/totp/setup"));
        made_.app = authenticator(text_in(begun, "secret"), state_window);
        made_.live["enrolment token"] = text_in(begun, "token");
    }

    void mail() {
        if (wanted_.has("code mailed")) {
            if (!wanted_.has_any({"login pending", "step-up pending"}))
                require("POST", "/api/auth/2fa/email/send");
            made_.live["mailed code"] = ada_.next_mailed_code();
        }
        if (wanted_.has("change mailed")) {
            ada_.step_up_now();
            ask_for_change();
            ada_.step_up.clear();
            made_.live["link token"] = ada_.mailed_link(other_address_);
        }
        if (wanted_.has("reset mailed")) {
            ask_for_reset();
            made_.live["link token"] = ada_.mailed_link(ada_.email);
        }
        if (wanted_.has("just mailed")) mail_like_the_operation();
    }

    void mail_like_the_operation() {
        if (operation_.pattern.starts_with("/api/auth/2fa/email"))
            require("POST", "/api/auth/2fa/email/send");
        else if (operation_.pattern.starts_with("/api/auth/email/verification"))
            require("POST", "/api/auth/email/verification/send");
        else if (operation_.pattern.starts_with("/api/auth/password/reset"))
            ask_for_reset();
        else
            ask_for_change();
    }

    void ask_for_change() { require("PUT", "/api/users/me/email", {{"newEmail", other_address_}}); }

    void ask_for_reset() {
        require("POST", "/api/auth/password/reset-request", {{"email", ada_.email}});
    }

    void take_other_address() {
        native_ada other(*made_.home);
        other.email = other_address_;
        other.register_now();
    }

    void read_session() {
        const auto status = ada_.call("GET", "/api/auth/status");
        require_success(status, "asking for the session");
        made_.live["session id"] = text_in(json_of(status), "sessionId");
    }

    void change_afterwards() {
        const auto backend = service_key_of(*made_.home);
        if (wanted_.has("but signed in")) ada_.access = ada_.session_before;
        if (wanted_.has_any({"but an expired access token", "but an ended session"}))
            require("DELETE", "/api/users/me/sessions");
        if (wanted_.has("but the factors are gone"))
            require_success(backend.put(ada_.account, {{"emailFactor", false}}),
                            "taking her factor away");
        if (wanted_.has("but the account is gone"))
            require_success(backend.about(ada_.account, "DELETE"), "erasing her");
        if (wanted_.has("but paused")) pause_attempts(made_, ada_.account, ada_.email);
    }

    void require(std::string_view method, const std::string& target,
                 const json::object& body = {}) {
        require_success(ada_.call(method, target, body.empty() ? "" : json::serialize(body)),
                        target);
    }

    state wanted_;
    const documented_operation& operation_;
    situation made_;
    native_ada ada_;
    std::string other_address_ = native_client::fresh_email();
};

} // namespace

std::span<const std::string_view> native_words() {
    return words;
}

situation native_state(const state& wanted, const documented_operation& operation) {
    return run_set_up<native_set_up>(wanted, operation);
}

} // namespace countersign::tests
