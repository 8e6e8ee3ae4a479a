// The stored form of an account: what is in it, described once for writing and reading
// (document_fields.hpp). It travels to Redis and back with every request, so it is CBOR.
#include "core/account.hpp"
#include "core/document_fields.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>

#include <array>
#include <concepts>
#include <type_traits>

namespace countersign::core {

namespace {

constexpr std::int64_t json_format = 1; // which is read, and shown to people
constexpr std::int64_t document_format = 2;
// Of an ordinary account's document, with room; larger ones take more.
constexpr std::size_t usual_size = 768;
// Enough for the values of an ordinary document in JSON; those of larger ones go on to the heap.
constexpr std::size_t scratch_size = 8192;

// T itself, which is read, or a constant one, which is written.
template <typename Given, typename T>
concept either = std::same_as<std::remove_const_t<Given>, T>;

// An enumeration whose last member is `last`, as its number.
template <typename Fields, typename Enum>
void describe_choice(Fields& fields, field which, Enum& value, std::remove_const_t<Enum> last) {
    auto number = static_cast<std::int64_t>(value);
    if constexpr (Fields::reads) number = 0;
    fields(which, number);
    if constexpr (Fields::reads) {
        if (number < 0 || number > static_cast<std::int64_t>(last)) return fields.fail();
        value = static_cast<Enum>(number);
    }
}

} // namespace

// Not in the unnamed namespace: document_fields.hpp finds them by their arguments.

template <typename Fields>
static void describe(Fields& fields, either<totp_device> auto& device) {
    fields.hex(field::id, "totp_", device.id);
    fields(field::label, device.label);
    describe_choice(fields, field::alg, device.parameters.algorithm, hash_algorithm::sha512);
    fields(field::digits, device.parameters.digits);
    fields(field::period, device.parameters.period_s);
    fields.encoded(field::secret, device.sealed_secret);
    fields(field::step, device.last_accepted_step.value);
    fields(field::at, device.enrolled_at);
    if constexpr (Fields::reads) {
        const auto& with = device.parameters;
        if (with.digits < totp_digits_min || with.digits > totp_digits_max) fields.fail();
        if (with.period_s < 1 || with.period_s > totp_period_max_s) fields.fail();
    }
}

template <typename Fields>
static void describe(Fields& fields, either<pending_totp> auto& enrolment) {
    fields(field::token, enrolment.token_id);
    // So called while only sessions could begin one.
    if constexpr (Fields::reads) fields(field::session, enrolment.begun_by);
    fields(field::by, enrolment.begun_by);
    fields.object(field::device, enrolment.device);
    fields.encoded(field::backup, enrolment.backup_code_hashes);
    fields(field::until, enrolment.expires_at);
}

template <typename Fields>
static void describe(Fields& fields, either<passkey> auto& key) {
    fields.hex(field::id, "passkey_", key.id);
    fields(field::label, key.label);
    fields.encoded(field::credential, key.credential.id);
    describe_choice(fields, field::alg, key.credential.algorithm, passkey_algorithm::rs256);
    fields.encoded(field::key, key.credential.public_key);
    fields(field::count, key.credential.sign_count);
    fields(field::uv, key.credential.user_verified);
    fields(field::be, key.credential.backup_eligible);
    fields(field::bs, key.credential.backed_up);
    fields(field::via, key.transports);
    fields(field::at, key.enrolled_at);
    fields(field::used, key.last_used_at);
}

template <typename Fields>
static void describe(Fields& fields, either<pending_passkey> auto& begun) {
    fields.hex(field::id, "passkey_", begun.id);
    fields(field::label, begun.label);
    fields(field::by, begun.begun_by);
    fields.encoded(field::challenge, begun.challenge);
    fields(field::until, begun.expires_at);
}

template <typename Fields>
static void describe(Fields& fields, either<passkey_challenge> auto& asked) {
    fields.encoded(field::challenge, asked.challenge);
    fields(field::until, asked.expires_at);
}

template <typename Fields>
static void describe(Fields& fields, either<mailed_code> auto& code) {
    describe_choice(fields, field::purpose, code.purpose, code_purpose::reset_password);
    fields.encoded(field::hash, code.hash);
    fields(field::until, code.expires_at);
    fields(field::to, code.address);
    fields(field::misses, code.misses);
}

template <typename Fields>
static void describe(Fields& fields, either<sent_mail> auto& mail) {
    describe_choice(fields, field::purpose, mail.purpose, code_purpose::reset_password);
    fields(field::at, mail.at);
}

template <typename Fields>
static void describe(Fields& fields, either<attempt_state> auto& state) {
    fields(field::misses, state.misses);
    fields(field::until, state.blocked_until);
}

template <typename Fields>
static void describe(Fields& fields, either<client_info> auto& client) {
    fields(field::ip, client.ip);
    fields(field::browser, client.browser);
    fields(field::os, client.os);
}

template <typename Fields>
static void describe(Fields& fields, either<challenge> auto& open) {
    fields.hex(field::id, "", open.id);
    describe_choice(fields, field::purpose, open.purpose, challenge_purpose::step_up);
    fields(field::session, open.session);
    fields(field::replaces, open.replaces);
    describe(fields, open.client);
    fields(field::at, open.begun_at);
    fields(field::until, open.expires_at);
}

template <typename Fields>
static void describe(Fields& fields, either<begun_challenges> auto& begun) {
    fields(field::at, begun.at);
    fields(field::count, begun.count);
}

template <typename Fields>
static void describe(Fields& fields, either<unfinished_login> auto& login) {
    fields(field::at, login.at);
    describe(fields, login.client);
}

template <typename Fields>
static void describe(Fields& fields, either<session> auto& one) {
    fields(field::id, one.id);
    fields.encoded(field::refresh, one.refresh_hash);
    describe_choice(fields, field::aal, one.assurance, assurance_level::aal2);
    fields(field::second_factor_at, one.second_factor_at);
    describe(fields, one.client);
    fields(field::created, one.created_at);
    fields(field::seen, one.last_seen);
    fields(field::until, one.expires_at);
    if constexpr (Fields::reads)
        if (one.assurance < assurance_level::aal1) fields.fail();
}

template <typename Fields>
static void describe(Fields& fields, either<api_token> auto& token) {
    fields.hex(field::id, "", token.id);
    fields(field::name, token.name);
    fields.encoded(field::hash, token.hash);
    fields(field::created, token.created_at);
}

// By name: whoever reads it may know other methods than whoever wrote it.
template <typename Fields>
static void describe_preferred(Fields& fields, either<std::optional<factor_method>> auto& method) {
    std::string name(method ? to_string(*method) : "");
    fields(field::preferred, name);
    if constexpr (Fields::reads) {
        method = factor_method_from(name);
        if (!name.empty() && !method) fields.fail(document_error::unknown_format);
    }
}

// Dark is what is meant where nothing is said.
template <typename Fields>
static void describe_mode(Fields& fields, either<bool> auto& dark_mode) {
    bool light_mode = !dark_mode;
    fields(field::light_mode, light_mode);
    if constexpr (Fields::reads) dark_mode = !light_mode;
}

template <typename Fields>
static void describe(Fields& fields, either<account> auto& value) {
    fields.hex(field::id, "user_", value.id);
    fields(field::email, value.email);
    fields(field::email_verified, value.email_verified);
    fields(field::pending_email, value.pending_email);
    fields(field::name, value.name);
    fields(field::family_name, value.family_name);
    fields(field::subject, value.subject);
    fields(field::locale, value.locale);
    fields(field::password, value.password_hash);
    fields(field::created, value.created_at);
    fields(field::active, value.last_active);
    fields(field::registration_reported, value.registration_reported_at);
    fields(field::email_factor_since, value.email_factor_since);
    fields.list(field::totp, value.totp);
    fields.object(field::enrolment, value.enrolment);
    fields.list(field::passkeys, value.passkeys);
    fields.object(field::passkey_enrolment, value.passkey_enrolment);
    fields.object(field::passkey_challenge, value.passkey_challenge);
    fields.encoded(field::backup, value.backup_code_hashes);
    describe_preferred(fields, value.preferred);
    fields.list(field::codes, value.codes);
    fields.list(field::mails, value.mails);
    fields.object(field::factor_attempts, value.factor_attempts);
    fields.object(field::password_attempts, value.password_attempts);
    fields.list(field::challenges, value.challenges);
    fields.list(field::unanswered, value.unanswered);
    fields.object(field::unfinished, value.unfinished);
    fields(field::failure_told, value.failure_told_at);
    fields(field::reuse_told, value.reuse_told_at);
    fields.list(field::sessions, value.sessions);
    fields.list(field::api_tokens, value.api_tokens);
    fields(field::notify, value.notification_addresses);
    describe_mode(fields, value.dark_mode);
}

namespace {

document_fault format_fault(std::int64_t format, std::int64_t newest) {
    if (format < 1) return document_error::malformed;
    if (format > newest) return document_error::unknown_format;
    return std::nullopt;
}

boost::system::result<account, document_error> from_json(std::string_view text) {
    boost::system::error_code error;
    std::array<unsigned char, scratch_size> scratch;
    boost::json::monotonic_resource memory(scratch.data(), scratch.size());
    const auto parsed = boost::json::parse(text, error, &memory);
    if (error || !parsed.is_object()) return document_error::malformed;

    json_reader in(parsed.get_object());
    std::int64_t format = 0;
    in.get(to_string(field::format), format);
    document_fault fault;
    if (in.ok()) fault = format_fault(format, json_format);
    if (fault) return *fault;
    account value;
    json_document_reader fields(in, fault);
    describe(fields, value);
    if (!in.ok()) return document_error::malformed;
    if (!in.complete()) return document_error::unknown_format;
    if (fault) return *fault;
    return value;
}

} // namespace

std::string to_document(const account& value) {
    std::string text;
    text.reserve(usual_size);
    document_writer out(text);
    out(field::format, document_format);
    describe(out, value);
    out.finish();
    return text;
}

std::string to_json(const account& value) {
    std::string text;
    json_writer out(text);
    out.put(to_string(field::format), json_format);
    json_document_writer fields(out);
    describe(fields, value);
    out.finish();
    return text;
}

boost::system::result<account, document_error> account_from_document(std::string_view text) {
    if (text.starts_with('{')) return from_json(text);
    cbor_reader in(bytes_of(text));
    document_fault fault;
    document_reader fields(in, fault);
    std::int64_t format = 0;
    fields(field::format, format);
    if (!fault) fault = format_fault(format, document_format);
    account value;
    describe(fields, value);
    fields.finish();
    if (!in.at_end()) fields.fail();
    if (fault) return *fault;
    return value;
}

} // namespace countersign::core
