#include "net/evidence.hpp"

#include "core/codes.hpp"
#include "core/crypto/encoding.hpp"
#include "core/otpauth.hpp"
#include "core/text.hpp"
#include "net/password_checks.hpp"

#include <utility>

namespace countersign::net {

std::string device_text(std::string_view text) {
    std::string kept(text.substr(0, device_text_max));
    while (!kept.empty() && !core::is_valid_utf8(kept))
        kept.pop_back();
    return kept;
}

core::request_origin origin_of(services& services, const request& request, std::string locale) {
    core::client_info client{.ip = request.client_ip,
                             .browser = device_text(request.header("user-agent").value_or(""))};
    return core::make_origin(std::move(client), std::move(locale), services.random);
}

std::optional<std::string> requested_locale(const request& request) {
    const auto asked = request.query_parameter("locale");
    if (!asked || asked->empty()) return std::string();
    const auto tag = core::locale_tag::parse(*asked);
    if (!tag) return std::nullopt;
    return tag->value();
}

core::sealed_code make_mail_code(services& services, const core::account_id& account,
                                 core::code_purpose purpose, const core::challenge_id& made_for) {
    const auto& rules = services.context.rules;
    const auto code = core::make_numeric_code(services.random, rules.mailed_code_digits);
    return core::seal_code(account, purpose, core::code_mail_of(purpose),
                           core::bound_code(code, made_for, rules), code, services.context,
                           services.random);
}

std::string_view credentials_of(const request& request, std::string_view scheme) {
    const auto value = request.authorization();
    if (value.size() <= scheme.size() + 1 || value[scheme.size()] != ' ' ||
        !equal_ignoring_case(value.substr(0, scheme.size()), scheme))
        return {};
    return value.substr(scheme.size() + 1);
}

std::string issue(services& services, core::token_kind kind, core::token_claims claims,
                  core::seconds life) {
    if (claims.id.empty()) claims.id = services.random.hex(16);
    claims.issued_at = services.now();
    claims.expires_at = claims.issued_at + life;
    return services.tokens.issue(kind, claims);
}

totp_material make_totp_material(services& services, const core::account_id& account,
                                 std::string_view account_name) {
    auto& random = services.random;
    const auto secret = core::make_totp_secret(random);
    totp_material made{
        .device = {.id = core::factor_id("totp_" + random.hex(16)), .label = services.app_name}};
    made.device.sealed_secret = services.context.keys.seal(
        core::text_of(secret.reveal()), core::totp_secret_context(account, made.device.id),
        random.bytes<12>());
    made.secret = core::to_base32(secret.reveal());
    made.uri = core::make_otpauth_uri({.issuer = services.app_name,
                                       .account_name = account_name,
                                       .secret = secret.reveal(),
                                       .parameters = {}});
    return made;
}

backup_codes make_backup_codes(services& services, const core::account_id& account, int count,
                               std::string_view alphabet, std::size_t length) {
    backup_codes made;
    for (int index = 0; index < count; ++index) {
        made.codes.push_back(core::make_code(services.random, alphabet, length));
        made.hashes.push_back(services.context.codes.hash_backup_code(account, made.codes.back()));
    }
    return made;
}

backup_codes make_hexadecimal_backup_codes(services& services, const core::account_id& account,
                                           std::size_t length) {
    return make_backup_codes(services, account, 10, "0123456789abcdef", length);
}

awaitable<boost::system::result<std::optional<presented_password>, evidence_failure>>
check_credentials(services& services, std::string address, std::string password) {
    const auto email = core::email_address::parse(address);
    if (email.has_error()) {
        const auto check = co_await check_password(services, nullptr, std::move(password));
        if (check.has_error()) co_return evidence_failure{};
        co_return std::nullopt;
    }
    const auto holder = co_await services.emails.find_or_stranger(*email);
    if (holder.has_error()) co_return evidence_failure{holder.error()};
    auto check = co_await check_password(services, &holder->value, std::move(password));
    if (check.has_error()) co_return evidence_failure{};
    co_return presented_password{holder->value.id, std::move(*check)};
}

} // namespace countersign::net
