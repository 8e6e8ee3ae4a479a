// What the states of documented examples mean (net/families/README.md and the families' own): puts
// Ada, or a subject, into one and says what is presented there.
#pragma once

#include "tests/contract/examples.hpp"
#include "tests/contract/world.hpp"

#include <chrono>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::tests {

class state {
public:
    explicit state(std::string_view text);

    [[nodiscard]] bool has(std::string_view word) const;
    [[nodiscard]] bool has_any(std::initializer_list<std::string_view> words) const;
    // Whether something is wrong with the caller: then nothing changes, however often it asks.
    [[nodiscard]] bool is_refused() const;
    // The same for the account and its tokens; what is presented of them, and from where, may
    // differ.
    [[nodiscard]] state presented_well() const;
    [[nodiscard]] std::string text() const;
    // Throws std::runtime_error, which names it, at a word that the family does not have.
    void check_words(std::string_view family) const;

private:
    std::vector<std::string> words_;
};

// Where the person is, and everything that the examples call by another name.
struct situation {
    explicit situation(world& where) : home(&where) {}

    // Nothing if the state knows none of that name.
    [[nodiscard]] std::optional<std::string> live_value(std::string_view name);
    // With the real names in the place of the examples'.
    [[nodiscard]] std::string real(std::string text) const;

    world* home;
    http_headers presented; // credentials, and the address that they come from
    std::map<std::string, std::string, std::less<>> live;
    std::vector<std::pair<std::string, std::string>> names; // the examples' and the real one
    std::optional<authenticator> app;
    std::chrono::steady_clock::time_point not_before; // what has to grow old is old enough then
};

// Throws std::runtime_error if the state is unknown, or does not come about.
[[nodiscard]] situation put_into(const state& wanted, const documented_operation& operation);

} // namespace countersign::tests
