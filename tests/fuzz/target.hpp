// What is fuzzed: functions of bytes, each with a property that must hold whatever the bytes are.
// libFuzzer calls them in the programs that scripts/fuzz builds; the tests call each once for every
// file of its corpus.
#pragma once

#include <stdexcept>
#include <string_view>
#include <vector>

namespace countersign::fuzz {

// A property does not hold: a finding. Whatever else leaves a target is one too.
class broken_property : public std::logic_error {
    using std::logic_error::logic_error;
};
inline void require(bool holds, const char* property) {
    if (!holds) throw broken_property(property);
}

struct target {
    std::string_view name; // also of its corpus and its dictionary
    void (*run)(std::string_view input);
};

// Of this program, in no particular order.
[[nodiscard]] inline std::vector<target>& targets() {
    static std::vector<target> all;
    return all;
}

// One for each target, at namespace scope.
struct registration {
    registration(std::string_view name, void (*run)(std::string_view input)) {
        targets().push_back({name, run});
    }
};

// What takes several values reads them from one input, with the byte 1E (record separator) between
// them. Behind the last one are empty ones.
class records {
public:
    explicit records(std::string_view input) : rest_(input) {}

    [[nodiscard]] std::string_view next() {
        const auto record = rest_.substr(0, rest_.find('\x1e'));
        rest_.remove_prefix(record.size() < rest_.size() ? record.size() + 1 : record.size());
        return record;
    }
    [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

private:
    std::string_view rest_;
};

} // namespace countersign::fuzz
