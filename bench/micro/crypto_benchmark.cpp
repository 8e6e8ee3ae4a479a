// Codes, sealed values and tokens.
#include "bench/micro/material.hpp"
#include "core/crypto/encoding.hpp"
#include "core/totp.hpp"

#include <benchmark/benchmark.h>

namespace countersign::bench {
namespace {

// One iteration: the three steps of a window of one computed and compared with a code.
void totp_window(benchmark::State& state) {
    const material with;
    const core::totp_parameters parameters;
    const auto code = with.code_at(now);
    for (auto _ : state)
        benchmark::DoNotOptimize(
            core::matching_step(with.totp_secret.reveal(), parameters, code, now, 1));
}
BENCHMARK(totp_window);

// One iteration: a TOTP secret of 20 bytes sealed, to text.
void aead_seal(benchmark::State& state) {
    const material with;
    const auto secret = core::text_of(with.totp_secret.reveal());
    const auto use = core::totp_secret_context(with.subject.id, with.subject.totp.front().id);
    // Repeating a nonce betrays a secret; this one has none.
    const std::array<std::byte, 12> nonce{};
    for (auto _ : state)
        benchmark::DoNotOptimize(with.keys.seal(secret, use, nonce));
}
BENCHMARK(aead_seal);

// One iteration: a sealed TOTP secret of 20 bytes opened, from text, and wiped.
void aead_open(benchmark::State& state) {
    const material with;
    const auto& device = with.subject.totp.front();
    const auto use = core::totp_secret_context(with.subject.id, device.id);
    for (auto _ : state)
        benchmark::DoNotOptimize(with.keys.open(device.sealed_secret, use));
}
BENCHMARK(aead_open);

core::token_claims claims_of(const material& with) {
    return {.subject = with.person.id,
            .session = with.person.sessions.front().id,
            .id = "00000000000000000000000000000000",
            .issued_at = now,
            .expires_at = now + core::seconds(900)};
}

// One iteration: an access token made and signed.
void token_issue(benchmark::State& state) {
    const material with;
    const auto claims = claims_of(with);
    for (auto _ : state)
        benchmark::DoNotOptimize(with.tokens.issue(core::token_kind::access, claims));
}
BENCHMARK(token_issue);

// One iteration: a good access token checked, and its claims read.
void token_check(benchmark::State& state) {
    const material with;
    const auto token = with.tokens.issue(core::token_kind::access, claims_of(with));
    for (auto _ : state)
        benchmark::DoNotOptimize(with.tokens.verify(core::token_kind::access, token, now));
}
BENCHMARK(token_check);

} // namespace
} // namespace countersign::bench
