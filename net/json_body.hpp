// A request's JSON object, read member by member. The first thing that is wrong is kept as a
// sentence for the client; nothing is decided here.
#pragma once

#include "net/request.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::net {

// Whether the Content-Type is application/json or has the +json suffix (RFC 9110 section 8.3).
[[nodiscard]] bool is_json_type(std::string_view content_type);

class json_body {
public:
    // An absent body reads as an empty object if `may_be_empty`.
    enum class absence { is_wrong, is_empty };
    explicit json_body(const request& request, absence absence = absence::is_wrong);

    [[nodiscard]] bool ok() const noexcept { return problem_.empty(); }
    // Which member, and what is wrong with it. Empty while all is well.
    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
    [[nodiscard]] const std::string& problem_field() const noexcept { return field_; }
    // Records a problem of the caller's own finding; the first one stays.
    void reject(std::string_view field, std::string_view sentence);

    [[nodiscard]] std::string text(std::string_view name);
    [[nodiscard]] std::optional<std::string> optional_text(std::string_view name);
    // A list of texts, `count_max` of them at the most.
    [[nodiscard]] std::vector<std::string> texts(std::string_view name, std::size_t count_max);
    [[nodiscard]] std::optional<bool> optional_flag(std::string_view name);
    // An object member, which lives as long as this does; null: it is absent.
    [[nodiscard]] const boost::json::object* optional_object(std::string_view name);
    // A code of digits as a string, or as a number that lost its leading zeros: then they are put
    // back, up to `digits`.
    [[nodiscard]] std::string code(std::string_view name, std::size_t digits);
    [[nodiscard]] std::optional<std::string> optional_code(std::string_view name,
                                                           std::size_t digits);
    // A text member of an object member, as in {"session": {"browser": "…"}}; empty if absent.
    [[nodiscard]] std::string nested_text(std::string_view object, std::string_view name,
                                          std::size_t length_max);

private:
    void read(const request& request);
    [[nodiscard]] const boost::json::value* find(std::string_view name) const;
    void require(std::string_view name);

    boost::json::value document_;
    std::string field_;
    std::string problem_;
};

} // namespace countersign::net
