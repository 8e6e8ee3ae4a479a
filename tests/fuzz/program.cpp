// libFuzzer's side of a fuzz program: the target is the one that COUNTERSIGN_FUZZ_TARGET names.
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

void (*run)(std::string_view) = nullptr;

} // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    const char* const wanted = std::getenv("COUNTERSIGN_FUZZ_TARGET");
    const auto& all = countersign::fuzz::targets();
    const auto found = std::ranges::find(all, std::string_view(wanted != nullptr ? wanted : ""),
                                         &countersign::fuzz::target::name);
    if (found == all.end()) {
        // Also how scripts/fuzz learns which targets a program has.
        for (const auto& each : all)
            std::printf("%.*s\n", static_cast<int>(each.name.size()), each.name.data());
        std::exit(wanted != nullptr ? 2 : 0);
    }
    run = found->run;
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    run({reinterpret_cast<const char*>(data), size});
    return 0;
}
