// WebAuthn Level 3 sections 7.1 and 7.2: one spoilt ceremony for each check, and each check names
// itself.
#include "core/webauthn.hpp"

#include "core/crypto/encoding.hpp"
#include "tests/support/passkey_device.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>

namespace countersign::core {
namespace {

using tests::passkey_device;

constexpr std::string_view asked = "Y2hhbGxlbmdlIG9mIHRoaXJ0eS10d28gYnl0ZXMhISE";
constexpr std::string_view handle = "user_0123456789abcdef0123456789abcdef";

relying_party a_party() {
    return {.id = std::string(tests::passkey_rp_id),
            .name = "Example",
            .origins = {"https://example.org", std::string(tests::passkey_origin)}};
}

auto registered(const passkey_device& device, const relying_party& party = a_party()) {
    return verify_registration(device.create(asked), {.party = party, .challenge = asked});
}

// By a device whose passkey was registered as it was before the spoiling.
auto proved(const passkey_device& device, const passkey_credential& kept,
            const relying_party& party = a_party(),
            const std::optional<std::string>& told_handle = std::nullopt) {
    auto response = device.get(asked);
    response.user_handle = told_handle;
    return verify_assertion(response, {.party = party, .challenge = asked}, kept, handle);
}

struct spoilt {
    std::string_view name; // of the test
    webauthn_error check;
    std::function<void(passkey_device&, relying_party&)> spoil;
};
void PrintTo(const spoilt& one, std::ostream* out) {
    *out << one.name;
}
std::string name_of(const testing::TestParamInfo<spoilt>& one) {
    return std::string(one.param.name);
}

class WebAuthnRegistration : public testing::TestWithParam<spoilt> {};
class WebAuthnAssertion : public testing::TestWithParam<spoilt> {};

TEST_P(WebAuthnRegistration, SpoiltInOneStep_IsRefusedByThatCheck) {
    passkey_device device;
    auto party = a_party();
    ASSERT_TRUE(registered(device, party)) << "good before it is spoilt";
    GetParam().spoil(device, party);
    const auto answer = registered(device, party);
    ASSERT_TRUE(answer.has_error());
    EXPECT_EQ(to_string(answer.error()), to_string(GetParam().check));
}

TEST_P(WebAuthnAssertion, SpoiltInOneStep_IsRefusedByThatCheck) {
    passkey_device device;
    device.counter = 7;
    auto party = a_party();
    const auto kept = registered(device, party).value();
    device.counter = 8;
    ASSERT_TRUE(proved(device, kept, party)) << "good before it is spoilt";
    GetParam().spoil(device, party);
    const auto answer = proved(device, kept, party);
    ASSERT_TRUE(answer.has_error());
    EXPECT_EQ(to_string(answer.error()), to_string(GetParam().check));
}

using enum webauthn_error;

// What both ceremonies check alike.
const std::vector<spoilt> of_both{
    {"ClientData_NoJson", client_data, [](auto& device, auto&) { device.client_data = "{"; }},
    {"ClientData_NoObject", client_data, [](auto& device, auto&) { device.client_data = "[]"; }},
    {"ClientData_NotUtf8", client_data,
     [](auto& device, auto&) { device.client_data = "{\"type\":\"\xff\"}"; }},
    {"ClientData_TypeMissing", client_data,
     [](auto& device, auto&) {
         device.client_data = R"({"challenge":"x","origin":"https://example.org"})";
     }},
    {"ClientData_ChallengeOfAnotherKind", client_data,
     [](auto& device, auto&) { device.more_client_data["challenge"] = 1; }},
    {"ClientData_OriginMissing", client_data,
     [](auto& device, auto&) {
         device.client_data = R"({"type":"webauthn.create","challenge":"x"})";
     }},
    {"ClientData_CrossOriginOfAnotherKind", client_data,
     [](auto& device, auto&) { device.more_client_data["crossOrigin"] = "false"; }},
    {"Type_OfSomethingElse", type, [](auto& device, auto&) { device.type = "payment.get"; }},
    {"Challenge_Another", challenge,
     [](auto& device, auto&) { device.challenge = "Y2hhbGxlbmdlIG9mIHRoaXJ0eS10d28gYnl0ZXMhISI"; }},
    {"Challenge_Empty", challenge, [](auto& device, auto&) { device.challenge = ""; }},
    {"Challenge_Padded", challenge,
     [](auto& device, auto&) { device.challenge = std::string(asked) + "="; }},
    {"Origin_OfAnotherSite", origin,
     [](auto& device, auto&) { device.origin = "https://example.org.attacker.test"; }},
    {"Origin_BelowButNotListed", origin,
     [](auto& device, auto&) { device.origin = "https://other.example.org"; }},
    {"Origin_PlainHttp", origin,
     [](auto& device, auto&) { device.origin = "http://login.example.org"; }},
    {"Origin_AnotherPort", origin,
     [](auto& device, auto&) { device.origin = "https://login.example.org:8443"; }},
    {"Origin_WithASlash", origin,
     [](auto& device, auto&) { device.origin = "https://login.example.org/"; }},
    {"CrossOrigin_True", cross_origin,
     [](auto& device, auto&) { device.more_client_data["crossOrigin"] = true; }},
    {"TopOrigin_Present", top_origin,
     [](auto& device, auto&) { device.more_client_data["topOrigin"] = "https://example.org"; }},
    {"AuthenticatorData_Trailing", authenticator_data,
     [](auto& device, auto&) { device.behind_data = "x"; }},
    {"AuthenticatorData_ExtensionsCut", authenticator_data,
     [](auto& device, auto&) { device.extensions = "\xa1"; }},
    {"RpId_OfAnotherSite", rp_id, [](auto& device, auto&) { device.rp_id = "attacker.test"; }},
    {"RpId_OfAPageBelow", rp_id, [](auto& device, auto&) { device.rp_id = "login.example.org"; }},
    {"UserPresence_Absent", user_presence,
     [](auto& device, auto&) { device.flags &= ~tests::flag_user_present; }},
    {"UserVerification_RequiredAndAbsent", user_verification,
     [](auto& device, auto& party) {
         party.verifies_users = true;
         device.flags &= ~tests::flag_user_verified;
     }},
    {"BackupState_WithoutEligibility", backup_state,
     [](auto& device, auto&) { device.flags |= tests::flag_backed_up; }},
};

INSTANTIATE_TEST_SUITE_P(LikeAssertions, WebAuthnRegistration, testing::ValuesIn(of_both), name_of);
INSTANTIATE_TEST_SUITE_P(LikeRegistrations, WebAuthnAssertion, testing::ValuesIn(of_both), name_of);

std::string map_of(std::string_view pairs, unsigned count) {
    return static_cast<char>(0xa0U | count) + std::string(pairs);
}

INSTANTIATE_TEST_SUITE_P(
    Step, WebAuthnRegistration,
    testing::Values(
        spoilt{"Type_OfAnAssertion", type,
               [](auto& device, auto&) { device.type = "webauthn.get"; }},
        spoilt{"Object_NoCbor", attestation_object,
               [](auto& device, auto&) { device.attestation_object = "\xff"; }},
        spoilt{"Object_Empty", attestation_object,
               [](auto& device, auto&) { device.attestation_object = ""; }},
        spoilt{"Object_MemberMissing", attestation_object,
               [](auto& device, auto&) {
                   device.attestation_object =
                       map_of(tests::cbor_text("fmt") + tests::cbor_text("none"), 1);
               }},
        spoilt{"Object_MemberTwice", attestation_object,
               [](auto& device, auto&) {
                   const auto format = tests::cbor_text("fmt") + tests::cbor_text("none");
                   device.attestation_object = map_of(format + format + format, 3);
               }},
        spoilt{"Object_Trailing", attestation_object,
               [](auto& device, auto&) {
                   device.attestation_object = device.create(asked).attestation_object + "x";
               }},
        spoilt{"Data_TooShort", authenticator_data,
               [](auto& device, auto&) {
                   device.attestation_object = map_of(
                       tests::cbor_text("fmt") + tests::cbor_text("none") +
                           tests::cbor_text("attStmt") + "\xa0" + tests::cbor_text("authData") +
                           tests::cbor_bytes(std::string(36, 'x')),
                       3);
               }},
        spoilt{"Data_WithoutACredential", authenticator_data,
               [](auto& device, auto&) {
                   device.attestation_object = map_of(
                       tests::cbor_text("fmt") + tests::cbor_text("none") +
                           tests::cbor_text("attStmt") + "\xa0" + tests::cbor_text("authData") +
                           tests::cbor_bytes(device.get(asked).authenticator_data),
                       3);
               }},
        spoilt{"Data_KeyCut", authenticator_data,
               [](auto& device, auto&) { device.cose_key.pop_back(); }},
        spoilt{"Key_WithoutAlgorithm", public_key,
               [](auto& device, auto&) { device.cose_key = "\xa0"; }},
        spoilt{"Key_NotOnTheCurve", public_key,
               [](auto& device, auto&) { device.cose_key.back() ^= 1; }},
        spoilt{"Algorithm_NotAskedFor", algorithm,
               [](auto& device, auto&) { // ES384
                   device.cose_key = map_of(tests::cbor_number(1) + tests::cbor_number(2) +
                                                tests::cbor_number(3) + tests::cbor_number(-35),
                                            2);
               }},
        spoilt{"Algorithm_OfAnotherKindOfKey", public_key,
               [](auto& device, auto&) { // EdDSA, but a point of P-256
                   device.cose_key.replace(device.cose_key.find("\x03\x26"), 2, "\x03\x27");
               }},
        spoilt{"Format_Unknown", attestation_format,
               [](auto& device, auto&) { device.format = "tpm"; }},
        spoilt{"Format_InAnotherCase", attestation_format,
               [](auto& device, auto&) { device.format = "None"; }},
        spoilt{"Format_WithCertificates", attestation_format,
               [](auto& device, auto&) {
                   device.format = "packed";
                   device.statement = map_of(tests::cbor_text("alg") + tests::cbor_number(-7) +
                                                 tests::cbor_text("sig") + tests::cbor_bytes("x") +
                                                 tests::cbor_text("x5c") + "\x80",
                                             3);
               }},
        spoilt{"Statement_OfNoneIsNotEmpty", attestation_statement,
               [](auto& device, auto&) {
                   device.statement = map_of(tests::cbor_text("alg") + tests::cbor_number(-7), 1);
               }},
        spoilt{"Statement_OfPackedWithoutSignature", attestation_statement,
               [](auto& device, auto&) {
                   device.format = "packed";
                   device.statement = map_of(tests::cbor_text("alg") + tests::cbor_number(-7), 1);
               }},
        spoilt{"Statement_SignedByAnotherKey", attestation_statement,
               [](auto& device, auto&) {
                   device.format = "packed";
                   const passkey_device other;
                   device.signature = other.get(asked).signature;
               }},
        spoilt{"Statement_OfAnotherAlgorithm", attestation_statement,
               [](auto& device, auto&) {
                   device.format = "packed";
                   device.statement = map_of(tests::cbor_text("alg") + tests::cbor_number(-8) +
                                                 tests::cbor_text("sig") + tests::cbor_bytes("x"),
                                             2);
               }},
        spoilt{"CredentialId_Empty", credential_id,
               [](auto& device, auto&) { device.credential_id.clear(); }},
        spoilt{"CredentialId_TooLong", credential_id,
               [](auto& device, auto&) { device.credential_id.assign(1024, 'x'); }}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Step, WebAuthnAssertion,
    testing::Values(
        spoilt{"Type_OfARegistration", type,
               [](auto& device, auto&) { device.type = "webauthn.create"; }},
        spoilt{"Credential_Another", credential_not_allowed,
               [](auto& device, auto&) { device.credential_id += "x"; }},
        spoilt{"Data_WithACredential", authenticator_data,
               [](auto& device, auto&) { device.says_credential_in_assertions = true; }},
        spoilt{"BackupEligibility_AppearedSince", backup_eligibility,
               [](auto& device, auto&) { device.flags |= tests::flag_backup_eligible; }},
        spoilt{"Signature_Missing", signature, [](auto& device, auto&) { device.signature = ""; }},
        spoilt{"Signature_OfAnotherKey", signature,
               [](auto& device, auto&) {
                   const passkey_device other;
                   device.signature = other.get(asked).signature;
               }},
        spoilt{"Signature_OfOtherAuthenticatorData", signature,
               [](auto& device, auto&) {
                   device.signature = device.get(asked).signature;
                   device.counter += 1;
               }},
        spoilt{"Signature_OfOtherClientData", signature,
               [](auto& device, auto&) {
                   device.signature = device.get(asked).signature;
                   device.more_client_data["more"] = 1;
               }},
        spoilt{"Counter_AsBefore", counter, [](auto& device, auto&) { device.counter = 7; }},
        spoilt{"Counter_WentBack", counter, [](auto& device, auto&) { device.counter = 6; }},
        spoilt{"Counter_StoppedCounting", counter,
               [](auto& device, auto&) { device.counter = 0; }}),
    name_of);

class WebAuthnAlgorithm : public testing::TestWithParam<passkey_algorithm> {};

TEST_P(WebAuthnAlgorithm, RegistersAndProves_WithAndWithoutSelfAttestation) {
    for (const auto* format : {"none", "packed"}) {
        passkey_device device(GetParam());
        device.format = format;
        const auto kept = registered(device);
        ASSERT_TRUE(kept) << format << to_string(kept.error());
        EXPECT_EQ(kept->algorithm, GetParam());
        EXPECT_EQ(kept->id, to_base64url(bytes_of(device.credential_id)));
        EXPECT_TRUE(kept->user_verified);
        const auto again = proved(device, *kept);
        ASSERT_TRUE(again) << format << to_string(again.error());
        EXPECT_EQ(*again, *kept);
        device.signature = std::string(64, 'x');
        EXPECT_EQ(proved(device, *kept).error(), signature);
    }
}

INSTANTIATE_TEST_SUITE_P(Each, WebAuthnAlgorithm, testing::ValuesIn(passkey_algorithms),
                         [](const auto& one) { return std::to_string(-cose_number(one.param)); });

TEST(WebAuthn, OfTheOrigins_AnyListedOneCounts_AndWithoutAListTheDomainItself) {
    passkey_device device;
    device.origin = "https://example.org";
    EXPECT_TRUE(registered(device));
    auto party = a_party();
    party.origins.clear();
    EXPECT_TRUE(registered(device, party));
    device.origin = tests::passkey_origin;
    EXPECT_EQ(registered(device, party).error(), origin);
    EXPECT_FALSE(relying_party().is_on());
}

TEST(WebAuthn, ClientData_MayBeginWithAByteOrderMark_AndSayMore) {
    passkey_device device;
    device.more_client_data = {{"crossOrigin", false}, {"other_keys_can_be_added_here", "…"}};
    device.client_data = "\xef\xbb\xbf" + device.create(asked).client_data_json;
    EXPECT_TRUE(registered(device));
}

TEST(WebAuthn, WithoutAChallenge_NothingIsAnswered) {
    passkey_device device;
    device.challenge = "";
    const auto party = a_party();
    EXPECT_EQ(verify_registration(device.create(""), {.party = party, .challenge = ""}).error(),
              webauthn_error::challenge);
}

TEST(WebAuthn, ExtensionsThatNobodyAskedFor_AreTolerated) {
    const auto unknown = map_of(tests::cbor_text("example.test") + "\xf5", 1);
    const auto known = map_of(tests::cbor_text("credProtect") + "\x02", 1);
    for (const auto* format : {"none", "packed"})
        for (const auto& said : {unknown, known}) {
            passkey_device device;
            device.format = format;
            device.extensions = said;
            const auto kept = registered(device);
            ASSERT_TRUE(kept) << format << to_string(kept.error());
            device.extensions = unknown;
            EXPECT_TRUE(proved(device, *kept));
        }
}

TEST(WebAuthn, UserHandle_IsThatOfTheAccountOrAbsent) {
    const passkey_device device;
    const auto kept = registered(device).value();
    EXPECT_TRUE(proved(device, kept, a_party(), std::string(handle)));
    EXPECT_EQ(proved(device, kept, a_party(), "user_of_somebody_else").error(), user_handle);
    EXPECT_EQ(proved(device, kept, a_party(), "").error(), user_handle);
}

TEST(WebAuthn, BackupEligibility_ThatDisappeared_IsRefused) {
    passkey_device device;
    device.flags |= tests::flag_backup_eligible | tests::flag_backed_up;
    const auto kept = registered(device).value();
    EXPECT_TRUE(kept.backup_eligible && kept.backed_up);
    device.flags &= ~(tests::flag_backup_eligible | tests::flag_backed_up);
    EXPECT_EQ(proved(device, kept).error(), backup_eligibility);
}

TEST(WebAuthn, ASyncedPasskey_IsRegisteredUnlessPolicySaysNo) {
    passkey_device device;
    device.flags |= tests::flag_backup_eligible;
    auto party = a_party();
    EXPECT_TRUE(registered(device, party).has_value());
    party.takes_synced = false;
    EXPECT_EQ(registered(device, party).error(), backup_eligibility);
    device.flags &= ~tests::flag_backup_eligible;
    EXPECT_TRUE(registered(device, party).has_value());
}

TEST(WebAuthn, WhatIsKept_FollowsCounterAndBackupState_AndNothingElse) {
    passkey_device device;
    device.flags = tests::flag_user_present | tests::flag_backup_eligible;
    device.counter = 1;
    const auto kept = registered(device).value();
    EXPECT_FALSE(kept.user_verified);
    EXPECT_EQ(kept.sign_count, 1u);
    device.flags |= tests::flag_backed_up | tests::flag_user_verified;
    device.counter = 4'294'967'295;
    auto expected = kept;
    expected.backed_up = true;
    expected.sign_count = device.counter;
    EXPECT_EQ(proved(device, kept).value(), expected);
}

TEST(WebAuthn, TheLongestCredentialId_IsTaken) {
    passkey_device device;
    device.credential_id.assign(credential_id_max_bytes, 'x');
    EXPECT_TRUE(registered(device));
}

} // namespace
} // namespace countersign::core
