#include "net/families/service/view.hpp"

#include "core/decide/login.hpp"

namespace countersign::net::service {

namespace {

boost::json::array factors_of(const core::account& account) {
    boost::json::array factors;
    for (const auto& device : account.totp)
        factors.push_back({{"id", device.id.value()},
                           {"method", core::to_string(core::factor_method::totp)},
                           {"label", device.label},
                           {"enrolledAt", core::to_rfc3339(device.enrolled_at)}});
    if (account.email_factor_since) {
        const auto method = core::to_string(core::factor_method::email);
        factors.push_back({{"id", method},
                           {"method", method},
                           {"enrolledAt", core::to_rfc3339(*account.email_factor_since)}});
    }
    for (const auto& key : account.passkeys)
        factors.push_back({{"id", key.id.value()},
                           {"method", core::to_string(core::factor_method::passkey)},
                           {"label", key.label},
                           {"enrolledAt", core::to_rfc3339(key.enrolled_at)}});
    return factors;
}

} // namespace

boost::json::object view_of(const core::account& account, const core::context& context,
                            core::unix_time now) {
    boost::json::object body;
    body["subject"] = account.subject.empty() ? account.id.value() : account.subject;
    body["account"] = account.id.value();
    body["email"] = account.email;
    body["emailVerified"] = account.email_verified;
    boost::json::array further;
    for (const auto& address : account.notification_addresses)
        further.emplace_back(std::string_view(address));
    body["notificationAddresses"] = std::move(further);
    body["name"] = account.name;
    body["locale"] =
        account.locale.empty() ? boost::json::value() : boost::json::value(account.locale);
    body["createdAt"] = core::to_rfc3339(account.created_at);
    body["secondFactor"] = account.has_second_factor();
    body["factors"] = factors_of(account);
    body["backupCodesRemaining"] = account.backup_code_hashes.size();
    const auto blocked = core::may_verify(account, context, now);
    body["blocked"] = blocked.has_value();
    if (blocked) body["retryAfter"] = blocked->retry_after.count();
    return body;
}

boost::json::array methods_of(const core::account& account) {
    boost::json::array names;
    for (const auto method : account.methods())
        names.emplace_back(core::to_string(method));
    return names;
}

} // namespace countersign::net::service
