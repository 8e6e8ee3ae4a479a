// The programs that the documented pages show, as processes of their own: the pages' curl commands
// to the letter but for the server and the values, and the same requests as Python's requests and
// JavaScript's fetch make them. SlugBase's three are in slugbase_seed_test.
#include "tests/support/account_holder.hpp"

#include "tests/contract/service.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>
#include <utility>

namespace countersign::tests {
namespace {

// "Enable 2FA".
constexpr std::string_view enable_text =
    R"text(curl --location --request POST 'https://backend.crazi.co/api/v1/users//2fa' \
--header 'Authorization: Bearer <token>' \
--header 'Content-Type: application/json' \
--data-raw '{
  "code": "587429"
}')text";
constexpr std::string_view enabled_reply = R"({
  "data": null,
  "message": "User 2FA enabled successfully.",
  "status": "success"
})";

// "Disable 2FA".
constexpr std::string_view disable_text =
    R"text(curl --location -g --request DELETE '/users/user_ac19b010fec5428a8ae131596731b7c8/2fa' \
--header 'Authorization: Bearer <token>' \
--header 'Content-Type: application/json' \
--data-raw '{
  "code": "119042"
}')text";
constexpr std::string_view empty_body_reply = R"({
    "data": null,
    "message": "Request body is empty.",
    "status": "error"
})";

constexpr std::string_view python_text = R"text(import requests
import sys
response = requests.request(sys.argv[1], sys.argv[2], json={"code": sys.argv[4]},
                            headers={"Authorization": "Bearer " + sys.argv[3]})
print(response.status_code, response.text))text";

constexpr std::string_view javascript_text =
    R"text(const [method, url, token, code] = process.argv.slice(1);
const response = await fetch(url, {
method: method,
headers: {
"Content-Type": "application/json",
"Authorization": "Bearer " + token
},
body: JSON.stringify({
"code": code
})
});
console.log(response.status, await response.text());)text";

struct ended_process {
    int status = -1;
    std::string output;
};

ended_process run(const std::string& command) {
    ended_process done;
    std::FILE* out = ::popen(command.c_str(), "r"); // NOLINT(cert-env33-c): a test's own words
    if (out == nullptr) throw std::runtime_error("cannot run " + command);
    std::array<char, 4096> part{};
    while (const auto size = std::fread(part.data(), 1, part.size(), out))
        done.output.append(part.data(), size);
    done.status = ::pclose(out);
    while (done.output.ends_with('\n') || done.output.ends_with(' '))
        done.output.pop_back();
    return done;
}

std::string as_word(std::string_view text) {
    return "'" + std::string(text) + "' ";
}

std::string filled_in(std::string_view text,
                      const std::vector<std::pair<std::string_view, std::string>>& values) {
    std::string out(text);
    for (const auto& [placeholder, value] : values) {
        const auto at = out.find(placeholder);
        if (at == std::string::npos) throw std::runtime_error("no " + std::string(placeholder));
        out.replace(at, placeholder.size(), value);
    }
    return out;
}

class ClaraSeeds : public testing::Test {
protected:
    static world& home() {
        static world shared(with_all_families());
        return shared;
    }

    [[nodiscard]] std::string url() const {
        return "http://127.0.0.1:" + std::to_string(who_.clara.port) + "/api/v1/users/" + who_.id +
               "/2fa";
    }
    [[nodiscard]] std::string enable(const std::string& code) const {
        return filled_in(enable_text, {{"https://backend.crazi.co/api/v1/users//2fa", url()},
                                       {"<token>", who_.clara.token},
                                       {"587429", code}});
    }
    [[nodiscard]] std::string disable(const std::string& code) const {
        return filled_in(disable_text, {{"/users/user_ac19b010fec5428a8ae131596731b7c8/2fa", url()},
                                        {"<token>", who_.clara.token},
                                        {"119042", code}});
    }
    bool is_on() { return who_.clara.read().at("is_2fa_enabled").as_bool(); }

    // Both pages' requests by a program that is given method, address, token and code, and prints
    // the status and the body.
    void expect_both_pages(const std::string& program) {
        const auto send = [&](const char* method) {
            const auto done = run(program + as_word(method) + as_word(url()) +
                                  as_word(who_.clara.token) + as_word(who_.mailed_code()));
            EXPECT_EQ(done.status, 0);
            return done.output;
        };
        const auto enabled = send("POST");
        ASSERT_TRUE(enabled.starts_with("200 {")) << enabled;
        EXPECT_EQ(boost::json::parse(enabled.substr(4)), boost::json::parse(enabled_reply));
        EXPECT_TRUE(is_on());
        EXPECT_EQ(send("DELETE"), "204");
        EXPECT_FALSE(is_on());
    }

    account_holder who_{home().server, home().sink, backend_of(home()).key};
};

TEST_F(ClaraSeeds, TheCurlCommands_GetThePagesReplies) {
    const std::string quiet = "exec 2>/dev/null; ";
    const auto enabled = run(quiet + enable(who_.mailed_code()));
    EXPECT_EQ(enabled.status, 0);
    EXPECT_EQ(boost::json::parse(enabled.output), boost::json::parse(enabled_reply));
    EXPECT_TRUE(is_on());

    auto empty = disable("119042");
    empty.erase(empty.find(" \\\n--data-raw"));
    EXPECT_EQ(boost::json::parse(run(quiet + empty).output), boost::json::parse(empty_body_reply));
    EXPECT_TRUE(is_on());

    const auto disabled = run(quiet + disable(who_.mailed_code()));
    EXPECT_EQ(disabled.status, 0);
    EXPECT_EQ(disabled.output, "");
    EXPECT_FALSE(is_on());
}

TEST_F(ClaraSeeds, TheCurlCommandOfThePage_WithItsCode_IsToldThatTheCodeIsNone) {
    const auto refused = run("exec 2>/dev/null; " + enable("587429"));
    EXPECT_EQ(boost::json::parse(refused.output), boost::json::parse(R"({
        "data": {"is_2fa_enabled": true},
        "message": "Authorization header or OTP is either missing, invalid or expired.",
        "status": "error"
    })"));
    EXPECT_FALSE(is_on());
}

TEST_F(ClaraSeeds, PythonsRequests_GetThePagesReplies) {
    expect_both_pages("python3 -c " + as_word(python_text));
}

TEST_F(ClaraSeeds, JavaScriptsFetch_GetsThePagesReplies) {
    expect_both_pages("node --no-warnings --input-type=module -e " + as_word(javascript_text));
}

// scripts/bootstrap installs them: where one is missing, tests that would skip show nothing.
TEST(SeedPrograms, CurlPythonWithRequestsAndNodeWithFetch_AreHere) {
    EXPECT_EQ(run("curl --version >/dev/null && echo here").output, "here");
    EXPECT_EQ(run("python3 -c 'import requests; print(\"here\")'").output, "here")
        << "run scripts/bootstrap: it installs python3-requests";
    EXPECT_EQ(run("node -e 'console.log(typeof fetch)'").output, "function")
        << "run scripts/bootstrap: it needs Node.js 18 or later";
}

} // namespace
} // namespace countersign::tests
