#include "core/activity.hpp"

#include "core/json_fields.hpp"

#include <boost/json/parse.hpp>

namespace countersign::core {

bool is_recorded(event_type type) noexcept {
    switch (lane_of(type)) {
    case mail_lane::code:
        return false;
    case mail_lane::alert:
        return true;
    }
    return false;
}

activity_row row_of(const event& value) {
    return {.id = value.id,
            .what = std::string(to_string(value.type)),
            .at = value.at,
            .by = value.by,
            .method = value.method,
            .label = value.label,
            .ip = value.ip,
            .browser = value.browser,
            .os = value.os,
            .old_email = value.old_email,
            .new_email = value.new_email,
            .remaining_codes = value.remaining_codes};
}

std::string to_json(const activity_row& row) {
    std::string text;
    json_writer out(text);
    out.put("id", row.id);
    out.put("what", row.what);
    out.put("at", row.at);
    out.put("by", row.by);
    out.put("method", row.method);
    out.put("label", row.label);
    out.put("ip", row.ip);
    out.put("browser", row.browser);
    out.put("os", row.os);
    out.put("old_email", row.old_email);
    out.put("new_email", row.new_email);
    out.put("remaining_codes", row.remaining_codes);
    out.finish();
    return text;
}

std::optional<activity_row> activity_row_from_json(std::string_view text) {
    boost::system::error_code error;
    const auto parsed = boost::json::parse(text, error);
    if (error || !parsed.is_object()) return std::nullopt;

    json_reader in(parsed.get_object());
    activity_row row;
    in.get("id", row.id);
    in.get("what", row.what);
    in.get("at", row.at);
    in.get("by", row.by);
    in.get("method", row.method);
    in.get("label", row.label);
    in.get("ip", row.ip);
    in.get("browser", row.browser);
    in.get("os", row.os);
    in.get("old_email", row.old_email);
    in.get("new_email", row.new_email);
    in.get("remaining_codes", row.remaining_codes);
    if (!in.ok() || row.id.empty() || row.what.empty()) return std::nullopt;
    return row;
}

} // namespace countersign::core
