#include "core/decide/renewal.hpp"

#include <string_view>
#include <utility>

namespace countersign::core {

namespace {

bool seal_anew(totp_device& device, const account_id& owner, const key_ring& keys,
               random_source& random) {
    if (!keys.is_outdated(device.sealed_secret)) return false;
    const auto bound_to = totp_secret_context(owner, device.id);
    const auto secret = keys.open(device.sealed_secret, bound_to);
    if (secret.has_error()) return false;
    device.sealed_secret = keys.seal(secret->reveal(), bound_to, random.bytes<12>());
    return true;
}

void add_one(count_by_key& to, std::string_view key) {
    ++to.try_emplace(std::string(key)).first->second;
}

} // namespace

bool seal_anew(account& account, const key_ring& keys, random_source& random) {
    bool changed = false;
    for (auto& device : account.totp)
        changed = seal_anew(device, account.id, keys, random) || changed;
    if (account.enrolment)
        changed = seal_anew(account.enrolment->device, account.id, keys, random) || changed;
    return changed;
}

void add_key_use(account_key_use& to, const account& account, const code_hasher& hasher,
                 unix_time now) {
    const auto add_hash = [&hasher](count_by_key& of, const std::string& hash) {
        add_one(of, hasher.pepper_of(hash));
    };
    for (const auto& device : account.totp)
        add_one(to.sealed, key_ring::key_of(device.sealed_secret));
    for (const auto& hash : account.backup_code_hashes)
        add_hash(to.backup_codes, hash);
    if (account.enrolment && account.enrolment->expires_at > now) {
        add_one(to.sealed, key_ring::key_of(account.enrolment->device.sealed_secret));
        for (const auto& hash : account.enrolment->backup_code_hashes)
            add_hash(to.backup_codes, hash);
    }
    for (const auto& token : account.api_tokens)
        add_hash(to.api_tokens, token.hash);
    for (const auto& session : account.sessions)
        if (session.expires_at > now) add_hash(to.sessions, session.refresh_hash);
    for (const auto& code : account.codes)
        if (code.expires_at > now) add_hash(to.codes, code.hash);
}

} // namespace countersign::core
