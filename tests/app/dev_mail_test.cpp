// /dev/mail over HTTP, with mails that a running server has made.
#include "tests/app/temporary_directory.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/native_client.hpp"
#include "tests/support/server_process.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace countersign::tests {
namespace {

namespace json = boost::json;

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

json::array list_of(std::uint16_t port) {
    return json::parse(http_request(port, "GET", "/dev/mail.json").body).as_array();
}

// The newest mail about the event, when there is one.
json::object newest(std::uint16_t port, std::string_view event) {
    for (int tries = 0; tries < 100; ++tries) {
        for (const auto& mail : list_of(port))
            if (mail.at("event").as_string() == event) return mail.as_object();
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    throw std::runtime_error("no mail came");
}

std::string policy_of(const http_response& reply) {
    return reply.header("Content-Security-Policy").value_or("none");
}

TEST(DevMail, AMail_IsListedAndShownWholeInPartsAndRaw) {
    const server_process server(COUNTERSIGN_PROGRAM,
                                {{"app.name", "Acme <&> Söhne"}, {"redis.durability", "everysec"}});
    EXPECT_TRUE(
        contains(http_request(server.port(), "GET", "/dev/mail").body, "There is none yet"));
    native_client ada{.port = server.port(), .email = native_client::fresh_email()};
    ASSERT_EQ(ada.register_account().status, 200U);
    ada.log_in();
    const auto mail = newest(server.port(), "one_time_code");
    EXPECT_EQ(mail.at("to").as_string(), ada.email);
    EXPECT_EQ(mail.at("subject").as_string(), "Your Acme <&> Söhne verification code");

    const auto list = http_request(server.port(), "GET", "/dev/mail");
    const std::string here = "/dev/mail/" + std::string(mail.at("name").as_string());
    EXPECT_EQ(list.header("Content-Type"), "text/html; charset=utf-8");
    EXPECT_TRUE(contains(list.body, "<meta http-equiv=\"refresh\" content=\"3\">"));
    EXPECT_TRUE(contains(list.body, "name=\"viewport\""));
    EXPECT_TRUE(contains(list.body, "<a href=\"" + here + "\">Your Acme &lt;&amp;&gt; Söhne "));
    EXPECT_TRUE(contains(list.body, "<code>one_time_code</code>"));
    EXPECT_TRUE(contains(list.body, ada.email));

    const auto page = http_request(server.port(), "GET", here);
    EXPECT_EQ(page.status, 200U);
    EXPECT_TRUE(contains(page.body, "src=\"" + here + "/html\"")) << page.body;
    EXPECT_FALSE(contains(page.body, "<script"));

    const auto html = http_request(server.port(), "GET", here + "/html");
    EXPECT_EQ(html.header("Content-Type"), "text/html; charset=utf-8");
    EXPECT_TRUE(html.body.starts_with("<!DOCTYPE html>"));
    EXPECT_TRUE(contains(html.body, "<p class=\"logo\">Acme &lt;&amp;&gt; Söhne</p>"));
    const auto text = http_request(server.port(), "GET", here + "/text");
    EXPECT_EQ(text.header("Content-Type"), "text/plain; charset=utf-8");
    EXPECT_TRUE(text.body.starts_with("Your verification code\n")) << text.body;
    const auto raw = http_request(server.port(), "GET", here + "/source");
    EXPECT_EQ(raw.header("Content-Type"), "text/plain; charset=utf-8");
    EXPECT_TRUE(raw.body.starts_with("Message-ID: <"));

    // Nothing runs, nothing is loaded from elsewhere, and the mail's HTML has no origin.
    for (const auto* reply : {&list, &page, &html, &text, &raw}) {
        EXPECT_TRUE(
            policy_of(*reply).starts_with("default-src 'none'; style-src 'unsafe-inline'; "));
        EXPECT_FALSE(contains(policy_of(*reply), "script"));
        EXPECT_EQ(reply->header("X-Content-Type-Options"), "nosniff");
    }
    EXPECT_TRUE(contains(policy_of(page), "frame-src 'self'"));
    EXPECT_TRUE(contains(policy_of(html), "; sandbox allow-popups allow-popups-to-escape-sandbox"));
    EXPECT_TRUE(contains(policy_of(html), "frame-ancestors 'self'"));

    for (const auto* part : {"", "/html", "/text", "/source"})
        EXPECT_EQ(http_request(server.port(), "GET",
                               std::string("/dev/mail/20260102T030405678Z-0.eml") + part)
                      .status,
                  404U);
    EXPECT_EQ(http_request(server.port(), "GET", "/dev/mail/..%2fkeys.json/source").status, 404U);
}

// A proxy on the same machine, or a page of somebody's that has a browser call this machine by a
// name of its own.
TEST(DevMail, WhatDoesNotComeFromThisMachine_IsRefused) {
    const server_process server(COUNTERSIGN_PROGRAM, {{"redis.durability", "everysec"}});
    const auto status = [&server](const http_headers& headers) {
        return http_request(server.port(), "GET", "/dev/mail.json", headers).status;
    };
    for (const auto* host :
         {"localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.9.9.9", "[::1]", "[::1]:8080"})
        EXPECT_EQ(status({{"Host", host}}), 200U) << host;
    for (const auto* host : {"id.example.org", "localhost.example.org", "127.0.0.1.example.org",
                             "10.0.0.1", "[2001:db8::1]", "0.0.0.0"})
        EXPECT_EQ(status({{"Host", host}}), 403U) << host;
    for (const auto* field : {"X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Host",
                              "Forwarded", "X-Real-IP", "Via"})
        EXPECT_EQ(status({{field, "127.0.0.1"}}), 403U) << field;
    for (const auto* path : {"/dev/mail", "/dev/mail/x.eml", "/dev/mail/x.eml/html",
                             "/dev/mail/x.eml/text", "/dev/mail/x.eml/source"})
        EXPECT_EQ(http_request(server.port(), "GET", path, {{"Via", "1.1 proxy"}}).status, 403U);
}

TEST(DevMail, OfARelay_IsNotThere) {
    const server_process server(COUNTERSIGN_PROGRAM, {{"mail.url", "smtp://127.0.0.1:9"},
                                                      {"redis.durability", "everysec"}});
    for (const auto* path : {"/dev/mail", "/dev/mail.json", "/dev/mail/x.eml/html"})
        EXPECT_EQ(http_request(server.port(), "GET", path).status, 404U) << path;
}

TEST(DevMail, ATemplateOfTheOperators_IsInTheMailsOfARunningServer) {
    const temporary_directory directory;
    std::filesystem::create_directories(directory.path() / "catalogues");
    directory.write("mail.html", "<html lang=\"{{language}}\" dir=\"{{direction}}\">"
                                 "<i>{{heading}}</i>{{content}}{{closing}}");
    directory.write("catalogues/en.json", R"({"one_time_code.heading":"Acme says"})");
    const server_process server(COUNTERSIGN_PROGRAM, {{"mail.templates", directory.path().string()},
                                                      {"redis.durability", "everysec"}});
    native_client ada{.port = server.port(), .email = native_client::fresh_email()};
    ASSERT_EQ(ada.register_account().status, 200U);
    // Not read again.
    directory.write("mail.html", "gone");
    ada.log_in();
    const auto name = std::string(newest(server.port(), "one_time_code").at("name").as_string());
    EXPECT_TRUE(http_request(server.port(), "GET", "/dev/mail/" + name + "/html")
                    .body.starts_with("<html lang=\"en\" dir=\"ltr\"><i>Acme says</i><p>Hello "));
}

} // namespace
} // namespace countersign::tests
