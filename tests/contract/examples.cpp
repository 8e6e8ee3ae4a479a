#include "tests/contract/examples.hpp"

#include <boost/beast/http/verb.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <cctype>

namespace countersign::tests {

namespace {

namespace json = boost::json;

constexpr std::string_view json_type = "application/json";

// The refusals that say what was wrong with this very request, or what this very route asks for.
constexpr std::array<std::string_view, 3> varying{"INVALID_REQUEST", "invalid_request",
                                                  "insufficient_scope"};

const json::object& object_in(const json::object& told, std::string_view name) {
    static const json::object none;
    const auto* value = told.if_contains(name);
    return value != nullptr && value->is_object() ? value->get_object() : none;
}

std::string text_or(const json::object& told, std::string_view name, std::string_view otherwise) {
    const auto* value = told.if_contains(name);
    return std::string(
        value != nullptr && value->is_string() ? std::string_view(value->get_string()) : otherwise);
}

std::string as_text(const json::value& value) {
    return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

// The reader of one operation.
class operation_reader {
public:
    operation_reader(const json::object& api, const json::object& told) : api_(api), told_(told) {}

    std::vector<documented_example> read(const net::route_description& route) {
        for (const auto& [status, response] : object_in(told_, "responses"))
            for (const auto& [name, shown] : object_in(response.as_object(), "examples"))
                add_success(name, std::stoul(std::string(status)), response.as_object(),
                            shown.as_object());
        json::object refusals;
        for (const auto name : route.refusals)
            refusals[name] = "";
        for (const auto& [name, conditions] : object_in(told_, "refusals"))
            refusals[name] = conditions;
        for (const auto& [name, conditions] : refusals)
            add_refusal(name, conditions);
        return std::move(examples_);
    }

private:
    documented_example& add(std::string_view name, unsigned long status,
                            const json::object& response) {
        auto& added = examples_.emplace_back();
        added.name = name;
        added.status = static_cast<unsigned>(status);
        added.reply_type = text_or(response, "type", json_type);
        for (const auto& header : object_in(response, "headers"))
            added.headers.emplace(header.key());
        read_request(added);
        read_parameters(added);
        return added;
    }

    void add_success(std::string_view name, unsigned long status, const json::object& response,
                     const json::object& shown) {
        auto& added = add(name, status, response);
        if (const auto* value = shown.if_contains("value")) added.reply = *value;
        added.state = text_or(shown, "x-state", "");
        if (first_success_.empty()) first_success_ = added.state;
    }

    void add_refusal(std::string_view name, const json::value& conditions) {
        const auto& refusal = object_in(object_in(api_, "refusals"), name);
        auto& added =
            add(name, static_cast<unsigned long>(refusal.at("status").as_int64()), refusal);
        if (const auto* value = refusal.if_contains("value")) added.reply = *value;
        added.words_vary = std::ranges::find(varying, name) != varying.end();
        added.state = text_or(refusal, "x-state", "");
        if (const auto* state = conditions.if_string(); state != nullptr && !state->empty())
            added.state = std::string(*state);
        if (const auto* both = conditions.if_object()) {
            added.state = text_or(*both, "x-state", added.state);
            read_instead(added, object_in(*both, "x-send"));
        }
        if (added.state.starts_with("but ")) added.state.insert(0, first_success_ + ", ");
    }

    void read_request(documented_example& added) const {
        const auto& request = object_in(told_, "request");
        const auto& shown = object_in(request, "examples");
        if (shown.empty()) return;
        const auto* own = shown.if_contains(added.name);
        const auto& example = (own != nullptr ? *own : shown.begin()->value()).as_object();
        added.body = example.at("value");
        added.body_type = text_or(request, "type", json_type);
        added.live = object_in(example, "x-live");
    }

    void read_parameters(documented_example& added) const {
        const auto* all = told_.if_contains("parameters");
        if (all == nullptr) return;
        for (const auto& each : all->as_array()) {
            auto parameter = each.as_object();
            if (const auto reference = text_or(parameter, "$ref", ""); !reference.empty())
                parameter = object_in(object_in(api_, "parameters"),
                                      reference.substr(reference.rfind('/') + 1));
            const bool in_path = text_or(parameter, "in", "") == "path";
            const bool required = in_path || parameter.contains("required");
            const auto& by_name = object_in(parameter, "examples");
            const auto* value = by_name.if_contains(added.name);
            if (value == nullptr && !required) continue;
            if (value == nullptr && !by_name.empty()) value = &by_name.begin()->value();
            const auto& chosen = value != nullptr ? value->as_object() : parameter;
            const auto* text = chosen.if_contains(value != nullptr ? "value" : "example");
            (in_path ? added.path : added.query)[text_or(parameter, "name", "")] = {
                text != nullptr ? as_text(*text) : std::string(), text_or(chosen, "x-live", "")};
        }
    }

    // What a refusal is the answer to, in the place of the operation's own request.
    static void read_instead(documented_example& added, const json::object& send) {
        if (const auto* body = send.if_contains("body")) {
            added.body = *body;
            added.body_type = json_type;
            added.live.clear();
        }
        for (const auto& [name, live] : object_in(send, "x-live")) {
            if (const auto found = added.path.find(std::string_view(name));
                found != added.path.end())
                found->second.live = as_text(live);
            else
                added.live[name] = live;
        }
        added.body_type = text_or(send, "type", added.body_type);
        if (const auto* query = send.if_contains("query")) {
            added.query.clear();
            read_query(added, as_text(*query));
        }
    }

    static void read_query(documented_example& added, std::string_view text) {
        if (text.starts_with('?')) text.remove_prefix(1);
        while (!text.empty()) {
            const auto pair = text.substr(0, text.find('&'));
            text.remove_prefix(std::min(text.size(), pair.size() + 1));
            const auto equals = std::min(pair.find('='), pair.size());
            added.query[std::string(pair.substr(0, equals))] = {
                std::string(pair.substr(std::min(equals + 1, pair.size()))), ""};
        }
    }

    const json::object& api_;
    const json::object& told_;
    std::string first_success_;
    std::vector<documented_example> examples_;
};

// Those that are credentials, and those that the text about the field has in backticks.
std::set<std::string, std::less<>> cookies_of(const json::object& api) {
    std::set<std::string, std::less<>> names;
    const auto text =
        text_or(object_in(object_in(api, "headers"), "set-cookie"), "description", "");
    for (auto begin = text.find('`'); begin != std::string::npos;) {
        const auto end = std::min(text.find('`', begin + 1), text.size());
        names.insert(text.substr(begin + 1, end - begin - 1));
        begin = text.find('`', std::min(end + 1, text.size()));
    }
    for (const auto& credential : object_in(api, "credentials"))
        for (const auto& [way, scheme] : credential.value().as_object())
            if (text_or(scheme.as_object(), "in", "") == "cookie")
                names.insert(text_or(scheme.as_object(), "name", ""));
    return names;
}

// A token, an id, a code, a link or a date: nobody can know it before.
bool is_drawn(std::string_view text) {
    constexpr std::size_t size_min = 11; // the shortest recovery code
    const bool has_digit = std::ranges::any_of(
        text, [](unsigned char character) { return std::isdigit(character) != 0; });
    const bool one_word = text.find(' ') == std::string_view::npos;
    return has_digit && text.size() >= size_min && (one_word || text.ends_with(" GMT"));
}

// How long somebody has to wait goes down while the test runs.
bool is_wait(std::string_view member) {
    return member == "remaining" || member == "retryAfter";
}

// Times of a clock, as NumericDate (RFC 7519 section 2).
bool is_moment(std::string_view member) {
    return member == "iat" || member == "exp";
}

class comparison {
public:
    explicit comparison(bool words_vary) : words_vary_(words_vary) {}

    void compare(const json::value& wanted, const json::value& got, const std::string& at) {
        const bool both_numbers = wanted.is_number() && got.is_number();
        if (wanted.kind() != got.kind() && !both_numbers)
            return add(at, "another kind of value", wanted, got);
        if (wanted.is_object()) return compare_members(wanted.get_object(), got.get_object(), at);
        if (wanted.is_array()) return compare_elements(wanted.get_array(), got.get_array(), at);
        const auto member = at.substr(at.rfind('/') + 1);
        if (words_vary_ && (member == "message" || member == "detail" || member == "field")) return;
        if ((is_wait(member) || is_moment(member)) && wanted.as_int64() > 0 && got.as_int64() > 0)
            return;
        if (wanted.is_string() && is_drawn(wanted.get_string()) && !got.get_string().empty())
            return;
        if (wanted != got) add(at, "another value", wanted, got);
    }

    std::vector<std::string> found;

private:
    void add(const std::string& at, std::string_view what, const json::value& wanted,
             const json::value& got) {
        found.push_back(at + ": " + std::string(what) + ", documented " + json::serialize(wanted) +
                        ", was " + json::serialize(got));
    }

    void compare_members(const json::object& wanted, const json::object& got,
                         const std::string& at) {
        for (const auto& [name, value] : wanted) {
            const auto here = at + '/' + std::string(name);
            if (const auto* own = got.if_contains(name))
                compare(value, *own, here);
            else
                found.push_back(here + ": documented, but missing");
        }
        for (const auto& member : got)
            if (!wanted.contains(member.key()))
                found.push_back(at + '/' + std::string(member.key()) +
                                ": there, but not documented");
    }

    // Where there are more things to list than are shown, the others look alike.
    void compare_elements(const json::array& wanted, const json::array& got,
                          const std::string& at) {
        const bool of_objects = !wanted.empty() && wanted.front().is_object();
        if (of_objects && got.size() > wanted.size()) {
            for (const auto& each : got)
                compare_names(wanted.front().as_object(), each, at);
            return;
        }
        if (wanted.size() != got.size()) return add(at, "another length", wanted, got);
        for (std::size_t index = 0; index < wanted.size(); ++index)
            compare(wanted[index], got[index], at + '[' + std::to_string(index) + ']');
    }

    void compare_names(const json::object& wanted, const json::value& got, const std::string& at) {
        const auto alike = [&](const json::key_value_pair& member) {
            const auto* own = got.as_object().if_contains(member.key());
            return own != nullptr && own->kind() == member.value().kind();
        };
        if (!got.is_object() || got.as_object().size() != wanted.size() ||
            !std::ranges::all_of(wanted, alike))
            add(at, "an element that looks different", wanted, got);
    }

    bool words_vary_;
};

} // namespace

std::string documented_example::reason() const {
    constexpr std::string_view prefix = "unreachable: ";
    return state.starts_with(prefix) ? state.substr(prefix.size()) : "";
}

std::vector<documented_operation> documented_operations(const net::family_description& described) {
    const auto api = json::parse(described.api).as_object();
    const auto cookies = cookies_of(api);
    std::vector<documented_operation> all;
    for (const auto& route : described.routes) {
        auto& added = all.emplace_back();
        added.family = described.name;
        added.method = boost::beast::http::to_string(route.key.method);
        added.pattern = route.key.pattern;
        added.cookies = cookies;
        for (const auto& together : route.credentials)
            added.credentials.insert(together.begin(), together.end());
        if (const auto& told = object_in(object_in(api, "operations"), added.name()); !told.empty())
            added.examples = operation_reader(api, told).read(route);
    }
    return all;
}

std::vector<std::string> differences(const json::value& documented, const json::value& actual,
                                     bool words_vary) {
    comparison compared(words_vary);
    compared.compare(documented, actual, "");
    return std::move(compared.found);
}

} // namespace countersign::tests
