// Every file of every corpus once through its target, so that what the fuzzer found stays found.
#include "tests/fuzz/target.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace countersign::fuzz {

void PrintTo(const target& one, std::ostream* out) {
    *out << one.name;
}

namespace {

const std::filesystem::path corpora = COUNTERSIGN_SOURCE_DIR "/tests/fuzz/corpus";

std::string content_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

class FuzzCorpus : public testing::TestWithParam<target> {};

TEST_P(FuzzCorpus, EveryInput_KeepsTheProperty) {
    int inputs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(corpora / GetParam().name)) {
        const auto input = content_of(entry.path());
        try {
            GetParam().run(input);
        } catch (const std::exception& broken) {
            ADD_FAILURE() << entry.path() << ": " << broken.what();
        }
        ++inputs;
    }
    EXPECT_GE(inputs, 5) << "a corpus of its own, of what the target is about";
    EXPECT_LE(inputs, 60) << "what only widens the coverage belongs into build/fuzz/learnt";
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzCorpus, testing::ValuesIn(targets()),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(FuzzTargets, EachCorpus_IsThatOfATarget) {
    std::set<std::string> found, known;
    for (const auto& entry : std::filesystem::directory_iterator(corpora))
        found.insert(entry.path().filename());
    for (const auto& each : targets())
        known.insert(std::string(each.name));
    EXPECT_EQ(found, known);
}

} // namespace
} // namespace countersign::fuzz
