// What browsers and authenticators bring back, as bytes. What registers can be kept and used; of
// assertions to a fixed passkey only the two messages that it ever signed pass.
#include "core/webauthn.hpp"
#include "core/crypto/cbor.hpp"
#include "core/crypto/digest.hpp"
#include "core/crypto/encoding.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <array>

namespace countersign::fuzz {
namespace {

constexpr std::string_view challenge = "Y2hhbGxlbmdlIG9mIHRoaXJ0eS10d28gYnl0ZXMhISE";
// The SHA-256 of what the fixed passkey signed for this challenge: with the counter at 1, and at 0
// with an extension. Its private half is nowhere.
constexpr std::array<std::string_view, 2> signed_messages{
    "b4a8a6602ca3a32d747900b8974c52bef0453f0af047302ac86af2dfdcf57539",
    "dac66c29110485096c969dbc00bf7d32095238165167d3777a07feb00f656208"};

const core::relying_party& party() {
    static const core::relying_party own{
        .id = "example.org", .name = {}, .origins = {"https://login.example.org"}};
    return own;
}

const core::passkey_credential& fixed_passkey() {
    static const core::passkey_credential kept{
        .id = "zltnZDFBiEj88DgwkiXaRFnAaJMEwB89_fmSBQQKdE8",
        .public_key = "IYOybabJdIWuYIYD5Pwmq5hMHct6Xhk3QIavhJH_"
                      "UjLRGvZXBvFM7xEhluU6M1JdRP4AnbAJuOgJ20JDOkE3Xg"};
    return kept;
}

void walk(std::string_view input) {
    core::cbor_reader in(core::bytes_of(input));
    const auto first = in.item();
    if (!first) return;
    require(first->size() + in.rest().size() == input.size(), "an item ends where the rest begins");
    core::cbor_reader again(*first);
    require(again.item().has_value() && again.at_end(), "an item is whole by itself");
}

void register_with(const core::registration_response& response) {
    const auto made = core::verify_registration(response, {party(), challenge});
    if (made.has_error()) {
        require(!core::to_string(made.error()).empty(), "a refusal has a name");
        return;
    }
    const auto id = core::from_base64url(made->id), key = core::from_base64url(made->public_key);
    require(id && !id->empty() && id->size() <= core::credential_id_max_bytes,
            "a credential has an id in its bounds");
    require(key && !key->empty(), "a credential has a key");
    require(made->backup_eligible || !made->backed_up, "what is backed up is eligible");
    require(core::verify_registration(response, {party(), challenge}).value() == *made,
            "the same response registers the same");
    // No signature of zeroes is anybody's.
    const core::signed_by_authenticator what{party().id, core::bytes_of(response.client_data_json),
                                             core::sha256({})};
    require(!core::is_signed_with(made->algorithm, *key, what, core::bytes_of("no signature")),
            "what is no signature proves nothing");
}

void prove(const core::assertion_response& response) {
    const auto proved =
        core::verify_assertion(response, {party(), challenge}, fixed_passkey(), "user");
    if (proved.has_error()) return;
    const auto client = core::sha256(core::bytes_of(response.client_data_json));
    auto message = response.authenticator_data;
    message += core::text_of(client);
    const auto digest = core::to_hex(core::sha256(core::bytes_of(message)));
    require(std::ranges::find(signed_messages, digest) != signed_messages.end(),
            "only what the authenticator signed is accepted");
    require(proved->sign_count <= 1 && proved->public_key == fixed_passkey().public_key,
            "the counter is the signed one, and the key stays");
}

void webauthn(std::string_view input) {
    records in(input);
    const std::string client_data(in.next());
    const auto rest = in.rest();
    walk(rest);
    register_with({.client_data_json = client_data, .attestation_object = std::string(rest)});
    if (rest.empty()) return;
    const auto size = std::min<std::size_t>(static_cast<unsigned char>(rest[0]), rest.size() - 1);
    prove({.credential_id = fixed_passkey().id,
           .client_data_json = client_data,
           .authenticator_data = std::string(rest.substr(1, size)),
           .signature = std::string(rest.substr(1 + size)),
           .user_handle = std::nullopt});
}

const registration here("webauthn", webauthn);

} // namespace
} // namespace countersign::fuzz
