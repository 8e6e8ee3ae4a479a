// What the micro-benchmarks and the instruction count work on: keys, a subject of the service API,
// a person of the native API, their codes. All of it is the same in every run.
#pragma once

#include "core/account.hpp"
#include "core/decide/evidence.hpp"
#include "core/random.hpp"
#include "core/tokens.hpp"

#include <random>
#include <string>
#include <string_view>

namespace countersign::bench {

class repeated_random final : public core::random_source {
public:
    void fill(std::span<std::byte> out) override {
        for (auto& byte : out)
            byte = static_cast<std::byte>(engine_() & 0xFFU);
    }

private:
    std::mt19937_64 engine_{1};
};

inline constexpr core::unix_time now{core::seconds{1'800'000'015}}; // the middle of a TOTP step
inline constexpr std::string_view backend_subject = "user-1";
inline constexpr std::string_view wrong_code = "000000";

[[nodiscard]] core::secret_key key_of(unsigned char value);
[[nodiscard]] core::key_ring make_keys();
[[nodiscard]] core::token_service make_tokens();

struct material {
    material();

    repeated_random random;
    core::policy rules;
    core::key_ring keys;
    core::code_hasher codes;
    core::token_service tokens;
    core::context context{.rules = rules, .keys = keys, .codes = codes};
    core::secret_bytes totp_secret; // of both accounts
    core::account subject;          // one TOTP device and ten backup codes
    core::account person;           // one TOTP device, one session, one step-up pending
    core::challenge_id step_up;

    [[nodiscard]] std::string code_at(core::unix_time time) const;
    [[nodiscard]] core::request_origin origin();
};

// POST …/verifications of the subject, as a backend sends it.
[[nodiscard]] std::string verification_request(std::string_view key, std::string_view code);

} // namespace countersign::bench
