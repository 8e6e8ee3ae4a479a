#include "core/decide/evidence.hpp"

#include "core/crypto/secret.hpp"

#include <algorithm>

namespace countersign::core {

namespace {

constexpr char between_hashes = ' '; // stands in no keyed hash
constexpr char before_challenge = '|';

} // namespace

event_type code_mail_of(code_purpose purpose) noexcept {
    switch (purpose) {
    case code_purpose::second_factor:
        return event_type::one_time_code;
    case code_purpose::verify_email:
        return event_type::email_verification_code;
    case code_purpose::reset_password:
        return event_type::password_reset_code;
    }
    return event_type::one_time_code;
}

sealed_code seal_code(const account_id& account, code_purpose purpose, event_type mailed_as,
                      std::string_view secret, std::string_view text, const context& context,
                      random_source& random) {
    return {.hash = context.codes.hash(to_string(purpose), account, secret),
            .sealed =
                context.keys.seal(text, secret_context(account, mailed_as), random.bytes<12>())};
}

std::string bound_code(std::string_view code, const challenge_id& made_for, const policy& policy) {
    std::string bound(code);
    if (!policy.mailed_code_per_challenge || made_for.empty()) return bound;
    return bound.append(1, before_challenge).append(made_for.value());
}

api_token_hash join_hashes(const std::vector<std::string>& hashes) {
    std::string all;
    for (const auto& one : hashes) {
        if (!all.empty()) all += between_hashes;
        all += one;
    }
    return api_token_hash(std::move(all));
}

bool is_hash_of(const api_token_hash& presented, std::string_view stored) {
    const std::string_view all = presented.value();
    bool same = false;
    for (std::size_t begin = 0; begin <= all.size();) {
        const auto end = std::min(all.find(between_hashes, begin), all.size());
        same = equal_in_constant_time(all.substr(begin, end - begin), stored) || same;
        begin = end + 1;
    }
    return same && !stored.empty();
}

std::string requester_key(const authority& by) {
    if (const auto* proof = std::get_if<session_proof>(&by)) return proof->session.value();
    if (const auto* session = std::get_if<session_id>(&by)) return session->value();
    if (const auto* token = std::get_if<api_token_hash>(&by))
        return token->value().substr(0, token->value().find(between_hashes));
    return "backend";
}

bool is_requester(const authority& by, std::string_view key) {
    if (const auto* token = std::get_if<api_token_hash>(&by)) return is_hash_of(*token, key);
    return requester_key(by) == key;
}

std::string_view to_string(proof_method method) noexcept {
    switch (method) {
    case proof_method::totp:
        return "totp";
    case proof_method::email:
        return "email";
    case proof_method::backup_code:
        return "backup_code";
    case proof_method::passkey:
        return "passkey";
    }
    return "";
}

session_material make_session_material(seconds life, random_source& random) {
    return {.session = session_id(random.uuid()), .refresh_id = random.hex(16), .life = life};
}

account_id make_account_id(random_source& random) {
    return account_id("user_" + random.hex(16));
}

request_origin make_origin(client_info client, std::string locale, random_source& random) {
    return {.nonce = random.hex(16), .client = std::move(client), .locale = std::move(locale)};
}

} // namespace countersign::core
