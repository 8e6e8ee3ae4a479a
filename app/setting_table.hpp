// The settings as data: one row each. The flags, the environment's names, the help, `config check`
// and docs/configuration.md all come from this table, so none of them can miss a setting.
#pragma once

#include "app/problem.hpp"
#include "app/settings.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::app {

enum class value_kind : std::uint8_t {
    number,
    duration, // seconds, or with a suffix s, m, h, d
    boolean,
    text,
    list, // of texts; separated by commas where there are no arrays
};
// What the help writes for the value: NUMBER, SECONDS, true|false, TEXT, LIST.
[[nodiscard]] std::string_view placeholder(value_kind kind) noexcept;

enum class secrecy : std::uint8_t {
    open,
    url,    // a URL that may carry a password
    secret, // the whole value
};

struct setting {
    std::string name; // as in the file and in the flag, e.g. `policy.mail_cooldown`
    value_kind kind;
    secrecy secret;
    std::string meaning; // one sentence; units and bounds are in it
    // Takes the text over, or says why not: the end of a sentence that begins with the name.
    std::function<fallible<void>(settings&, std::string_view)> set;
    // The value as `set` takes it, but secrets as `***`.
    std::function<std::string(const settings&)> show;
};

// In the order of the documentation.
[[nodiscard]] const std::vector<setting>& setting_table();
// Null if there is none of that name.
[[nodiscard]] const setting* find_setting(std::string_view name) noexcept;

// `COUNTERSIGN_POLICY_MAIL_COOLDOWN` for `policy.mail_cooldown`.
[[nodiscard]] std::string environment_name(std::string_view setting_name);
// Whether this text of that setting is worth hiding.
[[nodiscard]] bool holds_secret(const setting& row, std::string_view text) noexcept;
// `name = value` as a line of TOML, without a line end. `text` is what `show` gives.
[[nodiscard]] std::string toml_line(const setting& row, std::string_view text);

} // namespace countersign::app
