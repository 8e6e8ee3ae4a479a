#include "net/families/service/handlers.hpp"
#include "net/families/service/passkey_json.hpp"

#include "core/crypto/encoding.hpp"
#include "core/decide/passkeys.hpp"
#include "net/evidence.hpp"

namespace countersign::net::service {

namespace {

constexpr std::string_view default_label = "Passkey";

std::string make_challenge(services& with) {
    return core::to_base64url(with.random.bytes<core::passkey_challenge_bytes>());
}

} // namespace

handled begin_passkey(call& call) {
    json_body body(call.message(), json_body::absence::is_empty);
    const auto label = read_device_text(body, "label");
    if (!body.ok()) co_return call::refuse(body);

    const core::passkey_id id("passkey_" + call.with().random.hex(16));
    core::begin_passkey command{.by = core::backend{},
                                .id = id,
                                .label = label.value_or(std::string(default_label)),
                                .challenge = make_challenge(call.with())};
    const auto done = co_await call.decide(std::move(command));
    if (done.has_error()) co_return call::refuse(done.error());
    const auto& account = *done->account;
    co_return call::json(
        201, {{"factorId", id.value()},
              {"publicKey", creation_options(account, call.with().context.rules.webauthn)},
              {"expiresAt", core::to_rfc3339(account.passkey_enrolment->expires_at)}});
}

handled confirm_passkey(call& call) {
    json_body body(call.message());
    const auto* shown = body.optional_object("passkey");
    if (shown == nullptr) body.reject("passkey", "'passkey' is required.");
    auto made = shown != nullptr ? read_registration(body, *shown) : shown_registration{};
    auto origin = call.origin(body);
    if (!body.ok()) co_return call::refuse(body);

    auto backup = new_backup_codes(call);
    core::confirm_passkey command{.by = core::backend{},
                                  .id = core::passkey_id(call.factor()),
                                  .response = std::move(made.response),
                                  .transports = std::move(made.transports),
                                  .backup_code_hashes = std::move(backup.hashes),
                                  .origin = std::move(origin)};
    const auto done = co_await call.decide(std::move(command));
    if (done.has_error()) co_return call::refuse(done.error());
    co_return reply_with_backup_codes(200, done->value.new_backup_codes, backup.codes);
}

handled begin_passkey_verification(call& call) {
    json_body nothing(call.message(), json_body::absence::is_empty);
    if (!nothing.ok()) co_return call::refuse(nothing);
    core::begin_passkey_verification command{.challenge = make_challenge(call.with())};
    const auto done = co_await call.decide(std::move(command));
    if (done.has_error()) co_return call::refuse(done.error());
    const auto& account = *done->account;
    co_return call::json(
        201, {{"publicKey", request_options(account, call.with().context.rules.webauthn)},
              {"expiresAt", core::to_rfc3339(account.passkey_challenge->expires_at)}});
}

} // namespace countersign::net::service
