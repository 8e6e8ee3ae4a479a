// Settings: a text that is taken is shown as one that is taken again and means the same, also from
// a file; and what shows a URL hides its password. The input's records: a setting's name, and a
// text.
#include "app/setting_table.hpp"
#include "app/setting_values.hpp"
#include "app/toml.hpp"
#include "core/text.hpp"
#include "tests/fuzz/target.hpp"

#include <string>

namespace countersign::fuzz {
namespace {

void check_hidden(std::string_view url) {
    const auto shown = app::redacted(url);
    if (!app::has_password(url)) return;
    const auto begin = url.find("://") + 3, at = url.rfind('@');
    require(shown == std::string(url.substr(0, begin)) + "***" + std::string(url.substr(at)),
            "a URL is shown without what stands before its host");
}

// As a file would give it.
std::string from_file(const app::setting& row, const std::string& shown) {
    const auto read = app::read_toml(app::toml_line(row, shown));
    require(read.has_value() && read->size() == 1, "a setting is shown as a line of a file");
    const auto& entry = read->front();
    require(entry.name == row.name && entry.is_array == (row.kind == app::value_kind::list),
            "the line is that setting's");
    return app::join_list(entry.values);
}

void settings(std::string_view input) {
    records in(input);
    const auto name = in.next(), text = in.next();
    check_hidden(text);
    const auto* const row = app::find_setting(name);
    if (row == nullptr) return;
    app::settings all;
    const auto taken = row->set(all, text);
    if (taken.has_error()) {
        require(!taken.error().sentence.empty(), "a refusal is a sentence");
        return;
    }
    const auto shown = row->show(all);
    if (app::holds_secret(*row, text)) {
        require(shown.find("***") != std::string::npos, "a secret is not shown");
        return;
    }
    // No file can say what is no text. What stands before an @ in a socket's path is hidden too.
    if (!core::is_valid_utf8(shown) || shown.find("***") != std::string::npos) return;
    for (const auto& again_text : {shown, from_file(*row, shown)}) {
        app::settings again;
        require(row->set(again, again_text).has_value(), "what is shown can be taken");
        require(row->show(again) == shown, "what is shown means the same");
    }
}

const registration here("settings", settings);

} // namespace
} // namespace countersign::fuzz
