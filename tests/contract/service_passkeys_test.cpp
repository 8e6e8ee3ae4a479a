// Passkeys over HTTP: what a backend hands to a browser, and what it sends back.
#include "tests/contract/service.hpp"
#include "tests/support/passkey_user.hpp"

#include "core/crypto/encoding.hpp"

#include <boost/json/serialize.hpp>

namespace countersign::tests {
namespace {

world& passkey_world(server_settings more = {}) {
    return service_world(with_passkeys(std::move(more)));
}

class ServicePasskeys : public testing::Test {
protected:
    world& home = passkey_world();
    service_client backend = backend_of(home);
    passkey_user ada{backend, backend.subject_without_factors()};
    passkey_device device;

    [[nodiscard]] http_response begin() const {
        return backend.about(ada.subject, "POST", "/passkeys", R"({"label":"Yellow key"})");
    }
};

TEST_F(ServicePasskeys, Begun_IsWhatABrowserTakes) {
    const auto body = expect_json(
        begin(), 201,
        {{"factorId", kind::text}, {"publicKey", kind::object}, {"expiresAt", kind::text}});
    const auto& options = body.at("publicKey").as_object();
    EXPECT_EQ(options.at("rp").at("id").as_string(), passkey_rp_id);
    EXPECT_EQ(options.at("attestation"), "none");
    EXPECT_EQ(options.at("authenticatorSelection").at("userVerification"), "preferred");
    EXPECT_EQ(options.at("pubKeyCredParams").as_array().size(), 3u);
    EXPECT_EQ(options.at("user").at("name").as_string(), address_of(ada.subject));
    EXPECT_EQ(core::from_base64url(options.at("challenge").as_string()).value().size(), 32u);
    EXPECT_EQ(backend.view(ada.subject).at("secondFactor"), false);
}

TEST_F(ServicePasskeys, Confirmed_IsAFactor_WithTenBackupCodes_AndAMail) {
    const auto made = ada.enrol(device);
    EXPECT_EQ(made.backup_codes.size(), 10u);
    const auto view = backend.view(ada.subject);
    EXPECT_EQ(view.at("secondFactor"), true);
    EXPECT_EQ(view.at("backupCodesRemaining"), 10);
    ASSERT_EQ(view.at("factors").as_array().size(), 1u);
    const auto& factor = view.at("factors").as_array()[0].as_object();
    EXPECT_EQ(text_in(factor, "id"), made.factor);
    EXPECT_EQ(factor.at("method"), "passkey");
    EXPECT_EQ(factor.at("label"), "Yellow key");
    const auto mails =
        mails_to(home, address_of(ada.subject), "New Two-Factor Authentication Method", 1);
    const auto text = text_part(mails.at(0).data);
    EXPECT_NE(text.find("Passkey"), std::string::npos) << text;
    EXPECT_NE(text.find("Yellow key"), std::string::npos) << text;
    // Another beginning tells the browser of the first one.
    const auto options = ada.ask("/passkeys").at("publicKey").as_object();
    ASSERT_EQ(options.at("excludeCredentials").as_array().size(), 1u);
}

TEST_F(ServicePasskeys, AnAssertion_IsVerifiedOnce) {
    (void)ada.enrol(device);
    const auto asked = ada.ask("/passkey-challenges").at("publicKey").as_object();
    EXPECT_EQ(text_in(asked, "rpId"), passkey_rp_id);
    const auto& allowed = asked.at("allowCredentials").as_array();
    ASSERT_EQ(allowed.size(), 1u);
    EXPECT_EQ(text_in(allowed[0].as_object(), "id"),
              core::to_base64url(core::bytes_of(device.credential_id)));
    EXPECT_EQ(allowed[0].at("transports").as_array().size(), 2u);
    const auto handle = std::string(backend.view(ada.subject).at("account").as_string());
    const auto shown = device.get_json(asked.at("challenge").as_string(), handle);
    expect_verified(ada.show(shown), "passkey", 10);
    expect_not_verified(ada.show(shown), "passkey_challenge_not_found");
}

TEST_F(ServicePasskeys, WhatIsRefused_NamesItsCheck) {
    auto foreign = device;
    foreign.origin = "https://login.example.org.attacker.test";
    const auto begun = ada.begin();
    const auto refused = ada.confirm(begun.factor, foreign.create_json(begun.challenge));
    EXPECT_EQ(refused.status, 422u);
    const auto problem = json_of(refused);
    EXPECT_EQ(text_in(problem, "code"), "passkey_refused");
    EXPECT_EQ(text_in(problem, "check"), "origin");
    expect_problem(ada.confirm(begun.factor, device.create_json(begun.challenge)), 404,
                   "enrolment_not_found");

    (void)ada.enrol(device);
    const auto reply = ada.show(foreign.get_json(ada.challenge()));
    EXPECT_EQ(reply.body, R"({"verified":false,"reason":"passkey_refused","check":"origin"})");
}

TEST_F(ServicePasskeys, WhatIsNoCredential_IsABadRequest) {
    (void)ada.enrol(device);
    const auto begun = ada.begin();
    const auto challenge = ada.challenge();
    for (const auto* name : {"type", "response"}) {
        auto made = device.create_json(begun.challenge);
        made.erase(name);
        expect_problem(ada.confirm(begun.factor, made), 400, "invalid_request", "passkey");
    }
    for (const auto* name : {"clientDataJSON", "attestationObject"}) {
        auto made = device.create_json(begun.challenge);
        made.at("response").as_object()[name] = "not+base64url=";
        expect_problem(ada.confirm(begun.factor, made), 400, "invalid_request", "passkey");
    }
    for (const auto* name : {"clientDataJSON", "authenticatorData", "signature"}) {
        auto shown = device.get_json(challenge);
        shown.at("response").as_object().erase(name);
        expect_problem(ada.show(shown), 400, "invalid_request", "passkey");
    }
    auto nameless = device.get_json(challenge);
    nameless["id"] = 1;
    expect_problem(ada.show(nameless), 400, "invalid_request", "passkey");
    expect_problem(backend.about(ada.subject, "POST", "/verifications", R"({"passkey":"x"})"), 400,
                   "invalid_request", "passkey");
    auto both = boost::json::object{{"passkey", device.get_json(challenge)}, {"code", "123456"}};
    expect_problem(
        backend.about(ada.subject, "POST", "/verifications", boost::json::serialize(both)), 400,
        "invalid_request", "code");
    expect_problem(
        backend.about(ada.subject, "POST", "/passkeys/" + begun.factor + "/confirm", "{}"), 400,
        "invalid_request", "passkey");
    // None of it used anything up.
    expect_verified(ada.show(device.get_json(challenge)), "passkey", 10);
    EXPECT_EQ(ada.confirm(begun.factor, passkey_device().create_json(begun.challenge)).status,
              200u);
}

TEST_F(ServicePasskeys, ThatAreWrong_BlockLikeWrongCodes) {
    (void)ada.enrol(device);
    auto wrong = device;
    wrong.signature = "no signature";
    for (int miss = 0; miss < 5; ++miss)
        EXPECT_EQ(ada.show(wrong.get_json(ada.challenge())).status, 200u);
    expect_wait(ada.show(device.get_json("x")), 429, "blocked", 30);
    expect_wait(backend.about(ada.subject, "POST", "/passkey-challenges"), 429, "blocked", 30);
    expect_wait(begin(), 429, "blocked", 30);
    expect_wait(backend.verify(ada.subject, "123456"), 429, "blocked", 30);
}

TEST_F(ServicePasskeys, T21_AsTheOnlyFactor_TheOtherFamiliesLetNobodyIn) {
    const auto made = ada.enrol(device);
    const auto opened = json_of(backend.open_session(ada.subject));
    EXPECT_EQ(opened.at("twoFactorRequired"), true);
    EXPECT_EQ(boost::json::serialize(opened.at("twoFactorMethods")), R"(["passkey"])");
    native_client native{.port = backend.port,
                         .two_factor = text_in(opened, "twoFactorAuthenticationToken")};
    const auto refused = native.complete_login(R"({"totp":"123456","email":"123456"})");
    EXPECT_EQ(text_in(json_of(refused), "code"), "NO_2FA_CODE_PROVIDED");
    EXPECT_EQ(backend.open_session(ada.subject, R"({"code":"123456"})").status, 422u);
    EXPECT_NE(native.call("GET", "/api/users/me").status, 200u);
    const auto recovered = native.call("POST", "/api/auth/2fa/totp/recover",
                                       R"({"code":")" + made.backup_codes.at(0) + "\"}");
    EXPECT_EQ(recovered.status, 200u) << recovered.body;
    EXPECT_EQ(backend.view(ada.subject).at("backupCodesRemaining"), 9);
}

TEST_F(ServicePasskeys, Removed_IsNoFactorAnyMore) {
    const auto made = ada.enrol(device);
    const auto challenge = ada.challenge();
    expect_204(backend.about(ada.subject, "DELETE", "/factors/" + made.factor));
    expect_problem(backend.about(ada.subject, "DELETE", "/factors/" + made.factor), 404,
                   "factor_not_found");
    expect_not_verified(ada.show(device.get_json(challenge)), "no_second_factor");
    expect_problem(backend.about(ada.subject, "POST", "/passkey-challenges"), 404,
                   "factor_not_found");
    EXPECT_EQ(backend.view(ada.subject).at("backupCodesRemaining"), 0);
}

TEST_F(ServicePasskeys, TenAreEnough) {
    for (int count = 0; count < 10; ++count)
        (void)ada.enrol(passkey_device());
    expect_problem(begin(), 409, "too_many_factors");
}

TEST(ServicePasskeysOff, SayWhichSettingIsMissing) {
    const auto backend = backend_of(service_world());
    const passkey_user ada{backend, backend.subject_with_email()};
    const passkey_device device;
    for (const auto& refused : {backend.about(ada.subject, "POST", "/passkeys"),
                                ada.confirm("passkey_none", device.create_json("x")),
                                backend.about(ada.subject, "POST", "/passkey-challenges"),
                                ada.show(device.get_json("x"))}) {
        expect_problem(refused, 409, "passkeys_off");
        EXPECT_NE(refused.body.find("webauthn.rp_id"), std::string::npos);
    }
}

TEST(ServicePasskeysVerified, WhereItIsRequired_TouchAloneIsNotEnough) {
    auto& home = passkey_world({{"webauthn.user_verification", "required"}});
    const auto backend = backend_of(home);
    const passkey_user ada{backend, backend.subject_without_factors()};
    passkey_device device;
    const auto begun = ada.ask("/passkeys").at("publicKey").as_object();
    EXPECT_EQ(begun.at("authenticatorSelection").at("userVerification"), "required");
    (void)ada.enrol(device);
    device.flags = flag_user_present;
    EXPECT_EQ(ada.show(device.get_json(ada.challenge())).body,
              R"({"verified":false,"reason":"passkey_refused","check":"user_verification"})");
}

} // namespace
} // namespace countersign::tests
