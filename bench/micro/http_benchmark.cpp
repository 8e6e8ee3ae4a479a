// From bytes to a route, as a connection does it, and from a reply to bytes.
#include "bench/micro/http_parts.hpp"
#include "bench/micro/material.hpp"

#include <benchmark/benchmark.h>

namespace countersign::bench {
namespace {

// The key's text counts for nothing here.
constexpr std::string_view key = "csk_0123456789012345678901234567890123456789012";

// One iteration: the header section of a verification searched for its end, parsed and checked.
void request_head(benchmark::State& state) {
    const auto bytes = verification_request(key, wrong_code);
    head_reader reader;
    for (auto _ : state)
        benchmark::DoNotOptimize(reader.read(bytes));
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK(request_head);

// One iteration: a path found among the routes of all four families.
void route(benchmark::State& state, boost::beast::http::verb method, std::string_view path) {
    const auto keys = all_routes();
    const net::router router(keys);
    for (auto _ : state)
        benchmark::DoNotOptimize(router.find(method, path));
}
BENCHMARK_CAPTURE(route, literal, boost::beast::http::verb::post, "/api/auth/2fa/step-up");
BENCHMARK_CAPTURE(route, pattern, boost::beast::http::verb::post,
                  "/api/service/v1/subjects/user-1/verifications");
BENCHMARK_CAPTURE(route, nobodys, boost::beast::http::verb::get, "/favicon.ico");

// One iteration: the reply to a right code written.
void reply_serialise(benchmark::State& state) {
    const auto value = verified_reply();
    std::string out;
    if (!net::serialise(value, reply_framing_now, out))
        return state.SkipWithError("the reply cannot be sent");
    for (auto _ : state) {
        out.clear();
        benchmark::DoNotOptimize(net::serialise(value, reply_framing_now, out));
    }
}
BENCHMARK(reply_serialise);

} // namespace
} // namespace countersign::bench
