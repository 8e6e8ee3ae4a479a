// Every example of the API document, sent to a server: the reply has the status, the members and
// the kinds of values that are shown, and the same words where they are fixed.
#include "tests/contract/examples.hpp"
#include "tests/contract/state_parts.hpp"
#include "tests/contract/states.hpp"
#include "tests/net/openapi_families.hpp"

#include <boost/beast/http/verb.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <csignal>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

namespace countersign::tests {
namespace {

namespace json = boost::json;

// Nobody hides an example by calling it unreachable: these are full queues of password checks, and
// what another refusal of the same route always comes before.
constexpr std::size_t unreachable_max = 17;

const std::vector<documented_operation>& all_operations() {
    static const auto all = [] {
        std::vector<documented_operation> found;
        for (const auto& family : described_families())
            for (auto& operation : documented_operations(family))
                found.push_back(std::move(operation));
        return found;
    }();
    return all;
}

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF", plain = "-._~";
    std::string encoded;
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        if (std::isalnum(byte) != 0 || plain.find(character) != std::string_view::npos) {
            encoded += character;
        } else {
            encoded += '%';
            encoded += digits[byte / 16];
            encoded += digits[byte % 16];
        }
    }
    return encoded;
}

// What is only there when all goes well may be missing where it does not: then the documented value
// is as good as any.
std::string live_or(const documented_example& example, std::string_view name,
                    std::string documented, situation& here) {
    if (auto live = here.live_value(name)) return *live;
    if (example.status < 300)
        throw std::runtime_error("the state knows no '" + std::string(name) + "'");
    return documented;
}

std::string value_of(const documented_example& example, const documented_value& value,
                     situation& here) {
    auto documented = here.real(value.text);
    return value.live.empty() ? documented : live_or(example, value.live, documented, here);
}

std::string path_of(const documented_operation& operation, const documented_example& example,
                    situation& here) {
    auto path = operation.pattern;
    for (const auto& [name, value] : example.path)
        path.replace(path.find('{' + name + '}'), name.size() + 2, value_of(example, value, here));
    return path;
}

std::string query_of(const documented_example& example, situation& here) {
    std::string query;
    for (const auto& [name, value] : example.query)
        query += (query.empty() ? "?" : "&") + name + "=" +
                 percent_encoded(value_of(example, value, here));
    return query;
}

std::string body_of(const documented_example& example, situation& here) {
    if (!example.body) return "";
    if (const auto* lines = example.body->if_string()) return here.real(std::string(*lines));
    auto body = json::parse(here.real(json::serialize(*example.body)));
    for (const auto& [member, name] : example.live) {
        auto& value = body.as_object()[member];
        if (value.is_string())
            value = live_or(example, name.as_string(), std::string(value.get_string()), here);
        else // is told as JSON
            value = json::parse(live_or(example, name.as_string(), json::serialize(value), here));
    }
    if (example.body_type != "application/x-www-form-urlencoded") return json::serialize(body);
    std::string form;
    for (const auto& [field, value] : body.as_object())
        form += (form.empty() ? "" : "&") + std::string(field) + "=" +
                percent_encoded(std::string(value.as_string()));
    return form;
}

// JSON values, one per line, as an array.
json::value lines_of(std::string_view text) {
    json::array lines;
    std::istringstream stream{std::string(text)};
    for (std::string line; std::getline(stream, line);)
        lines.push_back(json::parse(line));
    return lines;
}

void expect_body(const documented_example& example, const http_response& response,
                 const situation& here, const std::string& path) {
    if (!example.reply) {
        EXPECT_EQ(response.body, "");
        EXPECT_EQ(response.header("Content-Type"), std::nullopt);
        return;
    }
    const auto type = response.header("Content-Type").value_or("");
    EXPECT_EQ(type.substr(0, type.find(';')), example.reply_type);
    std::vector<std::string> differing;
    if (example.reply_type == "application/x-ndjson") {
        differing = differences(lines_of(here.real(std::string(example.reply->as_string()))),
                                lines_of(response.body), example.words_vary);
    } else if (example.reply_type.ends_with("json")) {
        auto documented = json::parse(here.real(json::serialize(*example.reply)));
        if (auto* members = documented.if_object())
            if (auto* shown = members->if_contains("path"); shown != nullptr && *shown == "{path}")
                *shown = path;
        differing = differences(documented, json::parse(response.body), example.words_vary);
    } else if (response.body != std::string_view(example.reply->as_string())) {
        differing = {"documented " + json::serialize(*example.reply) + ", was " + response.body};
    }
    for (const auto& each : differing)
        ADD_FAILURE() << each;
}

// Fields that tell a client what to do stand where they are documented, and nowhere else.
void expect_headers(const documented_operation& operation, const documented_example& example,
                    const http_response& response) {
    for (const auto* name : {"Set-Cookie", "Retry-After", "WWW-Authenticate"})
        EXPECT_EQ(response.header(name).has_value(), example.headers.contains(name)) << name;
    for (const auto& [name, value] : response.set_cookies())
        EXPECT_TRUE(operation.cookies.contains(name)) << "the cookie " << name;
}

// An example on its way.
struct sent_example {
    const documented_operation* operation;
    const documented_example* example;
    situation here;
    std::string path = {};
    http_response response = {};
};

void send(sent_example& each) {
    const auto& example = *each.example;
    each.path = path_of(*each.operation, example, each.here);
    const auto body = body_of(example, each.here);
    auto headers = each.here.presented;
    if (!body.empty()) headers.emplace_back("Content-Type", example.body_type);
    std::this_thread::sleep_until(each.here.not_before);
    // What a limit allows comes back bit by bit: it is used up again at the last moment, and once
    // more where that moment was too long.
    const bool exhausted = example.state.find("but too many requests") != std::string_view::npos;
    for (int tries = 0; tries == 0 || (exhausted && each.response.status != 429 && tries < 5);
         ++tries) {
        if (exhausted) (void)exhausted_client(*each.here.home, *each.operation, false);
        each.response = http_request(each.here.home->server.port(), each.operation->method,
                                     each.path + query_of(example, each.here), headers, body);
    }
}

void expect_documented(const sent_example& each) {
    EXPECT_EQ(each.response.status, each.example->status) << each.response.body;
    if (each.response.status != each.example->status) return;
    expect_body(*each.example, each.response, each.here, each.path);
    expect_headers(*each.operation, *each.example, each.response);
}

// What goes wrong is said of this example, and does not keep the next ones from being sent.
void checked(const documented_operation& operation, const documented_example& example,
             const std::function<void()>& step) {
    SCOPED_TRACE(operation.name() + ": " + std::to_string(example.status) + ' ' + example.name +
                 " (" + example.state + ')');
    try {
        step();
    } catch (const std::exception& problem) {
        ADD_FAILURE() << problem.what();
    }
}

// Of the route tables alone, so that the tests have their names even if an api.json is broken.
std::vector<std::string> all_names() {
    std::vector<std::string> names;
    for (const auto& family : described_families())
        for (const auto& route : family.routes)
            names.push_back(std::string(family.name) + ' ' +
                            std::string(boost::beast::http::to_string(route.key.method)) + ' ' +
                            std::string(route.key.pattern));
    return names;
}

const documented_operation& operation_of(const std::string& name) {
    const auto& all = all_operations();
    return *std::ranges::find_if(all, [&](const documented_operation& operation) {
        return operation.family + ' ' + operation.name() == name;
    });
}

class Examples : public testing::TestWithParam<std::string> {
protected:
    static void TearDownTestSuite() { std::cout << replayed << " examples were replayed\n"; }

    static std::size_t replayed;
};

std::size_t Examples::replayed = 0;

TEST_P(Examples, AreWhatTheServerDoes) {
    const auto& operation = operation_of(GetParam());
    ASSERT_FALSE(operation.examples.empty()) << operation.name() << " is not in api.json";
    std::vector<sent_example> growing_old;
    bool succeeded = false;
    for (const auto& example : operation.examples) {
        if (example.is_unreachable() || example.is_without_store()) continue;
        checked(operation, example, [&] {
            sent_example each{&operation, &example, put_into(state(example.state), operation)};
            if (each.here.not_before > std::chrono::steady_clock::now()) {
                growing_old.push_back(std::move(each));
                return;
            }
            send(each);
            expect_documented(each);
        });
        succeeded = succeeded || example.status < 300;
        ++replayed;
    }
    for (auto& each : growing_old)
        checked(operation, *each.example, [&] {
            send(each);
            expect_documented(each);
        });
    EXPECT_TRUE(succeeded) << "no example of a success";
}

INSTANTIATE_TEST_SUITE_P(OfEveryRoute, Examples, testing::ValuesIn(all_names()),
                         [](const auto& row) {
                             auto name = row.param;
                             std::ranges::replace_if(
                                 name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
                             return name;
                         });

// Processes that do nothing for as long as this lives.
class stopped {
public:
    explicit stopped(std::set<pid_t> processes) : processes_(std::move(processes)) {
        for (const auto process : processes_)
            ::kill(process, SIGSTOP);
    }
    ~stopped() {
        for (const auto process : processes_)
            ::kill(process, SIGCONT);
    }
    stopped(const stopped&) = delete;
    stopped& operator=(const stopped&) = delete;

private:
    std::set<pid_t> processes_;
};

// All at the same time, since each waits until the server gives up.
TEST(ExamplesWithoutAStore, AreWhatTheServerDoes) {
    std::vector<sent_example> all;
    for (const auto& operation : all_operations())
        for (const auto& example : operation.examples)
            if (example.is_without_store())
                checked(operation, example, [&] {
                    all.push_back(
                        {&operation, &example, put_into(state(example.state), operation)});
                });
    wait_a_second(); // so that no service key is remembered any more
    std::set<pid_t> stores;
    for (const auto& each : all)
        stores.insert(each.here.home->server.redis_process());
    const stopped away(std::move(stores));
    std::vector<std::future<void>> sending;
    for (auto& each : all)
        sending.push_back(std::async(std::launch::async, [&each] { send(each); }));
    for (std::size_t index = 0; index < all.size(); ++index)
        checked(*all[index].operation, *all[index].example, [&] {
            sending[index].get();
            expect_documented(all[index]);
        });
    std::cout << all.size() << " examples were replayed without a store\n";
}

// Without a server: what there is to replay, and what is not.
TEST(ExamplesOfTheDocument, SayHowTheyComeAbout_AndFewAreUnreachable) {
    std::size_t reachable = 0, unreachable = 0;
    std::map<std::string, std::size_t> reasons;
    for (const auto& operation : all_operations())
        for (const auto& example : operation.examples) {
            const auto where = operation.family + ": " + operation.name() + ": " + example.name;
            if (!example.is_unreachable()) {
                EXPECT_NO_THROW(state(example.state).check_words(operation.family)) << where;
                ++reachable;
                continue;
            }
            EXPECT_NE(example.reason(), "") << where << " does not say why it is unreachable";
            ++reasons[example.reason()];
            ++unreachable;
        }
    std::cout << reachable << " examples are replayed, " << unreachable << " are not:\n";
    for (const auto& [reason, count] : reasons)
        std::cout << "  " << count << ' ' << reason << '\n';
    EXPECT_LE(unreachable, unreachable_max);
}

} // namespace
} // namespace countersign::tests
