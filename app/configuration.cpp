#include "app/configuration.hpp"

#include "app/files.hpp"
#include "app/setting_values.hpp"
#include "app/toml.hpp"

#include <algorithm>
#include <ostream>
#include <string_view>
#include <thread>
#include <unistd.h>

namespace countersign::app {

namespace {

constexpr std::string_view variable_prefix = "COUNTERSIGN_";
constexpr std::size_t file_size_max_bytes = 1 << 20;

// Gathers the sources, weakest first. Each value is checked even if a stronger one hides it.
class gatherer {
public:
    gatherer() {
        for (const auto& row : setting_table())
            origins_.emplace_back(&row, "default");
    }

    fallible<void> take(const setting& row, std::string_view text, std::string origin) {
        const auto taken = row.set(values_, text);
        if (!taken) return problem{origin + ": " + row.name + " " + taken.error().sentence};
        std::ranges::find(origins_, &row, &named_origin::first)->second = std::move(origin);
        return {};
    }

    configuration finish() && {
        if (values_.threads == 0)
            values_.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
        configuration result;
        for (auto& [row, origin] : origins_)
            result.report.push_back({row, row->show(values_), std::move(origin)});
        result.values = std::move(values_);
        return result;
    }

    [[nodiscard]] const settings& values() const noexcept { return values_; }

private:
    using named_origin = std::pair<const setting*, std::string>;
    settings values_;
    std::vector<named_origin> origins_;
};

fallible<void> take_entry(gatherer& all, const toml_entry& entry, const std::string& where) {
    const auto* row = find_setting(entry.name);
    if (row == nullptr) return problem{where + ": there is no setting " + entry.name};
    if (entry.is_array != (row->kind == value_kind::list))
        return problem{where + ": " + entry.name +
                       (entry.is_array ? " takes one value, not an array" : " must be an array")};
    return all.take(*row, join_list(entry.values), where);
}

fallible<void> take_file(gatherer& all, const std::filesystem::path& path) {
    const auto file = read_file(path, file_size_max_bytes);
    if (!file) return file.error();
    const auto entries = read_toml(file->text.reveal());
    if (!entries)
        return problem{path.string() + ":" + std::to_string(entries.error().line) + ": " +
                       entries.error().sentence};
    for (const auto& entry : *entries) {
        const auto where = path.string() + ":" + std::to_string(entry.line);
        if (auto taken = take_entry(all, entry, where); !taken) return taken;
        if (holds_secret(*find_setting(entry.name), join_list(entry.values)) &&
            file->accessible_to_others())
            return problem{
                where + ": " + entry.name +
                " is a secret, but others than the owner can access the file: chmod 600 " +
                path.string()};
    }
    return {};
}

fallible<void> take_environment(gatherer& all, const named_values& environment) {
    for (const auto& [variable, value] : environment) {
        if (!variable.starts_with(variable_prefix)) continue;
        const auto& table = setting_table();
        const auto row = std::ranges::find(
            table, variable, [](const setting& each) { return environment_name(each.name); });
        if (row == table.end()) return problem{variable + ": there is no setting of this name"};
        if (auto taken = all.take(*row, value, variable); !taken) return taken;
    }
    return {};
}

fallible<void> take_flags(gatherer& all, const named_values& flags) {
    for (const auto& [name, value] : flags) {
        const auto* row = find_setting(name);
        if (row == nullptr) return problem{"--" + name + ": there is no setting of this name"};
        if (auto taken = all.take(*row, value, "--" + name); !taken) return taken;
    }
    return {};
}

// What no single setting can know.
fallible<void> check_together(const settings& all) {
    if (all.tls.certificate.empty() != all.tls.key.empty())
        return problem{"tls.certificate and tls.key are needed both, or neither"};
    const auto& attempts = all.policy.attempts;
    if (attempts.longest_pause < attempts.first_pause)
        return problem{"policy.attempts_longest_pause must not be shorter than "
                       "policy.attempts_first_pause"};
    if (attempts.lock_after < attempts.pause_after)
        return problem{"policy.attempts_lock_after must not be less than "
                       "policy.attempts_pause_after"};
    if (all.policy.mails_per_day < all.policy.mails_per_hour)
        return problem{"policy.mails_per_day must not be less than policy.mails_per_hour"};
    if (all.policy.tokens.refresh < all.policy.tokens.access)
        return problem{"tokens.refresh must not be shorter than tokens.access"};
    if (all.clara.private_key && all.clara.private_key->reveal() == all.clara.public_key)
        return problem{"clara.public_key and clara.private_key must not be the same"};
    if (all.host_prefixed_cookies && !all.tls.on() && !all.app.base_uri.starts_with("https://"))
        return problem{"api.host_prefixed_cookies needs cookies that are Secure: set app.base_uri "
                       "to an https address, or tls.certificate and tls.key"};
    const auto& party = all.policy.webauthn;
    if (!party.is_on() && !party.origins.empty())
        return problem{"webauthn.origins needs webauthn.rp_id"};
    for (const auto& origin : party.origins)
        if (!is_origin_of(origin, party.id))
            return problem{"webauthn.origins must be of webauthn.rp_id or below it, not " + origin};
    if (all.metrics.listen && all.metrics.listen->port != 0 &&
        all.metrics.listen->port == all.listen.port)
        return problem{"metrics.listen must have another port than listen"};
    return {};
}

} // namespace

fallible<configuration> configure(const configuration_sources& sources) {
    gatherer all;
    if (sources.file)
        if (auto taken = take_file(all, *sources.file); !taken) return taken.error();
    if (auto taken = take_environment(all, sources.environment); !taken) return taken.error();
    if (auto taken = take_flags(all, sources.flags); !taken) return taken.error();
    if (auto good = check_together(all.values()); !good) return good.error();
    return std::move(all).finish();
}

named_values process_environment() {
    named_values variables;
    for (char** each = environ; each != nullptr && *each != nullptr; ++each) {
        const std::string_view text(*each);
        const auto equals = text.find('=');
        if (text.starts_with(variable_prefix) && equals != std::string_view::npos)
            variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    }
    return variables;
}

void print_configuration(std::ostream& out, const configuration& effective) {
    for (const auto& value : effective.report) {
        auto line = toml_line(*value.row, value.shown);
        line.resize(std::max<std::size_t>(line.size(), 56), ' ');
        out << line << " # " << value.origin << '\n';
    }
}

} // namespace countersign::app
