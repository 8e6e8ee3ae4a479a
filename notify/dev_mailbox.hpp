// Reads the folder that mailbox_transport writes, as pages for a browser and as JSON for scripts.
// Knows no HTTP: whoever serves it chooses the paths; links are relative to the index's own,
// `<index>/<name>`, with `/html`, `/text` and `/source` behind it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::notify {

class dev_mailbox {
public:
    // `base_path` is where the index is served, without a slash at the end.
    explicit dev_mailbox(std::filesystem::path directory, std::string base_path = "/dev/mail");

    // Newest first, at most `listed_max`; refreshes itself.
    [[nodiscard]] std::string index_html() const;
    // [{"name","event","to","subject","date"}], newest first, at most `listed_max`. `event` is the
    // type's name, or empty for a mail that is about none.
    [[nodiscard]] std::string index_json() const;

    // None if there is no such mail. `name` is a file's name as the index gives it; anything that
    // is not exactly of that form is refused, so it may come straight from a URL.
    //
    // A page about the mail, with its HTML in a frame without scripts and without our origin.
    [[nodiscard]] std::optional<std::string> message_page(std::string_view name) const;
    // The parts as they are: to be served so that nothing in them runs or loads.
    [[nodiscard]] std::optional<std::string> message_html(std::string_view name) const;
    [[nodiscard]] std::optional<std::string> message_text(std::string_view name) const;
    [[nodiscard]] std::optional<std::string> message_source(std::string_view name) const;

    static constexpr std::size_t listed_max = 200;

private:
    struct summary {
        std::string name, event, to, subject, date;
    };
    [[nodiscard]] std::vector<summary> list() const;

    std::filesystem::path directory_;
    std::string base_path_;
};

} // namespace countersign::notify
