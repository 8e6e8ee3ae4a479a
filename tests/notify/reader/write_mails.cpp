// Writes every event in every language, with hostile values where strangers choose them, as .eml
// files for an independent reader, and what it shall find in them as expected.json.
// Usage: write_mails DIRECTORY
#include "notify/catalogue.hpp"
#include "notify/mime.hpp"
#include "tests/notify/sample_mail.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace countersign::tests {
namespace {

std::string repeated(std::string_view text, std::size_t times) {
    std::string out;
    for (std::size_t count = 0; count < times; ++count) {
        out += text;
    }
    return out;
}

std::vector<std::pair<std::string, std::string>> hostile_values() {
    using namespace std::string_literals;
    return {
        {"harmless", "Firefox"},
        {"header", "x\r\nBcc: victim@example.org\r\nSubject: y"},
        {"body", "x\n\nhostile body\n.\n-- \nhostile end"},
        {"bare-cr", "x\rBcc: victim@example.org\r\ry"},
        {"script", "<script>alert(1)</script><img src=x onerror=alert(1)>\"' onclick=\"x"},
        {"encoded-word", "=?utf-8?B?PGI+?= =?utf-8?Q?=0D=0ABcc:_victim@example.org?="},
        {"right-to-left", "a\u202eb\u2066c\u2069\u2069d\u200fe"},
        {"nul", "a\0b\x01\x1b[2J\x7f"s},
        {"long", repeated("0123456789", 1'000)},
        {"long-wide", repeated("漢", 3'000)},
        {"emoji", "👩🏽‍💻🏳️‍🌈"},
        {"commas", "\"Doe, John\" <victim@example.org>, (a;b:c) \\\""},
        {"boundary", "--=_0123456789abcdef0123456789abcdef--"},
        {"malformed", "\xff\xfe\xc3(\xed\xa0\x80"},
        {"placeholder", "{{content}} {name} {0} '{"},
    };
}

core::event hostile_event(core::event_type type, const std::string& language,
                          const std::string& value) {
    auto event = sample_event(type, language);
    event.browser = event.os = event.name = event.label = event.ip = value;
    return event;
}

// As an operator may well call the application.
notify::mail_identity identity() {
    auto out = sample_identity();
    out.app_name = "Ärzte, \"Zoë\" & <Söhne>";
    return out;
}

class writer {
public:
    explicit writer(std::filesystem::path directory) : directory_(std::move(directory)) {}

    void write(core::event_type type, const std::string& language,
               const std::pair<std::string, std::string>& hostile) {
        const auto event = hostile_event(type, language, hostile.second);
        const std::string name(core::to_string(type));
        const auto file = name + "-" + language + "-" + hostile.first + ".eml";
        const auto mail = rendered(event, identity());
        std::ofstream(directory_ / file, std::ios::binary) << mail.mime;
        const auto said = [&](std::string_view key) {
            return texts_.text(language, name + "." + std::string(key),
                               {{"app_name", identity().app_name},
                                {"remaining", std::int64_t{event.remaining_codes}},
                                {"minutes", std::int64_t{10}},
                                {"expires", *event.expires_at},
                                {"when", event.at}});
        };
        expected_.push_back(boost::json::object{{"file", file},
                                                {"language", language},
                                                {"fromName", identity().app_name},
                                                {"from", identity().from_address},
                                                {"to", event.recipients.front()},
                                                {"subject", said("subject")},
                                                {"heading", said("heading")},
                                                {"advice", said("advice")},
                                                {"date", core::to_rfc3339(event.at)},
                                                {"baseUri", identity().base_uri},
                                                {"secret", sample_secret}});
    }

    [[nodiscard]] std::size_t finish() const {
        std::ofstream out(directory_ / "expected.json");
        out << boost::json::serialize(expected_);
        if (!out.flush()) {
            throw std::runtime_error("cannot write to " + directory_.string());
        }
        return expected_.size();
    }

private:
    std::filesystem::path directory_;
    notify::catalogues texts_ = notify::catalogues::embedded("en");
    boost::json::array expected_;
};

} // namespace
} // namespace countersign::tests

int main(int argc, char** argv) {
    using namespace countersign;
    if (argc != 2) {
        std::fprintf(stderr, "usage: write_mails DIRECTORY\n");
        return 2;
    }
    try {
        tests::writer out(argv[1]);
        for (const auto& language : notify::catalogues::embedded("en").languages()) {
            for (const auto type : tests::all_event_types()) {
                for (const auto& hostile : tests::hostile_values()) {
                    out.write(type, language, hostile);
                }
            }
        }
        std::printf("%zu mails are written\n", out.finish());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "write_mails: %s\n", error.what());
        return 1;
    }
}
