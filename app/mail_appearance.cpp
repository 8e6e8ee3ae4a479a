#include "app/mail_appearance.hpp"

#include "app/files.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace countersign::app {

namespace {

// Mail readers cut a page off that is larger than this anyway.
constexpr std::size_t file_size_max_bytes = 100 * 1024;
constexpr std::size_t files_max = 500;

problem templates_problem(const std::string& sentence) {
    return {"mail.templates: " + sentence};
}

// The names in a directory, sorted; none of those that begin with a dot, which are other programs'.
fallible<std::vector<std::string>> names_in(const std::filesystem::path& directory) {
    std::vector<std::string> names;
    std::error_code failure;
    std::filesystem::directory_iterator each(directory, failure);
    for (; !failure && each != std::filesystem::directory_iterator(); each.increment(failure)) {
        auto name = each->path().filename().string();
        if (name.starts_with('.')) continue;
        if (names.size() == files_max)
            return templates_problem(directory.string() + " holds more than " +
                                     std::to_string(files_max) +
                                     " files: is it the right directory?");
        names.push_back(std::move(name));
    }
    if (failure)
        return templates_problem("cannot read the directory " + directory.string() + ": " +
                                 failure.message());
    std::ranges::sort(names);
    return names;
}

fallible<std::vector<notify::theme_file>> read_files(const std::filesystem::path& directory) {
    auto names = names_in(directory);
    if (!names) return names.error();
    const std::string catalogues = "catalogues";
    if (std::erase(*names, catalogues) > 0) {
        const auto tags = names_in(directory / catalogues);
        if (!tags) return tags.error();
        for (const auto& name : *tags)
            names->push_back(catalogues + "/" + name);
    }
    std::vector<notify::theme_file> files;
    for (const auto& name : *names) {
        const auto read = read_file(directory / name, file_size_max_bytes);
        if (!read) return templates_problem(read.error().sentence);
        files.push_back({name, std::string(read->text.reveal())});
    }
    return files;
}

notify::colour colour_of(const std::string& setting) {
    const auto parsed = notify::colour::parse(setting);
    // The configuration has checked it by the same rule.
    if (!parsed) throw std::logic_error("a setting holds no colour: " + setting);
    return *parsed;
}

} // namespace

fallible<notify::mail_theme> read_mail_theme(const settings& all) {
    const auto& mail = all.mail;
    notify::theme_options options;
    options.default_locale = all.app.default_locale;
    options.logo_text = mail.logo_text.empty() ? all.app.name : mail.logo_text;
    options.accent = colour_of(mail.accent_color);
    if (!mail.accent_color_dark.empty()) options.accent_dark = colour_of(mail.accent_color_dark);
    if (!mail.templates.empty()) {
        auto files = read_files(mail.templates);
        if (!files) return files.error();
        options.files = *std::move(files);
    }
    auto made = notify::mail_theme::make(options);
    if (made.has_error())
        return templates_problem((std::filesystem::path(mail.templates) / made.error()).string());
    return std::move(made).unsafe_value();
}

} // namespace countersign::app
