// How the text of a setting is read: numbers in bounds, durations, addresses, URLs. The error of
// each is the end of a sentence that begins with the setting's name: "must be …".
#pragma once

#include "app/problem.hpp"
#include "app/settings.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::app {

// Both ends belong to it.
struct bounds {
    std::int64_t min;
    std::int64_t max;
};

[[nodiscard]] fallible<std::int64_t> parse_integer(std::string_view text, bounds allowed);
// `true` or `false`.
[[nodiscard]] fallible<bool> parse_boolean(std::string_view text);
// Whole seconds, or a whole number with one of the suffixes s, m, h, d. The bounds are in seconds.
[[nodiscard]] fallible<std::chrono::seconds> parse_duration(std::string_view text, bounds allowed);
// ADDRESS:PORT, an IPv6 address in brackets. Names are not looked up.
[[nodiscard]] fallible<listen_settings> parse_listen(std::string_view text);
[[nodiscard]] std::string to_text(const listen_settings& listen);
// A network in CIDR notation, or one address; the answer is a network without bits beyond its
// prefix.
[[nodiscard]] fallible<std::string> parse_network(std::string_view text);
// http:// or https://, a host, maybe a port and a path; the slash at the end is dropped.
[[nodiscard]] fallible<std::string> parse_base_uri(std::string_view text);
// A domain as browsers take it for WebAuthn: lower case, no port; or `localhost`.
[[nodiscard]] fallible<std::string> parse_domain(std::string_view text);
// https:// and a host, or http://localhost, and maybe a port, as a browser says an origin; or that
// of an Android app (android:apk-key-hash:…).
[[nodiscard]] fallible<std::string> parse_origin(std::string_view text);
// Whether its host is the domain or one below it; an app's has no host and is of any.
[[nodiscard]] bool is_origin_of(std::string_view origin, std::string_view domain);
// Only the scheme and that something follows it: the notifier's own reader checks the rest.
[[nodiscard]] fallible<void> check_mail_url(std::string_view text);

// The parts between commas, without the spaces around them; empty text has none.
[[nodiscard]] std::vector<std::string_view> split_list(std::string_view text);
[[nodiscard]] std::string join_list(const std::vector<std::string>& parts);

// Whether a URL carries a password before the @ of its host.
[[nodiscard]] bool has_password(std::string_view url) noexcept;
// The URL with everything before the host's @ shown as `***`.
[[nodiscard]] std::string redacted(std::string_view url);

} // namespace countersign::app
