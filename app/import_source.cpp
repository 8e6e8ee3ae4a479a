#include "app/import_source.hpp"

#include "app/import_authelia.hpp"
#include "app/import_keycloak.hpp"
#include "app/import_otpauth.hpp"
#include "app/line_reader.hpp"
#include "core/text.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <utility>

namespace countersign::app {

namespace {

constexpr std::string_view spaces = " \t\r\n";

class ndjson_reader final : public import_reader {
public:
    explicit ndjson_reader(line_reader in) : in_(std::move(in)) {}

    fallible<std::optional<import_record>> next() override {
        for (;;) {
            const auto read = in_.next();
            if (!read) return read.error();
            const auto& line = *read;
            if (!line) return std::nullopt;
            const auto& [number, text, too_long] = *line;
            if (too_long)
                return rejected_record(
                    number, {},
                    std::string(core::describe(core::import_line_error::line_too_long)));
            if (text.find_first_not_of(spaces) == std::string_view::npos) continue;
            return import_record{.number = number,
                                 .what = import_record::kind::line,
                                 .line = core::secret_string(std::string(text)),
                                 .sentence = {},
                                 .who = {}};
        }
    }

    std::uint64_t bytes_done() const override { return in_.bytes_done(); }

private:
    line_reader in_;
};

// The first line that says something.
std::string_view first_line(std::string_view text) {
    for (;;) {
        text.remove_prefix(std::min(text.find_first_not_of(spaces), text.size()));
        const auto line = text.substr(0, text.find('\n'));
        if (!line.starts_with('#') && line != "---") return line;
        text.remove_prefix(line.size());
    }
}

// A line of JSON is an import line, or the export of a Keycloak on one line; less than an object is
// the beginning of an export on several.
import_format format_of_json(std::string_view line) {
    if (line.size() > core::import_line_size_max) return import_format::keycloak;
    boost::system::error_code error;
    const auto value = boost::json::parse(line, error);
    if (error)
        return line.find("\"subject\"") != std::string_view::npos ? import_format::ndjson
                                                                  : import_format::keycloak;
    const auto* object = value.if_object();
    const bool is_export =
        object == nullptr || object->contains("users") || object->contains("realm");
    return is_export ? import_format::keycloak : import_format::ndjson;
}

fallible<std::unique_ptr<import_reader>> make_reader(import_format format, line_reader in,
                                                     import_options options) {
    const std::string name = in.name();
    switch (format) {
    case import_format::ndjson:
        return std::make_unique<ndjson_reader>(std::move(in));
    case import_format::otpauth:
        return read_otpauth_list(std::move(in), std::move(options));
    case import_format::authelia: {
        auto text = in.rest("use the list of `authelia storage user totp export uri` instead");
        if (!text) return text.error();
        return read_authelia_export(*std::move(text), name, std::move(options));
    }
    case import_format::keycloak: {
        auto text = in.rest("export in several files instead (kc.sh export --dir FOLDER --users "
                            "different_files --users-per-file 10000)");
        if (!text) return text.error();
        return read_keycloak_export(*std::move(text), name, std::move(options));
    }
    }
    return problem{"no format is chosen"};
}

} // namespace

std::optional<import_format> detect_import_format(std::string_view beginning) {
    const auto line = first_line(beginning);
    if (line.starts_with('{') || line.starts_with('[')) return format_of_json(line);
    if (core::to_lower_ascii(line.substr(0, 7)) == "otpauth") return import_format::otpauth;
    constexpr std::string_view authelia_key = "totp_configurations:";
    if (line.starts_with(authelia_key) ||
        beginning.find("\n" + std::string(authelia_key)) != std::string_view::npos)
        return import_format::authelia;
    return std::nullopt;
}

fallible<import_source> import_source::open(const std::filesystem::path& path,
                                            import_options options) {
    if (!options.email_domain.empty() &&
        !core::email_address::parse("name@" + options.email_domain))
        return problem{"--email-domain is the part of an e-mail address behind its @, such as "
                       "example.org"};
    auto in = line_reader::open(path);
    if (!in) return in.error();
    auto format = options.format;
    if (!format) {
        const auto beginning = in->look_ahead();
        if (!beginning) return beginning.error();
        format = detect_import_format(*beginning);
    }
    if (!format)
        return problem{in->name() + " is in no format that can be told from its beginning: name it "
                                    "with --format ndjson, otpauth, authelia or keycloak"};
    const auto bytes_total = in->bytes_total();
    auto reader = make_reader(*format, *std::move(in), std::move(options));
    if (!reader) return reader.error();
    return import_source(*format, *std::move(reader), bytes_total);
}

} // namespace countersign::app
