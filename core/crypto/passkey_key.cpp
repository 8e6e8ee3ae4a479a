#include "core/crypto/passkey_key.hpp"

#include "core/crypto/encoding.hpp"

#include <fido.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <fido/rs256.h>

#include <memory>
#include <new>

namespace countersign::core {

namespace {

// libfido2's functions that free take the address of the pointer.
template <auto Free>
struct fido_deleter {
    void operator()(auto* object) const noexcept { Free(&object); }
};
template <typename T, auto Free>
using fido_ptr = std::unique_ptr<T, fido_deleter<Free>>;

using credential_ptr = fido_ptr<fido_cred_t, fido_cred_free>;
using assertion_ptr = fido_ptr<fido_assert_t, fido_assert_free>;

const unsigned char* data_of(std::span<const std::byte> bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

template <typename Pointer>
Pointer owned(typename Pointer::pointer made) {
    if (made == nullptr) throw std::bad_alloc();
    return Pointer(made);
}

// Calls `use(const void*)` with libfido2's form of a key; false if it is no key.
template <typename Use>
bool with_key(passkey_algorithm algorithm, std::span<const std::byte> key, Use use) {
    switch (algorithm) {
    case passkey_algorithm::es256: {
        const auto read = owned<fido_ptr<es256_pk_t, es256_pk_free>>(es256_pk_new());
        return es256_pk_from_ptr(read.get(), key.data(), key.size()) == FIDO_OK && use(read.get());
    }
    case passkey_algorithm::eddsa: {
        const auto read = owned<fido_ptr<eddsa_pk_t, eddsa_pk_free>>(eddsa_pk_new());
        return eddsa_pk_from_ptr(read.get(), key.data(), key.size()) == FIDO_OK && use(read.get());
    }
    case passkey_algorithm::rs256: {
        const auto read = owned<fido_ptr<rs256_pk_t, rs256_pk_free>>(rs256_pk_new());
        return rs256_pk_from_ptr(read.get(), key.data(), key.size()) == FIDO_OK && use(read.get());
    }
    }
    return false;
}

// A credential with its attested data; null: libfido2 cannot read them.
credential_ptr read_credential(std::span<const std::byte> authenticator_data,
                               passkey_algorithm algorithm) {
    auto credential = owned<credential_ptr>(fido_cred_new());
    if (fido_cred_set_type(credential.get(), static_cast<int>(cose_number(algorithm))) != FIDO_OK ||
        fido_cred_set_authdata_raw(credential.get(), data_of(authenticator_data),
                                   authenticator_data.size()) != FIDO_OK)
        credential.reset();
    return credential;
}

// libfido2 compares the extensions that it knows with those that its caller asked an authenticator
// for. We ask for none and take what comes (section 7.1 step 28, 7.2 step 23), so whichever of them
// are there count as asked for.
constexpr std::array extension_sets{0, FIDO_EXT_HMAC_SECRET, FIDO_EXT_CRED_BLOB,
                                    FIDO_EXT_HMAC_SECRET | FIDO_EXT_CRED_BLOB};

} // namespace

std::int64_t cose_number(passkey_algorithm algorithm) noexcept {
    switch (algorithm) {
    case passkey_algorithm::es256:
        return COSE_ES256;
    case passkey_algorithm::eddsa:
        return COSE_EDDSA;
    case passkey_algorithm::rs256:
        return COSE_RS256;
    }
    return COSE_UNSPEC;
}

std::optional<passkey_algorithm> passkey_algorithm_from(std::int64_t cose) noexcept {
    for (const auto algorithm : passkey_algorithms)
        if (cose_number(algorithm) == cose) return algorithm;
    return std::nullopt;
}

std::optional<std::string> attested_key(std::span<const std::byte> authenticator_data,
                                        passkey_algorithm algorithm) {
    const auto credential = read_credential(authenticator_data, algorithm);
    if (!credential) return std::nullopt;
    const auto* key = fido_cred_pubkey_ptr(credential.get());
    if (key == nullptr) return std::nullopt;
    const auto bytes = std::as_bytes(std::span(key, fido_cred_pubkey_len(credential.get())));
    // A point that is not on the curve is no key.
    if (!with_key(algorithm, bytes, [](const void*) { return true; })) return std::nullopt;
    return std::string(text_of(bytes));
}

bool is_signed_with(passkey_algorithm algorithm, std::span<const std::byte> key,
                    const signed_by_authenticator& what, std::span<const std::byte> signature) {
    const auto assertion = owned<assertion_ptr>(fido_assert_new());
    auto* raw = assertion.get();
    const auto& data = what.authenticator_data;
    if (fido_assert_set_rp(raw, what.rp_id.c_str()) != FIDO_OK ||
        fido_assert_set_clientdata_hash(raw, data_of(what.client_data_hash),
                                        what.client_data_hash.size()) != FIDO_OK ||
        fido_assert_set_count(raw, 1) != FIDO_OK ||
        fido_assert_set_authdata_raw(raw, 0, data_of(data), data.size()) != FIDO_OK ||
        fido_assert_set_sig(raw, 0, data_of(signature), signature.size()) != FIDO_OK)
        return false;
    return with_key(algorithm, key, [&](const void* read) {
        for (const int extensions : extension_sets) {
            if (fido_assert_set_extensions(raw, extensions) != FIDO_OK) return false;
            const int verdict =
                fido_assert_verify(raw, 0, static_cast<int>(cose_number(algorithm)), read);
            if (verdict != FIDO_ERR_INVALID_PARAM) return verdict == FIDO_OK;
        }
        return false;
    });
}

bool is_self_attested(passkey_algorithm algorithm, std::span<const std::byte> statement,
                      const signed_by_authenticator& what) {
    const auto credential = read_credential(what.authenticator_data, algorithm);
    if (!credential) return false;
    auto* raw = credential.get();
    if (fido_cred_set_rp(raw, what.rp_id.c_str(), nullptr) != FIDO_OK ||
        fido_cred_set_clientdata_hash(raw, data_of(what.client_data_hash),
                                      what.client_data_hash.size()) != FIDO_OK ||
        fido_cred_set_fmt(raw, "packed") != FIDO_OK ||
        fido_cred_set_attstmt(raw, data_of(statement), statement.size()) != FIDO_OK)
        return false;
    constexpr int protection_max = FIDO_CRED_PROT_UV_REQUIRED;
    for (int protection = 0; protection <= protection_max; ++protection)
        for (const int extensions : extension_sets) {
            if (fido_cred_set_extensions(raw, 0) != FIDO_OK ||
                fido_cred_set_extensions(raw, extensions) != FIDO_OK ||
                fido_cred_set_prot(raw, protection) != FIDO_OK)
                return false;
            const int verdict = fido_cred_verify_self(raw);
            if (verdict != FIDO_ERR_INVALID_PARAM) return verdict == FIDO_OK;
        }
    return false;
}

} // namespace countersign::core
