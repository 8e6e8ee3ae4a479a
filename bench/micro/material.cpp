#include "bench/micro/material.hpp"

#include "core/crypto/encoding.hpp"
#include "core/decide/subjects.hpp"
#include "core/totp.hpp"
#include "tests/support/fixed_keys.hpp"

#include <stdexcept>
#include <utility>
#include <vector>

namespace countersign::bench {

namespace {

constexpr int backup_codes = 10;

core::totp_device make_device(material& with, const core::account_id& owner, const char* id) {
    core::totp_device made{.id = core::factor_id(id), .label = "phone", .enrolled_at = now};
    made.sealed_secret =
        with.keys.seal(core::text_of(with.totp_secret.reveal()),
                       core::totp_secret_context(owner, made.id), with.random.bytes<12>());
    return made;
}

core::account make_subject(material& with) {
    core::create_subject command{.subject = std::string(backend_subject),
                                 .email = *core::email_address::parse("grace@example.org"),
                                 .name = "Grace Hopper",
                                 .email_factor = false};
    const auto id = core::account_of_subject(backend_subject);
    command.devices.push_back(make_device(with, id, "totp_00000000000000000000000000000001"));
    for (int code = 0; code < backup_codes; ++code)
        command.backup_code_hashes.push_back(
            with.codes.hash_backup_code(id, "backup-code-" + std::to_string(code)));
    return *core::create(command, with.context, now).next;
}

core::account make_person(material& with) {
    core::account person;
    person.id = core::make_account_id(with.random);
    person.email = "ada@example.org";
    person.email_verified = true;
    person.name = "Ada Lovelace";
    person.password_hash = "$argon2id$none";
    person.created_at = person.last_active = now;
    person.totp.push_back(make_device(with, person.id, "totp_00000000000000000000000000000002"));
    person.preferred = core::factor_method::totp;
    person.sessions.push_back({.id = core::session_id(with.random.uuid()),
                               .refresh_hash = with.codes.hash("refresh", person.id, "refresh"),
                               .assurance = core::assurance_level::aal2,
                               .client = {.ip = "192.0.2.1", .browser = "Firefox", .os = "Linux"},
                               .created_at = now,
                               .last_seen = now,
                               .expires_at = now + core::seconds(86'400)});
    person.challenges.push_back({.id = with.step_up,
                                 .purpose = core::challenge_purpose::step_up,
                                 .session = person.sessions.front().id,
                                 .begun_at = now,
                                 .expires_at = now + core::seconds(900)});
    return person;
}

core::account sound(core::account made) {
    if (const auto broken = core::check_invariants(made)) throw std::logic_error(*broken);
    return made;
}

} // namespace

material::material()
    : keys(tests::fixed_key_ring()), codes(tests::fixed_key(3)),
      tokens(tests::fixed_token_service()), totp_secret(core::make_totp_secret(random)),
      subject(sound(make_subject(*this))), step_up(random.hex(16)) {
    person = sound(make_person(*this));
}

std::string material::code_at(core::unix_time time) const {
    const core::totp_parameters parameters;
    return core::totp_code(totp_secret.reveal(), parameters, core::step_at(time, parameters));
}

core::request_origin material::origin() {
    return core::make_origin({.ip = "192.0.2.1", .browser = "Firefox"}, "en", random);
}

std::string verification_request(std::string_view key, std::string_view code) {
    const auto body = "{\"code\":\"" + std::string(code) + "\"}";
    return "POST /api/service/v1/subjects/" + std::string(backend_subject) +
           "/verifications HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
           std::string(key) +
           "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

} // namespace countersign::bench
