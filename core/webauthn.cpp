#include "core/webauthn.hpp"

#include "core/crypto/cbor.hpp"
#include "core/crypto/digest.hpp"
#include "core/crypto/encoding.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <array>
#include <span>

namespace countersign::core {

namespace {

using bytes = std::span<const std::byte>;
template <typename T>
using checked = boost::system::result<T, webauthn_error>;

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

// Section 6.1: 32 bytes of the relying party's hash, one of flags, four of the counter; then what
// the flags say.
constexpr std::size_t flags_at = 32, counter_at = 33, header_size = 37;
constexpr std::size_t authenticator_model_size = 16, id_length_size = 2;
constexpr unsigned user_present = 0x01, user_verified = 0x04, backup_eligible = 0x08,
                   backed_up = 0x10, has_credential = 0x40, has_extensions = 0x80;
constexpr std::int64_t cose_algorithm_label = 3;

struct authenticator_data {
    bytes all;
    bytes rp_id_hash;
    unsigned flags = 0;
    std::uint32_t counter = 0;
    bytes credential_id, key; // where there is a credential; the key as COSE

    [[nodiscard]] bool has(unsigned flag) const noexcept { return (flags & flag) != 0; }
};

std::uint32_t number_in(bytes big_endian) {
    std::uint32_t number = 0;
    for (const auto byte : big_endian)
        number = number << 8U | std::to_integer<std::uint32_t>(byte);
    return number;
}

std::optional<authenticator_data> read_authenticator_data(bytes all) {
    if (all.size() < header_size) return std::nullopt;
    authenticator_data read{.all = all,
                            .rp_id_hash = all.first(flags_at),
                            .flags = std::to_integer<unsigned>(all[flags_at]),
                            .counter = number_in(all.subspan(counter_at, 4))};
    auto rest = all.subspan(header_size);
    if (read.has(has_credential)) {
        constexpr auto before_id = authenticator_model_size + id_length_size;
        if (rest.size() < before_id) return std::nullopt;
        const auto length = number_in(rest.subspan(authenticator_model_size, id_length_size));
        rest = rest.subspan(before_id);
        if (rest.size() < length) return std::nullopt;
        read.credential_id = rest.first(length);
        cbor_reader after(rest.subspan(length));
        const auto key = after.item();
        if (!key) return std::nullopt;
        read.key = *key;
        rest = after.rest();
    }
    if (read.has(has_extensions)) {
        cbor_reader after(rest);
        if (!after.item()) return std::nullopt;
        rest = after.rest();
    }
    return rest.empty() ? std::optional(read) : std::nullopt;
}

// The `alg` of a COSE key.
std::optional<std::int64_t> algorithm_of(bytes key) {
    cbor_reader in(key);
    const auto pairs = in.map();
    for (std::uint64_t left = pairs.value_or(0); left > 0; --left) {
        const auto label = in.integer();
        if (!label) return std::nullopt;
        if (*label == cose_algorithm_label) return in.integer();
        if (!in.item()) return std::nullopt;
    }
    return std::nullopt;
}

struct attestation {
    std::string_view format;
    bytes statement, authenticator_data;
};

std::optional<attestation> read_attestation(bytes object) {
    cbor_reader in(object);
    const auto pairs = in.map();
    if (pairs != 3) return std::nullopt;
    std::optional<std::string_view> format;
    std::optional<bytes> statement, data;
    for (int left = 3; left > 0; --left) {
        const auto name = in.text();
        if (name == "fmt")
            format = in.text();
        else if (name == "attStmt")
            statement = in.item();
        else if (name == "authData")
            data = in.byte_string();
        else
            return std::nullopt;
    }
    if (!format || !statement || !data || !in.at_end()) return std::nullopt;
    return attestation{.format = *format, .statement = *statement, .authenticator_data = *data};
}

// A statement of `packed` is a map; with `x5c` in it a manufacturer's certificates vouch.
struct packed_statement {
    std::optional<std::int64_t> algorithm;
    bool has_certificates = false;
};

std::optional<packed_statement> read_packed(bytes statement) {
    cbor_reader in(statement);
    const auto pairs = in.map();
    if (!pairs) return std::nullopt;
    packed_statement read;
    for (auto left = *pairs; left > 0; --left) {
        const auto name = in.text();
        if (!name) return std::nullopt;
        if (*name == "alg") {
            read.algorithm = in.integer();
            if (!read.algorithm) return std::nullopt;
            continue;
        }
        read.has_certificates = read.has_certificates || *name == "x5c";
        if (!in.item()) return std::nullopt;
    }
    return read;
}

// 7.1 steps 5-11, 7.2 steps 8-14.
std::optional<webauthn_error> check_client_data(std::string_view text, std::string_view type,
                                                const ceremony& asked) {
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    boost::system::error_code error;
    const auto parsed = boost::json::parse(text, error);
    if (error || !parsed.is_object()) return webauthn_error::client_data;
    const auto& data = parsed.get_object();
    const auto text_in = [&data](std::string_view name) -> std::optional<std::string_view> {
        const auto* value = data.if_contains(name);
        if (value == nullptr || !value->is_string()) return std::nullopt;
        return value->get_string();
    };
    const auto given_type = text_in("type"), challenge = text_in("challenge"),
               origin = text_in("origin");
    const auto* cross = data.if_contains("crossOrigin");
    if (!given_type || !challenge || !origin || (cross != nullptr && !cross->is_bool()))
        return webauthn_error::client_data;
    if (*given_type != type) return webauthn_error::type;
    if (asked.challenge.empty() || *challenge != asked.challenge) return webauthn_error::challenge;
    if (!asked.party.accepts(*origin)) return webauthn_error::origin;
    // Nobody may put our pages into theirs: there is no origin above ours.
    if (cross != nullptr && cross->get_bool()) return webauthn_error::cross_origin;
    if (data.contains("topOrigin")) return webauthn_error::top_origin;
    return std::nullopt;
}

// 7.1 steps 14-17, 7.2 steps 15-18.
std::optional<webauthn_error> check_authenticator(const authenticator_data& data,
                                                  const relying_party& party) {
    if (!std::ranges::equal(data.rp_id_hash, sha256(bytes_of(party.id))))
        return webauthn_error::rp_id;
    if (!data.has(user_present)) return webauthn_error::user_presence;
    if (party.verifies_users && !data.has(user_verified)) return webauthn_error::user_verification;
    if (data.has(backed_up) && !data.has(backup_eligible)) return webauthn_error::backup_state;
    return std::nullopt;
}

// 7.1 steps 21-22. No trust anchors are needed for either format (steps 23-24).
std::optional<webauthn_error> check_attestation(const attestation& given,
                                                passkey_algorithm algorithm,
                                                const signed_by_authenticator& what) {
    if (given.format == "none") {
        const auto pairs = cbor_reader(given.statement).map();
        return pairs == 0 ? std::nullopt : std::optional(webauthn_error::attestation_statement);
    }
    if (given.format != "packed") return webauthn_error::attestation_format;
    const auto statement = read_packed(given.statement);
    if (!statement) return webauthn_error::attestation_statement;
    if (statement->has_certificates) return webauthn_error::attestation_format;
    if (statement->algorithm != cose_number(algorithm) ||
        !is_self_attested(algorithm, given.statement, what))
        return webauthn_error::attestation_statement;
    return std::nullopt;
}

} // namespace

bool relying_party::accepts(std::string_view origin) const {
    if (origins.empty()) return origin == "https://" + id;
    return std::ranges::find(origins, origin) != origins.end();
}

std::string_view to_string(webauthn_error error) noexcept {
    switch (error) {
    case webauthn_error::client_data:
        return "client_data";
    case webauthn_error::type:
        return "type";
    case webauthn_error::challenge:
        return "challenge";
    case webauthn_error::origin:
        return "origin";
    case webauthn_error::cross_origin:
        return "cross_origin";
    case webauthn_error::top_origin:
        return "top_origin";
    case webauthn_error::attestation_object:
        return "attestation_object";
    case webauthn_error::authenticator_data:
        return "authenticator_data";
    case webauthn_error::rp_id:
        return "rp_id";
    case webauthn_error::user_presence:
        return "user_presence";
    case webauthn_error::user_verification:
        return "user_verification";
    case webauthn_error::backup_state:
        return "backup_state";
    case webauthn_error::algorithm:
        return "algorithm";
    case webauthn_error::public_key:
        return "public_key";
    case webauthn_error::attestation_format:
        return "attestation_format";
    case webauthn_error::attestation_statement:
        return "attestation_statement";
    case webauthn_error::credential_id:
        return "credential_id";
    case webauthn_error::credential_registered:
        return "credential_registered";
    case webauthn_error::credential_not_allowed:
        return "credential_not_allowed";
    case webauthn_error::user_handle:
        return "user_handle";
    case webauthn_error::backup_eligibility:
        return "backup_eligibility";
    case webauthn_error::signature:
        return "signature";
    case webauthn_error::counter:
        return "counter";
    }
    return "";
}

checked<passkey_credential> verify_registration(const registration_response& response,
                                                const ceremony& asked) {
    const auto& party = asked.party;
    if (const auto no = check_client_data(response.client_data_json, "webauthn.create", asked))
        return *no;
    const auto attested = read_attestation(bytes_of(response.attestation_object));
    if (!attested) return webauthn_error::attestation_object;
    const auto data = read_authenticator_data(attested->authenticator_data);
    if (!data || !data->has(has_credential)) return webauthn_error::authenticator_data;
    if (const auto no = check_authenticator(*data, party)) return *no;

    if (!party.takes_synced && data->has(backup_eligible))
        return webauthn_error::backup_eligibility;

    const auto number = algorithm_of(data->key);
    if (!number) return webauthn_error::public_key;
    const auto algorithm = passkey_algorithm_from(*number);
    if (!algorithm) return webauthn_error::algorithm;
    const auto key = attested_key(data->all, *algorithm);
    if (!key) return webauthn_error::public_key;
    const signed_by_authenticator what{.rp_id = party.id,
                                       .authenticator_data = data->all,
                                       .client_data_hash =
                                           sha256(bytes_of(response.client_data_json))};
    if (const auto no = check_attestation(*attested, *algorithm, what)) return *no;
    if (data->credential_id.empty() || data->credential_id.size() > credential_id_max_bytes)
        return webauthn_error::credential_id;
    return passkey_credential{.id = to_base64url(data->credential_id),
                              .algorithm = *algorithm,
                              .public_key = to_base64url(bytes_of(*key)),
                              .sign_count = data->counter,
                              .user_verified = data->has(user_verified),
                              .backup_eligible = data->has(backup_eligible),
                              .backed_up = data->has(backed_up)};
}

checked<passkey_credential> verify_assertion(const assertion_response& response,
                                             const ceremony& asked, const passkey_credential& kept,
                                             std::string_view user_handle) {
    const auto& party = asked.party;
    if (response.credential_id != kept.id) return webauthn_error::credential_not_allowed;
    if (response.user_handle && *response.user_handle != user_handle)
        return webauthn_error::user_handle;
    if (const auto no = check_client_data(response.client_data_json, "webauthn.get", asked))
        return *no;
    const auto data = read_authenticator_data(bytes_of(response.authenticator_data));
    if (!data || data->has(has_credential)) return webauthn_error::authenticator_data;
    if (const auto no = check_authenticator(*data, party)) return *no;
    if (data->has(backup_eligible) != kept.backup_eligible)
        return webauthn_error::backup_eligibility;

    const auto key = from_base64url(kept.public_key);
    const signed_by_authenticator what{.rp_id = party.id,
                                       .authenticator_data = data->all,
                                       .client_data_hash =
                                           sha256(bytes_of(response.client_data_json))};
    if (!key || !is_signed_with(kept.algorithm, *key, what, bytes_of(response.signature)))
        return webauthn_error::signature;
    // What counts must count on: else the key exists twice, or the assertion is an old one. Synced
    // passkeys do not count and stay at zero.
    const bool counts = data->counter != 0 || kept.sign_count != 0;
    if (counts && data->counter <= kept.sign_count) return webauthn_error::counter;

    auto updated = kept;
    updated.sign_count = data->counter;
    updated.backed_up = data->has(backed_up);
    return updated;
}

} // namespace countersign::core
