// The documented calls: what a family's api.json shows, as requests that can be sent and replies
// that can be compared (net/families/README.md has the format).
#pragma once

#include "net/family.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::tests {

// A parameter's value, and the name of the live value that takes its place; "" if none does.
struct documented_value {
    std::string text, live;
};

// One reply and the request that it answers.
struct documented_example {
    std::string name;
    unsigned status = 0;
    std::string state; // complete: one that only says "but …" stands behind the first success's

    std::optional<boost::json::value> body; // a string is sent as it is
    std::string body_type;
    boost::json::object live; // members of the body whose value only the state knows
    std::map<std::string, documented_value, std::less<>> path, query;

    std::optional<boost::json::value> reply; // nothing: the reply has no body
    std::string reply_type;
    std::set<std::string, std::less<>> headers;
    bool words_vary = false; // says what is wrong with this very request

    [[nodiscard]] bool is_unreachable() const { return state.starts_with("unreachable"); }
    // It needs a server whose Redis does not answer.
    [[nodiscard]] bool is_without_store() const { return state.ends_with("but the store is away"); }
    // Why it is unreachable; "" if the state says nothing of it.
    [[nodiscard]] std::string reason() const;
};

struct documented_operation {
    std::string family, method, pattern;
    std::set<std::string, std::less<>> credentials; // names of every alternative
    std::set<std::string, std::less<>> cookies;     // names that the family documents
    std::vector<documented_example> examples;

    [[nodiscard]] std::string name() const { return method + ' ' + pattern; }
};

// Those of the family's route table, with what api.json says of each; a route that it does not have
// has no examples.
[[nodiscard]] std::vector<documented_operation>
documented_operations(const net::family_description& described);

// Each member, of each of these kinds, in the same order of an array's elements. What a server
// draws or reads off a clock has to be of the same kind; everything else has to be the same, but
// for the words of a refusal if they vary. Nothing if so, else what differs, one line each.
[[nodiscard]] std::vector<std::string> differences(const boost::json::value& documented,
                                                   const boost::json::value& actual,
                                                   bool words_vary);

} // namespace countersign::tests
