// The command lines that SlugBase's page on disabling MFA shows, to the letter, with a server and
// real values in place of its placeholders.
#include "tests/contract/slugbase_world.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace countersign::tests {
namespace {

constexpr std::string_view curl_text = R"text(curl -X POST "//api/auth/mfa/disable" \
-H "Content-Type: application/json" \
-H "Authorization: Bearer YOUR_API_TOKEN (API token)" \
-d '{
"code": "example_string",
"password": "example_string"
}')text";

constexpr std::string_view python_text = R"text(import requests
import json
url = "//api/auth/mfa/disable"
headers = {
"Content-Type": "application/json",
"Authorization": "Bearer YOUR_API_TOKEN (API token)"
}
data = {
"code": "example_string",
"password": "example_string"
}
response = requests.post(url, headers=headers, json=data)
print(response.json()))text";

constexpr std::string_view javascript_text =
    R"text(const response = await fetch("//api/auth/mfa/disable", {
method: "POST",
headers: {
"Content-Type": "application/json",
"Authorization": "Bearer YOUR_API_TOKEN (API token)"
},
body: JSON.stringify({
"code": "example_string",
"password": "example_string"
})
});
const data = await response.json();
console.log(data);)text";

void replace(std::string& text, std::string_view placeholder, std::string_view value) {
    const auto at = text.find(placeholder);
    ASSERT_NE(at, std::string::npos) << placeholder;
    text.replace(at, placeholder.size(), value);
}

// What a shell command prints; its standard error goes where the test's goes.
std::string output_of(const std::string& command) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"),
                                                               ::pclose);
    std::string text;
    std::array<char, 512> buffer{};
    while (const auto got = std::fread(buffer.data(), 1, buffer.size(), pipe.get()))
        text.append(buffer.data(), got);
    while (text.ends_with('\n'))
        text.pop_back();
    return text;
}

// A program's text on a shell's command line.
std::string as_word(std::string_view text) {
    return "'" + std::string(text) + "'";
}

class SlugbaseSeed : public testing::Test {
protected:
    SlugbaseSeed() { program_.bearer = browser_.make_api_token(); }

    std::string filled_in(std::string_view text, std::string_view code) {
        std::string out(text);
        replace(out, "\"//api", "\"http://127.0.0.1:" + std::to_string(browser_.port) + "/api");
        replace(out, "YOUR_API_TOKEN (API token)", program_.bearer);
        replace(out, "example_string", code);
        replace(out, "example_string", browser_.password);
        return out;
    }
    // The text with a good code, in a shell; MFA is on before and must be off afterwards.
    std::string run(std::string_view text, const std::string& before, bool as_argument) {
        const auto filled = filled_in(text, browser_.app.next());
        EXPECT_TRUE(program_.mfa_is_on());
        auto out = output_of(before + (as_argument ? as_word(filled) : filled));
        EXPECT_FALSE(program_.mfa_is_on());
        return out;
    }

    slugbase_client browser_ = slugbase_person_with_mfa();
    slugbase_client program_ = browser_.elsewhere();
};

TEST_F(SlugbaseSeed, TheCurlCommand_DisablesMfa) {
    EXPECT_EQ(run(curl_text, "exec 2>/dev/null; ", false), R"({"ok":true})");
}

TEST_F(SlugbaseSeed, ThePythonProgram_DisablesMfa) {
    const std::string python = "python3";
    if (output_of(python + " -c 'import requests; print(1)' 2>/dev/null") != "1")
        FAIL() << "needs Python's requests: apt-get install python3-requests";
    EXPECT_EQ(run(python_text, python + " -c ", true), "{'ok': True}");
}

TEST_F(SlugbaseSeed, TheJavaScriptProgram_DisablesMfa) {
    const std::string node = "node --no-warnings --input-type=module -e ";
    if (output_of(node + "'console.log(typeof fetch)' 2>/dev/null") != "function")
        FAIL() << "needs Node.js 18 or later";
    EXPECT_EQ(run(javascript_text, node, true), "{ ok: true }");
}

TEST_F(SlugbaseSeed, TheCurlCommand_WithTheSessionCookie_DisablesMfa) {
    auto command = filled_in(curl_text, browser_.app.next());
    replace(command, "Authorization: Bearer " + program_.bearer,
            "Cookie: slugbase.sid=" + browser_.cookies.at("slugbase.sid") +
                "; _csrf=" + browser_.csrf + "\" -H \"X-CSRF-Token: " + browser_.csrf);
    EXPECT_EQ(output_of("exec 2>/dev/null; " + command), R"({"ok":true})");
}

TEST_F(SlugbaseSeed, TheCurlCommand_ToTheLetter_IsToldToAuthenticate) {
    std::string command(curl_text);
    replace(command, "\"//api", "\"http://127.0.0.1:" + std::to_string(browser_.port) + "/api");
    EXPECT_EQ(output_of("exec 2>/dev/null; " + command), unauthorized_body);
    EXPECT_TRUE(program_.mfa_is_on());
}

TEST_F(SlugbaseSeed, AMalformedBody_GetsThePagesShape) {
    const auto response = program_.call("POST", "/api/auth/mfa/disable", R"({"code":[]})");
    expect_reply(response, 400,
                 R"({"error":"Bad Request",)"
                 R"("message":"The request contains invalid parameters or malformed data",)"
                 R"("code":400,)"
                 R"("details":[{"field":"code","message":"'code' must be a code of digits."}]})");
}

} // namespace
} // namespace countersign::tests
