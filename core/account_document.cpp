// The stored form of an account. Short member names keep the document small: it travels to Redis
// and back with every request.
#include "core/account.hpp"
#include "core/json_fields.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>

#include <array>

namespace countersign::core {

namespace {

constexpr std::int64_t document_format = 1;
// Of an ordinary account's document, with room; larger ones take more.
constexpr std::size_t usual_size = 1536;
// Enough for the values of an ordinary document; those of larger ones go on to the heap.
constexpr std::size_t scratch_size = 8192;

template <typename Enum>
std::int64_t number_of(Enum value) {
    return static_cast<std::int64_t>(value);
}

template <typename Enum>
void get_enum(json_reader& in, std::string_view key, Enum& out, Enum last) {
    std::int64_t number = 0;
    in.get(key, number);
    if (number < 0 || number > number_of(last)) return in.fail();
    out = static_cast<Enum>(number);
}

void write_device(json_writer& out, const totp_device& device) {
    out.put("id", device.id);
    out.put("label", device.label);
    out.put("alg", number_of(device.parameters.algorithm));
    out.put("digits", device.parameters.digits);
    out.put("period", device.parameters.period_s);
    out.put("secret", device.sealed_secret);
    out.put("step", device.last_accepted_step.value);
    out.put("at", device.enrolled_at);
}

void read_device(json_reader& in, totp_device& device) {
    in.get("id", device.id);
    in.get("label", device.label);
    get_enum(in, "alg", device.parameters.algorithm, hash_algorithm::sha512);
    in.get("digits", device.parameters.digits);
    in.get("period", device.parameters.period_s);
    in.get("secret", device.sealed_secret);
    in.get("step", device.last_accepted_step.value);
    in.get("at", device.enrolled_at);
    const auto& with = device.parameters;
    if (with.digits < totp_digits_min || with.digits > totp_digits_max) in.fail();
    if (with.period_s < 1 || with.period_s > totp_period_max_s) in.fail();
}

void write_code(json_writer& out, const mailed_code& code) {
    out.put("for", number_of(code.purpose));
    out.put("hash", code.hash);
    out.put("until", code.expires_at);
    out.put("to", code.address);
    out.put("misses", code.misses);
}

void read_code(json_reader& in, mailed_code& code) {
    get_enum(in, "for", code.purpose, code_purpose::reset_password);
    in.get("hash", code.hash);
    in.get("until", code.expires_at);
    in.get("to", code.address);
    in.get("misses", code.misses);
}

void write_mail(json_writer& out, const sent_mail& mail) {
    out.put("for", number_of(mail.purpose));
    out.put("at", mail.at);
}

void read_mail(json_reader& in, sent_mail& mail) {
    get_enum(in, "for", mail.purpose, code_purpose::reset_password);
    in.get("at", mail.at);
}

void write_client(json_writer& out, const client_info& client) {
    out.put("ip", client.ip);
    out.put("browser", client.browser);
    out.put("os", client.os);
}

void read_client(json_reader& in, client_info& client) {
    in.get("ip", client.ip);
    in.get("browser", client.browser);
    in.get("os", client.os);
}

void write_challenge(json_writer& out, const challenge& open) {
    out.put("id", open.id);
    out.put("for", number_of(open.purpose));
    out.put("session", open.session);
    out.put("replaces", open.replaces);
    write_client(out, open.client);
    out.put("at", open.begun_at);
    out.put("until", open.expires_at);
}

void read_challenge(json_reader& in, challenge& open) {
    in.get("id", open.id);
    get_enum(in, "for", open.purpose, challenge_purpose::step_up);
    in.get("session", open.session);
    in.get("replaces", open.replaces);
    read_client(in, open.client);
    in.get("at", open.begun_at);
    in.get("until", open.expires_at);
}

void write_begun(json_writer& out, const begun_challenges& begun) {
    out.put("at", begun.at);
    out.put("count", begun.count);
}

void read_begun(json_reader& in, begun_challenges& begun) {
    in.get("at", begun.at);
    in.get("count", begun.count);
}

void write_session(json_writer& out, const session& one) {
    out.put("id", one.id);
    out.put("refresh", one.refresh_hash);
    out.put("aal", number_of(one.assurance));
    out.put("second_factor_at", one.second_factor_at);
    write_client(out, one.client);
    out.put("created", one.created_at);
    out.put("seen", one.last_seen);
    out.put("until", one.expires_at);
}

void read_session(json_reader& in, session& one) {
    in.get("id", one.id);
    in.get("refresh", one.refresh_hash);
    get_enum(in, "aal", one.assurance, assurance_level::aal2);
    if (one.assurance < assurance_level::aal1) in.fail();
    in.get("second_factor_at", one.second_factor_at);
    read_client(in, one.client);
    in.get("created", one.created_at);
    in.get("seen", one.last_seen);
    in.get("until", one.expires_at);
}

void write_api_token(json_writer& out, const api_token& token) {
    out.put("id", token.id);
    out.put("name", token.name);
    out.put("hash", token.hash);
    out.put("created", token.created_at);
}

void read_api_token(json_reader& in, api_token& token) {
    in.get("id", token.id);
    in.get("name", token.name);
    in.get("hash", token.hash);
    in.get("created", token.created_at);
}

void write_attempts(json_writer& out, std::string_view key, const attempt_state& state) {
    if (state == attempt_state{}) return;
    out.put_object(key, [&state](json_writer& inner) {
        inner.put("misses", state.misses);
        inner.put("until", state.blocked_until);
    });
}

void read_attempts(json_reader& in, std::string_view key, attempt_state& state) {
    in.get_object(key, [&state](json_reader& inner) {
        inner.get("misses", state.misses);
        inner.get("until", state.blocked_until);
    });
}

void write_enrolment(json_writer& out, const pending_totp& enrolment) {
    out.put_object("enrolment", [&enrolment](json_writer& inner) {
        inner.put("token", enrolment.token_id);
        inner.put("by", enrolment.begun_by);
        inner.put_object("device", [&enrolment](json_writer& device) {
            write_device(device, enrolment.device);
        });
        inner.put("backup", enrolment.backup_code_hashes);
        inner.put("until", enrolment.expires_at);
    });
}

void read_enrolment(json_reader& inner, pending_totp& enrolment) {
    inner.get("token", enrolment.token_id);
    inner.get("session", enrolment.begun_by); // so called while only sessions could begin one
    inner.get("by", enrolment.begun_by);
    inner.get_object("device", [&](json_reader& device) { read_device(device, enrolment.device); });
    inner.get("backup", enrolment.backup_code_hashes);
    inner.get("until", enrolment.expires_at);
}

void write_passkey(json_writer& out, const passkey& key) {
    out.put("id", key.id);
    out.put("label", key.label);
    out.put("credential", key.credential.id);
    out.put("alg", number_of(key.credential.algorithm));
    out.put("key", key.credential.public_key);
    out.put("count", key.credential.sign_count);
    out.put("uv", key.credential.user_verified);
    out.put("be", key.credential.backup_eligible);
    out.put("bs", key.credential.backed_up);
    out.put("via", key.transports);
    out.put("at", key.enrolled_at);
    out.put("used", key.last_used_at);
}

void read_passkey(json_reader& in, passkey& key) {
    in.get("id", key.id);
    in.get("label", key.label);
    in.get("credential", key.credential.id);
    get_enum(in, "alg", key.credential.algorithm, passkey_algorithm::rs256);
    in.get("key", key.credential.public_key);
    in.get("count", key.credential.sign_count);
    in.get("uv", key.credential.user_verified);
    in.get("be", key.credential.backup_eligible);
    in.get("bs", key.credential.backed_up);
    in.get("via", key.transports);
    in.get("at", key.enrolled_at);
    in.get("used", key.last_used_at);
}

void write_passkey_enrolment(json_writer& out, const pending_passkey& begun) {
    out.put_object("passkey_enrolment", [&begun](json_writer& inner) {
        inner.put("id", begun.id);
        inner.put("label", begun.label);
        inner.put("by", begun.begun_by);
        inner.put("challenge", begun.challenge);
        inner.put("until", begun.expires_at);
    });
}

void read_passkey_enrolment(json_reader& inner, pending_passkey& begun) {
    inner.get("id", begun.id);
    inner.get("label", begun.label);
    inner.get("by", begun.begun_by);
    inner.get("challenge", begun.challenge);
    inner.get("until", begun.expires_at);
}

void write_passkey_challenge(json_writer& out, const passkey_challenge& asked) {
    out.put_object("passkey_challenge", [&asked](json_writer& inner) {
        inner.put("challenge", asked.challenge);
        inner.put("until", asked.expires_at);
    });
}

void read_passkey_challenge(json_reader& inner, passkey_challenge& asked) {
    inner.get("challenge", asked.challenge);
    inner.get("until", asked.expires_at);
}

void write_unfinished(json_writer& out, const unfinished_login& login) {
    out.put_object("unfinished", [&login](json_writer& inner) {
        inner.put("at", login.at);
        write_client(inner, login.client);
    });
}

void read_unfinished(json_reader& inner, unfinished_login& login) {
    inner.get("at", login.at);
    read_client(inner, login.client);
}

} // namespace

std::string to_document(const account& value) {
    std::string text;
    text.reserve(usual_size);
    json_writer out(text);
    out.put("format", document_format);
    out.put("id", value.id);
    out.put("email", value.email);
    out.put("email_verified", value.email_verified);
    out.put("pending_email", value.pending_email);
    out.put("name", value.name);
    out.put("family_name", value.family_name);
    out.put("subject", value.subject);
    out.put("locale", value.locale);
    out.put("password", value.password_hash);
    out.put("created", value.created_at);
    out.put("active", value.last_active);
    out.put("registration_reported", value.registration_reported_at);
    out.put("email_factor_since", value.email_factor_since);
    out.put_each("totp", value.totp, write_device);
    if (value.enrolment) write_enrolment(out, *value.enrolment);
    out.put_each("passkeys", value.passkeys, write_passkey);
    if (value.passkey_enrolment) write_passkey_enrolment(out, *value.passkey_enrolment);
    if (value.passkey_challenge) write_passkey_challenge(out, *value.passkey_challenge);
    out.put("backup", value.backup_code_hashes);
    if (value.preferred) out.put("preferred", to_string(*value.preferred));
    out.put_each("codes", value.codes, write_code);
    out.put_each("mails", value.mails, write_mail);
    write_attempts(out, "factor_attempts", value.factor_attempts);
    write_attempts(out, "password_attempts", value.password_attempts);
    out.put_each("challenges", value.challenges, write_challenge);
    out.put_each("unanswered", value.unanswered, write_begun);
    if (value.unfinished) write_unfinished(out, *value.unfinished);
    out.put("failure_told", value.failure_told_at);
    out.put("reuse_told", value.reuse_told_at);
    out.put_each("sessions", value.sessions, write_session);
    out.put_each("api_tokens", value.api_tokens, write_api_token);
    out.put("notify", value.notification_addresses);
    out.put("light_mode", !value.dark_mode);
    out.finish();
    return text;
}

boost::system::result<account, document_error> account_from_document(std::string_view text) {
    boost::system::error_code error;
    std::array<unsigned char, scratch_size> scratch;
    boost::json::monotonic_resource memory(scratch.data(), scratch.size());
    const auto parsed = boost::json::parse(text, error, &memory);
    if (error || !parsed.is_object()) return document_error::malformed;

    json_reader in(parsed.get_object());
    std::int64_t format = 0;
    in.get("format", format);
    if (!in.ok() || format < 1) return document_error::malformed;
    if (format > document_format) return document_error::unknown_format;

    account value;
    in.get("id", value.id);
    in.get("email", value.email);
    in.get("email_verified", value.email_verified);
    in.get("pending_email", value.pending_email);
    in.get("name", value.name);
    in.get("family_name", value.family_name);
    in.get("subject", value.subject);
    in.get("locale", value.locale);
    in.get("password", value.password_hash);
    in.get("created", value.created_at);
    in.get("active", value.last_active);
    in.get("registration_reported", value.registration_reported_at);
    in.get("email_factor_since", value.email_factor_since);
    in.get_each("totp", value.totp, read_device);
    in.get_object("enrolment", [&value](json_reader& inner) {
        read_enrolment(inner, value.enrolment.emplace());
    });
    in.get_each("passkeys", value.passkeys, read_passkey);
    in.get_object("passkey_enrolment", [&value](json_reader& inner) {
        read_passkey_enrolment(inner, value.passkey_enrolment.emplace());
    });
    in.get_object("passkey_challenge", [&value](json_reader& inner) {
        read_passkey_challenge(inner, value.passkey_challenge.emplace());
    });
    in.get("backup", value.backup_code_hashes);
    std::string preferred;
    in.get("preferred", preferred);
    value.preferred = factor_method_from(preferred);
    in.get_each("codes", value.codes, read_code);
    in.get_each("mails", value.mails, read_mail);
    read_attempts(in, "factor_attempts", value.factor_attempts);
    read_attempts(in, "password_attempts", value.password_attempts);
    in.get_each("challenges", value.challenges, read_challenge);
    in.get_each("unanswered", value.unanswered, read_begun);
    in.get_object("unfinished", [&value](json_reader& inner) {
        read_unfinished(inner, value.unfinished.emplace());
    });
    in.get("failure_told", value.failure_told_at);
    in.get("reuse_told", value.reuse_told_at);
    in.get_each("sessions", value.sessions, read_session);
    in.get_each("api_tokens", value.api_tokens, read_api_token);
    in.get("notify", value.notification_addresses);
    bool light_mode = false;
    in.get("light_mode", light_mode);
    value.dark_mode = !light_mode;
    if (!in.ok()) return document_error::malformed;
    const bool unknown_preference = !preferred.empty() && !value.preferred;
    if (!in.complete() || unknown_preference) return document_error::unknown_format;
    return value;
}

} // namespace countersign::core
