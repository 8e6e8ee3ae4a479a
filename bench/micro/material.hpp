// What the micro-benchmarks and the instruction count work on: keys, a subject of the service API,
// a person of the native API, their codes. All of it is the same in every run.
#pragma once

#include "core/account.hpp"
#include "core/decide/evidence.hpp"
#include "core/tokens.hpp"
#include "tests/core/seeded_random.hpp"

#include <string>
#include <string_view>

namespace countersign::bench {

inline constexpr core::unix_time now{core::seconds{1'800'000'015}}; // the middle of a TOTP step
inline constexpr std::string_view backend_subject = "user-1";
inline constexpr std::string_view wrong_code = "000000";

struct material {
    material();

    tests::seeded_random random{1};
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
