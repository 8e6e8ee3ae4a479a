// Slow hashing of passwords, in PHC string form. Each call costs tens of milliseconds of one core:
// callers run it on a bounded pool, never on a network thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace countersign::core {

// The salt of a hash that is to replace `phc`, for the same password with other parameters. Whoever
// replaces it makes the same one, so that two who do so at once agree.
[[nodiscard]] std::array<std::byte, 16> replacement_salt(std::string_view phc);

// Const members may be called from any thread.
class password_hasher {
public:
    virtual ~password_hasher() = default;
    // Throws std::runtime_error if the memory for it cannot be had.
    [[nodiscard]] virtual std::string hash(std::string_view password,
                                           std::array<std::byte, 16> salt) const = 0;
    // False also for a string that is not a PHC string of this kind. Throws as hash() does.
    [[nodiscard]] virtual bool verify(std::string_view password, std::string_view phc) const = 0;
    // Whether `phc` was made with other parameters than hash() uses now.
    [[nodiscard]] virtual bool needs_rehash(std::string_view phc) const = 0;
    // A hash with the current parameters, to verify against where an account does not exist or has
    // no password, so that both take the same time.
    [[nodiscard]] virtual const std::string& dummy() const = 0;
};

// What verify() is willing to spend on a stored hash, whoever wrote it.
inline constexpr std::uint32_t argon2_memory_max_kib = 1024 * 1024;
inline constexpr std::uint32_t argon2_iterations_max = 100;

// The defaults are the minimum of the OWASP Password Storage Cheat Sheet (settings
// `password.argon2_…`).
struct argon2_parameters {
    std::uint32_t memory_kib = 19456;
    std::uint32_t iterations = 2;
    std::uint32_t parallelism = 1;

    friend bool operator==(const argon2_parameters&, const argon2_parameters&) = default;
};

// Argon2id, version 0x13 (RFC 9106).
class argon2id_hasher final : public password_hasher {
public:
    // `dummy_password` must be unguessable: hand in random text.
    argon2id_hasher(argon2_parameters parameters, std::string_view dummy_password);

    [[nodiscard]] std::string hash(std::string_view password,
                                   std::array<std::byte, 16> salt) const override;
    [[nodiscard]] bool verify(std::string_view password, std::string_view phc) const override;
    [[nodiscard]] bool needs_rehash(std::string_view phc) const override;
    [[nodiscard]] const std::string& dummy() const override { return dummy_; }

private:
    argon2_parameters parameters_;
    std::string dummy_;
};

} // namespace countersign::core
