#include "net/families/service/handlers.hpp"

#include "core/decide/factors.hpp"
#include "net/evidence.hpp"

#include <spdlog/spdlog.h>

namespace countersign::net::service {

namespace {

constexpr std::size_t code_digits = 6; // of what is enrolled here

handled reset(call& call, std::optional<std::string> factor) {
    json_body nothing(call.message(), json_body::absence::is_empty);
    const core::reset_second_factor command{.factor = std::move(factor),
                                            .origin = call.origin(nothing)};
    if (!nothing.ok()) co_return call::refuse(nothing);
    const auto done = co_await call.decide(command);
    if (done.has_error()) co_return call::refuse(done.error());
    spdlog::info("service key {} took {} of {} away", call.key().id,
                 command.factor ? "a second factor" : "every second factor",
                 done->account->id.value());
    co_return reply{.status = 204};
}

} // namespace

handled begin_totp(call& call) {
    json_body body(call.message(), json_body::absence::is_empty);
    const auto label = read_device_text(body, "label");
    const auto account_name = read_device_text(body, "accountName");
    if (!body.ok()) co_return call::refuse(body);
    const auto account = co_await call.load();
    if (account.has_error()) co_return call::refuse(account.error());

    auto made = make_totp_material(call.with(), account->id, account_name.value_or(account->email));
    if (label) made.device.label = *label;
    const auto id = made.device.id.value();
    core::begin_totp command{
        .by = core::backend{}, .token_id = id, .device = std::move(made.device)};
    const auto done = co_await call.decide(std::move(command));
    if (done.has_error()) co_return call::refuse(done.error());
    co_return call::json(201,
                         {{"factorId", id},
                          {"secret", made.secret},
                          {"otpauthUri", made.uri},
                          {"expiresAt", core::to_rfc3339(done->account->enrolment->expires_at)}});
}

handled confirm_totp(call& call) {
    json_body body(call.message());
    auto code = body.code("code", code_digits);
    auto origin = call.origin(body);
    if (!body.ok()) co_return call::refuse(body);

    auto backup = new_backup_codes(call);
    core::confirm_totp command{.by = core::backend{},
                               .token_id = call.factor(),
                               .code = std::move(code),
                               .backup_code_hashes = std::move(backup.hashes),
                               .origin = std::move(origin)};
    const auto done = co_await call.decide(std::move(command));
    if (done.has_error()) co_return call::refuse(done.error());
    co_return reply_with_backup_codes(200, done->value.new_backup_codes, backup.codes);
}

handled replace_backup_codes(call& call) {
    json_body nothing(call.message(), json_body::absence::is_empty);
    auto origin = call.origin(nothing);
    if (!nothing.ok()) co_return call::refuse(nothing);

    auto made = new_backup_codes(call);
    core::replace_backup_codes command{.backup_code_hashes = std::move(made.hashes),
                                       .origin = std::move(origin)};
    const auto done = co_await call.decide(std::move(command));
    if (done.has_error()) co_return call::refuse(done.error());
    spdlog::info("service key {} replaced the backup codes of {}", call.key().id,
                 done->account->id.value());
    co_return reply_with_backup_codes(201, true, made.codes);
}

handled reset_factors(call& call) {
    return reset(call, std::nullopt);
}

handled reset_factor(call& call) {
    return reset(call, call.factor());
}

} // namespace countersign::net::service
