#include "app/logging.hpp"

#include "core/text.hpp"
#include "core/types.hpp"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <string>
#include <string_view>

namespace countersign::app {

namespace {

constexpr std::size_t queue_size_max = 8192;

spdlog::level::level_enum level_of(log_level level) {
    switch (level) {
    case log_level::trace:
        return spdlog::level::trace;
    case log_level::debug:
        return spdlog::level::debug;
    case log_level::info:
        return spdlog::level::info;
    case log_level::warn:
        return spdlog::level::warn;
    case log_level::error:
        return spdlog::level::err;
    case log_level::critical:
        return spdlog::level::critical;
    case log_level::off:
        return spdlog::level::off;
    }
    return spdlog::level::info;
}

void append(spdlog::memory_buf_t& out, std::string_view text) {
    out.append(text.data(), text.data() + text.size());
}

// As in a JSON string (RFC 8259 section 7); in the text form quotes and backslashes stay.
void append_escaped(spdlog::memory_buf_t& out, std::string_view text, log_format format) {
    static constexpr std::string_view hexadecimal = "0123456789abcdef";
    const bool is_utf8 = core::is_valid_utf8(text);
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\n') {
            append(out, "\\n");
        } else if (byte < 0x20 || byte == 0x7f) {
            append(out, "\\u00");
            out.push_back(hexadecimal[byte >> 4]);
            out.push_back(hexadecimal[byte & 15]);
        } else if (byte >= 0x80 && !is_utf8) {
            append(out, "\xEF\xBF\xBD"); // U+FFFD
        } else {
            if (format == log_format::json && (c == '"' || c == '\\')) out.push_back('\\');
            out.push_back(c);
        }
    }
}

std::shared_ptr<spdlog::sinks::sink> standard_error() {
    return std::make_shared<spdlog::sinks::stderr_sink_mt>();
}

void install(std::shared_ptr<spdlog::logger> logger, const log_settings& how) {
    logger->set_formatter(make_line_formatter(how.format));
    logger->set_level(level_of(how.level));
    logger->flush_on(spdlog::level::err);
    spdlog::set_default_logger(std::move(logger));
}

class line_formatter final : public spdlog::formatter {
public:
    explicit line_formatter(log_format format) : format_(format) {}

    void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
        const auto time =
            core::to_rfc3339(std::chrono::time_point_cast<core::milliseconds>(message.time));
        const auto level = spdlog::level::to_string_view(message.level);
        const std::string_view level_name(level.data(), level.size());
        const std::string_view text(message.payload.data(), message.payload.size());
        switch (format_) {
        case log_format::text:
            append(out, time);
            out.push_back(' ');
            append(out, level_name);
            out.push_back(' ');
            append_escaped(out, text, format_);
            break;
        case log_format::json:
            append(out, R"({"time":")");
            append(out, time);
            append(out, R"(","level":")");
            append(out, level_name);
            append(out, R"(","message":")");
            append_escaped(out, text, format_);
            append(out, R"("})");
            break;
        }
        out.push_back('\n');
    }

    [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
        return make_line_formatter(format_);
    }

private:
    log_format format_;
};

} // namespace

std::unique_ptr<spdlog::formatter> make_line_formatter(log_format format) {
    return std::make_unique<line_formatter>(format);
}

logging::logging(const log_settings& how)
    : how_(how), queue_(std::make_shared<spdlog::details::thread_pool>(queue_size_max, 1)) {
    install(std::make_shared<spdlog::async_logger>("countersign", standard_error(), queue_,
                                                   spdlog::async_overflow_policy::overrun_oldest),
            how_);
}

logging::~logging() {
    install(std::make_shared<spdlog::logger>("countersign", standard_error()), how_);
    queue_.reset(); // joins the thread, which has written what is queued by then
}

} // namespace countersign::app
