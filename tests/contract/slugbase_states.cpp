// States of the SlugBase API, which makes no accounts: Ada registers at Clara, and a backend gives
// her account the name and the factors that it has here.
#include "tests/contract/state_parts.hpp"
#include "tests/support/clara_client.hpp"
#include "tests/support/slugbase_client.hpp"

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace countersign::tests {

namespace {

constexpr std::array<std::string_view, 26> words{"nobody",
                                                 "registered",
                                                 "signed in",
                                                 "login pending",
                                                 "with email",
                                                 "with totp",
                                                 "with both",
                                                 "with no factor",
                                                 "factors required",
                                                 "enrolment begun",
                                                 "code mailed",
                                                 "one API token",
                                                 "ten API tokens",
                                                 "but paused",
                                                 "but an ended session",
                                                 "but the account is gone",
                                                 "but the store is away",
                                                 "but too many requests",
                                                 "but too many sign-ins",
                                                 "but no access token",
                                                 "but a garbled access token",
                                                 "but no two-factor token",
                                                 "but a garbled two-factor token",
                                                 "but an expired two-factor token",
                                                 "but an expired mailed code",
                                                 "but no CSRF token"};

constexpr std::string_view session_cookie = "slugbase.sid";
constexpr std::string_view pending_cookie = "slugbase.mfa_pending";

class slugbase_set_up {
public:
    slugbase_set_up(state wanted, const documented_operation&)
        : wanted_(std::move(wanted)), made_(world_of("slugbase", wanted_)), mailbox_(*made_.home) {
        ada_.port = mailbox_.port;
        ada_.email = mailbox_.email;
        ada_.always = fresh_client();
        made_.names = {{"ada@example.org", ada_.email}};
    }

    void begin() {
        if (wanted_.has("nobody")) return;
        register_now();
        if (wanted_.has("signed in")) sign_in();
        if (wanted_.has("login pending")) require_success(ada_.log_in(), "logging in");
        if (wanted_.has("code mailed")) made_.live["mailed code"] = mailbox_.next_mailed_code();
        if (wanted_.has("enrolment begun")) {
            require_success(ada_.begin_enrolment(), "beginning the enrolment");
            made_.app = ada_.app;
        }
        if (wanted_.has("one API token")) make_tokens(1);
        if (wanted_.has("ten API tokens")) make_tokens(10);
        let_expire(wanted_, made_);
        if (wanted_.has("but paused")) pause_attempts(made_, account_, ada_.email);
        if (wanted_.has("but an ended session"))
            require_success(slugbase_client(ada_).call("POST", "/api/auth/logout"), "logging out");
        if (wanted_.has("but the account is gone"))
            require_success(service_key_of(*made_.home).about(account_, "DELETE"), "erasing her");
    }

    situation present(const state& wanted, const documented_operation& operation) {
        if (wanted.has("but no access token")) ada_.cookies.erase(std::string(session_cookie));
        if (wanted.has("but a garbled access token"))
            ada_.cookies[std::string(session_cookie)] = garbled_token;
        if (wanted.has("but no two-factor token")) ada_.cookies.erase(std::string(pending_cookie));
        if (wanted.has("but a garbled two-factor token"))
            ada_.cookies[std::string(pending_cookie)] = garbled_token;
        if (wanted.has("but no CSRF token")) {
            ada_.csrf.clear();
            ada_.cookies.erase("_csrf");
        }
        made_.presented = ada_.always;
        if (wanted.has_any({"but too many requests", "but too many sign-ins"}))
            made_.presented =
                exhausted_client(*made_.home, operation, wanted.has("but too many sign-ins"));
        const auto credentials = ada_.credentials();
        made_.presented.insert(made_.presented.end(), credentials.begin(), credentials.end());
        return std::move(made_);
    }

private:
    void register_now() {
        clara_client registering(ada_.port, made_.home->sink);
        registering.email = ada_.email;
        registering.password = ada_.password;
        registering.always = ada_.always;
        require_success(registering.register_account(), "registering");
        account_ = registering.id;
        const bool email = !wanted_.has("with no factor"); // what is on may have to stay
        require_success(
            service_key_of(*made_.home).put(account_, {{"name", "Ada"}, {"emailFactor", email}}),
            "naming her");
        set_factors(wanted_, account_, made_);
    }

    void sign_in() {
        require_success(ada_.log_in(), "logging in");
        if (ada_.cookies.contains(std::string(pending_cookie)))
            require_success(
                ada_.verify(made_.app ? made_.app->next() : mailbox_.next_mailed_code()),
                "the second factor");
        ada_.take_csrf_token();
    }

    void make_tokens(int count) {
        for (int made = 0; made < count; ++made) {
            ada_.always = fresh_client();
            const auto token = ada_.call("POST", "/api/tokens", R"({"name":"backup job"})");
            require_success(token, "making an API token");
            made_.live["API token id"] = text_in(json_of(token), "id");
        }
    }

    state wanted_;
    situation made_;
    person mailbox_;
    slugbase_client ada_{.window = state_window};
    std::string account_;
};

} // namespace

std::span<const std::string_view> slugbase_words() {
    return words;
}

situation slugbase_state(const state& wanted, const documented_operation& operation) {
    return run_set_up<slugbase_set_up>(wanted, operation);
}

} // namespace countersign::tests
