#include "app/logging.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>
#include <string>

namespace countersign::app {
namespace {

std::string logged(log_format format, std::string_view text) {
    std::ostringstream out;
    spdlog::logger logger("test", std::make_shared<spdlog::sinks::ostream_sink_st>(out));
    logger.set_formatter(make_line_formatter(format));
    logger.warn("{}", text);
    return out.str();
}

TEST(Logging, Text_IsTimeLevelAndMessage) {
    const auto line = logged(log_format::text, "said \"so\"");
    EXPECT_EQ(line.find("Z warning said \"so\"\n"), 23U) << line;
}

TEST(Logging, Json_GivesTheMessageBack) {
    const std::string message = "a\n\t\"b\" \\ \x01\x7f \xC3\xA4";
    const auto line = logged(log_format::json, message);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    const auto object = boost::json::parse(line).as_object();
    EXPECT_EQ(object.at("message").as_string(), message);
    EXPECT_EQ(object.at("level").as_string(), "warning");
    EXPECT_EQ(object.at("time").as_string().size(), 24U);
}

TEST(Logging, StrangeBytes_CannotForgeALine) {
    for (const auto format : {log_format::text, log_format::json}) {
        const auto line = logged(format, "a\r\nb\x1b[2J\xff");
        EXPECT_EQ(line.find_first_of("\r\x1b\xff"), std::string::npos) << line;
        EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
    }
}

TEST(Logging, EverythingQueued_IsWrittenAtTheEnd) {
    ::testing::internal::CaptureStderr();
    {
        const logging log({.level = log_level::info, .format = log_format::text});
        spdlog::debug("not this");
        for (int i = 0; i < 1000; ++i)
            spdlog::info("line {}", i);
    }
    spdlog::info("afterwards");
    const auto text = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(text.find("not this"), std::string::npos);
    EXPECT_NE(text.find("info line 0\n"), std::string::npos);
    EXPECT_NE(text.find("info line 999\n"), std::string::npos);
    EXPECT_NE(text.find("info afterwards\n"), std::string::npos);
}

} // namespace
} // namespace countersign::app
