// Decisions of core: pure functions, so the account stays as it is from one iteration to the next.
#include "bench/micro/material.hpp"
#include "core/decide/step_up.hpp"

#include <benchmark/benchmark.h>

namespace countersign::bench {
namespace {

// One iteration: one decide() on the subject, with the next account and the events that it makes.
void verify(benchmark::State& state, const material& with, const core::verify_code& command) {
    if (decide(with.subject, command, with.context, now).outcome.has_error() !=
        (command.code == wrong_code))
        return state.SkipWithError("the code is not what it should be");
    for (auto _ : state)
        benchmark::DoNotOptimize(decide(with.subject, command, with.context, now));
}

void verify_right_code(benchmark::State& state) {
    material with;
    verify(state, with, {.code = with.code_at(now), .origin = with.origin()});
}
BENCHMARK(verify_right_code);

// Also compared with each backup code.
void verify_wrong_code(benchmark::State& state) {
    material with;
    verify(state, with, {.code = std::string(wrong_code), .origin = with.origin()});
}
BENCHMARK(verify_wrong_code);

// One iteration: one decide() that completes the person's step-up with a right TOTP code.
void complete_step_up(benchmark::State& state) {
    material with;
    core::complete_step_up command{.challenge = with.step_up, .origin = with.origin()};
    command.proof.session = with.person.sessions.front().id;
    command.code.totp = with.code_at(now);
    if (decide(with.person, command, with.context, now).outcome.has_error())
        return state.SkipWithError("the step-up was refused");
    for (auto _ : state)
        benchmark::DoNotOptimize(decide(with.person, command, with.context, now));
}
BENCHMARK(complete_step_up);

} // namespace
} // namespace countersign::bench
