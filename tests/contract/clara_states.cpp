// States of the Clara API.
#include "tests/contract/clara.hpp"
#include "tests/contract/state_parts.hpp"

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace countersign::tests {

namespace {

constexpr std::array<std::string_view, 19> words{"nobody",
                                                 "registered",
                                                 "active",
                                                 "signed in",
                                                 "as client",
                                                 "as administrator",
                                                 "with email",
                                                 "factors required",
                                                 "code mailed",
                                                 "verification mailed",
                                                 "reset mailed",
                                                 "just mailed",
                                                 "but paused",
                                                 "but the account is gone",
                                                 "but the store is away",
                                                 "but too many requests",
                                                 "but no credential",
                                                 "but of another user",
                                                 "but an expired mailed code"};

constexpr std::string_view activation_subject = "Confirm your e";

class clara_set_up {
public:
    clara_set_up(state wanted, const documented_operation&)
        : wanted_(std::move(wanted)), made_(world_of("clara", wanted_)),
          ada_(newcomer(*made_.home)) {
        ada_.password = ada_password;
        ada_.always = fresh_client();
        made_.names = {{"ada@example.org", ada_.email}};
        made_.live["no code type"] = "TWO_FACTOR";
    }

    void begin() {
        if (wanted_.has("nobody")) return;
        require_success(ada_.register_account(), "registering");
        if (wanted_.has_any({"active", "signed in"}) && !wanted_.has("registered")) activate();
        if (wanted_.has("verification mailed"))
            made_.live["mailed code"] = ada_.next_code(activation_subject);
        set_factors(wanted_, ada_.id, made_);
        if (wanted_.has("signed in") && wanted_.has("with email"))
            require_success(ada_.log_in_with(ada_.two_factor_code()), "logging in");
        if (wanted_.has("code mailed")) made_.live["mailed code"] = ada_.two_factor_code();
        if (wanted_.has("reset mailed")) {
            require_success(ada_.ask_for_code("CHANGE_PASSWORD"), "asking for a code");
            made_.live["mailed code"] = ada_.next_code("Reset your");
        }
        if (wanted_.has("just mailed"))
            require_success(ada_.ask_for_code("TWO_FACTOR_AUTH"), "asking for a code");
        made_.live["user id"] = ada_.id;
        let_expire(wanted_, made_);
        if (wanted_.has("but paused")) pause_attempts(made_, ada_.id, ada_.email);
        if (wanted_.has("but the account is gone"))
            require_success(ada_.as_administrator("DELETE", ada_.by_id()), "erasing her");
    }

    situation present(const state& wanted, const documented_operation& operation) {
        made_.presented = wanted.has("but too many requests")
                              ? exhausted_client(*made_.home, operation, false)
                              : ada_.always;
        if (const auto value = authorization(wanted, operation); !value.empty())
            made_.presented.emplace_back("Authorization", value);
        return std::move(made_);
    }

private:
    void activate() {
        require_success(ada_.as_client("POST", ada_.by_email("/activate"),
                                       clara_code(ada_.next_code(activation_subject))),
                        "activating");
    }

    // What the state says, or else what the route takes.
    [[nodiscard]] std::string authorization(const state& wanted,
                                            const documented_operation& operation) const {
        if (wanted.has("but no credential")) return "";
        if (wanted.has("but of another user")) {
            auto other = newcomer(*made_.home);
            other.always = fresh_client();
            require_success(other.register_account(), "registering somebody else");
            require_success(other.as_client("POST", other.by_email("/activate"),
                                            clara_code(other.next_code(activation_subject))),
                            "activating somebody else");
            return other.bearer();
        }
        if (wanted.has_any({"as administrator", "but the account is gone"}))
            return std::string(clara_private_key);
        if (wanted.has("as client")) return std::string(clara_public_key);
        if (wanted.has("signed in")) return ada_.bearer();
        return operation.credentials.contains("password") ? ada_.basic() : "";
    }

    state wanted_;
    situation made_;
    clara_client ada_;
};

} // namespace

std::span<const std::string_view> clara_words() {
    return words;
}

situation clara_state(const state& wanted, const documented_operation& operation) {
    return run_set_up<clara_set_up>(wanted, operation);
}

} // namespace countersign::tests
