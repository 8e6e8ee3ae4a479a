#include "core/crypto/password_hash.hpp"

#include "core/crypto/encoding.hpp"
#include "core/crypto/hmac.hpp"

#include <argon2.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <stdexcept>

namespace countersign::core {
namespace {

constexpr std::size_t salt_size = 16;
constexpr std::size_t hash_size = 32;
constexpr std::size_t phc_size_max = 512;
constexpr argon2_parameters ceiling{
    .memory_kib = argon2_memory_max_kib, .iterations = argon2_iterations_max, .parallelism = 64};

[[noreturn]] void throw_failure(int code) {
    throw std::runtime_error(std::string("Argon2 failed: ") + argon2_error_message(code));
}

bool skip(std::string_view& text, std::string_view expected) {
    if (!text.starts_with(expected)) {
        return false;
    }
    text.remove_prefix(expected.size());
    return true;
}

bool read_number(std::string_view& text, std::uint32_t& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) {
        return false;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

// The parameters of `$argon2id$v=19$m=M,t=T,p=P$salt$hash`, or nullopt if it is not of that form.
std::optional<argon2_parameters> parameters_of(std::string_view phc) {
    argon2_parameters parameters;
    if (phc.size() > phc_size_max || phc.find('\0') != std::string_view::npos ||
        !skip(phc, "$argon2id$v=19$m=") || !read_number(phc, parameters.memory_kib) ||
        !skip(phc, ",t=") || !read_number(phc, parameters.iterations) || !skip(phc, ",p=") ||
        !read_number(phc, parameters.parallelism) || !skip(phc, "$")) {
        return std::nullopt;
    }
    return parameters;
}

bool is_affordable(const argon2_parameters& parameters) {
    return parameters.memory_kib <= ceiling.memory_kib &&
           parameters.iterations <= ceiling.iterations &&
           parameters.parallelism <= ceiling.parallelism;
}

std::array<std::byte, salt_size> salt_from(std::string_view use, std::string_view text) {
    const auto digest = hmac_sha256(bytes_of(use), bytes_of(text));
    std::array<std::byte, salt_size> salt{};
    std::copy_n(digest.begin(), salt.size(), salt.begin());
    return salt;
}

} // namespace

std::array<std::byte, salt_size> replacement_salt(std::string_view phc) {
    return salt_from("countersign replacement salt", phc);
}

argon2id_hasher::argon2id_hasher(argon2_parameters parameters, std::string_view dummy_password)
    : parameters_(parameters),
      dummy_(hash(dummy_password, salt_from("countersign dummy salt", dummy_password))) {}

std::string argon2id_hasher::hash(std::string_view password,
                                  std::array<std::byte, salt_size> salt) const {
    const std::size_t size =
        argon2_encodedlen(parameters_.iterations, parameters_.memory_kib, parameters_.parallelism,
                          salt_size, hash_size, Argon2_id); // counts the terminating NUL
    std::string phc(size, '\0');
    const int code = argon2id_hash_encoded(
        parameters_.iterations, parameters_.memory_kib, parameters_.parallelism, password.data(),
        password.size(), salt.data(), salt.size(), hash_size, phc.data(), phc.size());
    if (code != ARGON2_OK) {
        throw_failure(code);
    }
    phc.resize(phc.find('\0'));
    return phc;
}

bool argon2id_hasher::verify(std::string_view password, std::string_view phc) const {
    const auto parameters = parameters_of(phc);
    if (!parameters || !is_affordable(*parameters)) {
        return false;
    }
    const std::string terminated(phc);
    const int code = argon2_verify(terminated.c_str(), password.data(), password.size(), Argon2_id);
    if (code == ARGON2_MEMORY_ALLOCATION_ERROR || code == ARGON2_THREAD_FAIL) {
        throw_failure(code); // says nothing of the password: must not read as "wrong"
    }
    return code == ARGON2_OK;
}

bool argon2id_hasher::needs_rehash(std::string_view phc) const {
    return parameters_of(phc) != parameters_;
}

} // namespace countersign::core
