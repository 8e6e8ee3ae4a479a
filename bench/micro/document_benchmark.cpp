// The stored form of an account.
#include "bench/micro/material.hpp"

#include <benchmark/benchmark.h>

namespace countersign::bench {
namespace {

// One iteration: the subject's document read, with its invariants not looked at.
void document_parse(benchmark::State& state) {
    const material with;
    const auto text = core::to_document(with.subject);
    for (auto _ : state)
        benchmark::DoNotOptimize(core::account_from_document(text));
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(document_parse);

// One iteration: the subject's document written.
void document_write(benchmark::State& state) {
    const material with;
    std::int64_t bytes = 0;
    for (auto _ : state) {
        auto text = core::to_document(with.subject);
        bytes += static_cast<std::int64_t>(text.size());
        benchmark::DoNotOptimize(text);
    }
    state.SetBytesProcessed(bytes);
}
BENCHMARK(document_write);

} // namespace
} // namespace countersign::bench
