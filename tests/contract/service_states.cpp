// States of the service API: a backend with a service key, and its subject acme-42.
#include "tests/contract/state_parts.hpp"
#include "tests/support/passkey_user.hpp"

#include <boost/json/serialize.hpp>

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace countersign::tests {

namespace {

constexpr std::array<std::string_view, 27> words{"nobody",
                                                 "subject",
                                                 "address taken",
                                                 "with email",
                                                 "with totp",
                                                 "with both",
                                                 "with no factor",
                                                 "with ten apps",
                                                 "passkeys off",
                                                 "with a passkey",
                                                 "with ten passkeys",
                                                 "passkey begun",
                                                 "passkey asked",
                                                 "factors required",
                                                 "e-mail is no factor",
                                                 "enrolment begun",
                                                 "code mailed",
                                                 "with a session",
                                                 "just mailed",
                                                 "but paused",
                                                 "but the store is away",
                                                 "but no service key",
                                                 "but an unknown service key",
                                                 "but a key without the scope",
                                                 "but a malformed subject",
                                                 "but an expired mailed code",
                                                 "but an expired enrolment token"};

class service_set_up {
public:
    service_set_up(state wanted, const documented_operation&)
        : wanted_(std::move(wanted)), made_(world_of("service", wanted_)),
          backend_(service_key_of(*made_.home)) {
        made_.live["unknown account id"] = "user_00000000000000000000000000000000";
    }

    void begin() {
        if (wanted_.has("address taken"))
            require_success(
                backend_.put(service_client::fresh_subject(), {{"email", address_of(subject_)}}),
                "taking the address");
        if (wanted_.has("subject")) put_subject();
        let_expire(wanted_, made_);
        if (wanted_.has("but paused")) pause_attempts(made_, subject_, "");
    }

    situation present(const state& wanted, const documented_operation& operation) {
        made_.names = {{"ada@example.org", address_of(subject_)},
                       {"acme-42", wanted.has("but a malformed subject") ? "%20" : subject_},
                       {"acme-43", service_client::fresh_subject()}};
        if (!access_.empty()) made_.names.emplace_back("mF_9.B5f-4.1JqM", access_);
        made_.presented = fresh_client();
        if (const auto key = presented_key(wanted, operation); !key.empty())
            made_.presented.emplace_back("Authorization", "Bearer " + key);
        return std::move(made_);
    }

private:
    void put_subject() {
        require_success(
            backend_.put(subject_,
                         {{"email", address_of(subject_)}, {"name", "Ada"}, {"locale", "de"}}),
            "creating the subject");
        set_factors(wanted_, subject_, made_);
        if (wanted_.has("with ten apps"))
            for (int count = 0; count < 10; ++count)
                (void)backend_.enrol(subject_, state_window);
        if (wanted_.has("enrolment begun")) {
            const auto begun = json_of(backend_.about(subject_, "POST", "/totp"));
            made_.app = authenticator(text_in(begun, "secret"), state_window);
            made_.live["pending factor id"] = text_in(begun, "factorId");
        }
        set_passkeys();
        if (wanted_.has_any({"code mailed", "just mailed"}))
            require_success(backend_.about(subject_, "POST", "/email-codes"), "asking for a code");
        if (wanted_.has("with a session"))
            access_ = text_in(json_of(backend_.open_session(subject_)), "accessToken");
        if (wanted_.has("code mailed"))
            made_.live["mailed code"] = mailed_code(made_.home->sink, address_of(subject_));
    }

    void set_passkeys() {
        if (!wanted_.has_any({"with a passkey", "with ten passkeys", "passkey begun"})) return;
        const passkey_user ada{backend_, subject_};
        const passkey_device key;
        const auto as_text = [](const boost::json::object& credential) {
            return boost::json::serialize(credential);
        };
        if (wanted_.has("with ten passkeys"))
            for (int count = 0; count < 10; ++count)
                (void)ada.enrol(passkey_device());
        if (wanted_.has("with a passkey")) {
            (void)ada.enrol(key);
            made_.live["old assertion"] = as_text(key.get_json("b2YgeWVzdGVyZGF5"));
        }
        if (wanted_.has("passkey asked")) {
            const auto challenge = ada.challenge();
            auto other = key;
            other.signature = "no signature";
            made_.live["assertion"] = as_text(key.get_json(challenge));
            made_.live["wrong assertion"] = as_text(other.get_json(challenge));
        }
        if (wanted_.has("passkey begun")) {
            const auto begun = ada.begin();
            auto foreign = key;
            foreign.origin = "https://attacker.test";
            made_.live["pending passkey id"] = begun.factor;
            made_.live["registration"] = as_text(key.create_json(begun.challenge));
            made_.live["foreign registration"] = as_text(foreign.create_json(begun.challenge));
        }
    }

    [[nodiscard]] std::string presented_key(const state& wanted,
                                            const documented_operation& operation) const {
        if (wanted.has("but no service key")) return "";
        if (wanted.has("but an unknown service key")) return "csk_" + std::string(43, 'x');
        if (!wanted.has("but a key without the scope")) return backend_.key;
        return service_key_of(*made_.home,
                              operation.credentials.contains("import") ? "verify" : "import")
            .key;
    }

    state wanted_;
    situation made_;
    service_client backend_;
    std::string subject_ = service_client::fresh_subject();
    std::string access_; // of the session
};

} // namespace

std::span<const std::string_view> service_words() {
    return words;
}

situation service_state(const state& wanted, const documented_operation& operation) {
    return run_set_up<service_set_up>(wanted, operation);
}

} // namespace countersign::tests
