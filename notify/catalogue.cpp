#include "notify/catalogue.hpp"

#include "core/text.hpp"
#include "notify/embedded.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <unicode/dtptngen.h>
#include <unicode/messagepattern.h>
#include <unicode/msgfmt.h>
#include <unicode/smpdtfmt.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>

namespace countersign::notify {
namespace {

constexpr std::string_view last_resort = "en";
constexpr std::size_t tag_length_max = 35; // RFC 5646 section 4.4.1

icu::UnicodeString unicode(std::string_view text) {
    return icu::UnicodeString::fromUTF8(
        icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())));
}

std::string utf8(const icu::UnicodeString& text) {
    std::string out;
    return text.toUTF8String(out);
}

// Lower case with `-`; empty for what cannot be a tag.
std::string normalised(std::string_view tag) {
    if (tag.size() > tag_length_max) {
        return {};
    }
    std::string out;
    for (const char letter : tag) {
        if (letter >= 'A' && letter <= 'Z') {
            out += static_cast<char>(letter - 'A' + 'a');
        } else if ((letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9')) {
            out += letter;
        } else if (letter == '-' || letter == '_') {
            out += '-';
        } else {
            return {};
        }
    }
    return out;
}

icu::Locale icu_locale(const std::string& tag) {
    UErrorCode status = U_ZERO_ERROR;
    auto locale = icu::Locale::forLanguageTag(tag, status);
    if (U_FAILURE(status)) {
        return icu::Locale::getRoot();
    }
    // Codes and IP addresses are in ASCII digits and every Arabic reader knows those: one set of
    // digits in a mail, where CLDR would have each country's own.
    if (std::string_view(locale.getLanguage()) == "ar") {
        locale.setUnicodeKeywordValue("nu", "latn", status);
    }
    return locale;
}

// ICU's formatters are dear to make, and none may be used by two threads at once: each thread keeps
// those that it has made. Users choose the regions of locales, so the number is bounded.
template <typename Formatter>
class kept_formatters {
public:
    // `make` returns a std::unique_ptr, which may be null; so may the result.
    template <typename Make>
    const Formatter* get(const std::string& key, const Make& make) {
        if (const auto found = kept_.find(key); found != kept_.end()) {
            return found->second.get();
        }
        if (kept_.size() >= count_max) {
            kept_.clear();
        }
        return kept_.emplace(key, make()).first->second.get();
    }

private:
    static constexpr std::size_t count_max = 1024;
    std::map<std::string, std::unique_ptr<Formatter>> kept_;
};

std::unique_ptr<icu::DateFormat> make_date_format(const icu::Locale& locale) {
    UErrorCode status = U_ZERO_ERROR;
    std::unique_ptr<icu::DateFormat> format(
        icu::DateFormat::createInstanceForSkeleton("yMMMMdjmmssz", locale, status));
    if (U_FAILURE(status) || !format) {
        return nullptr;
    }
    format->adoptTimeZone(icu::TimeZone::createTimeZone("UTC"));
    return format;
}

std::unique_ptr<icu::MessageFormat> make_message_format(const std::string& pattern,
                                                        const icu::Locale& locale) {
    UErrorCode status = U_ZERO_ERROR;
    auto format = std::make_unique<icu::MessageFormat>(unicode(pattern), locale, status);
    return U_SUCCESS(status) ? std::move(format) : nullptr;
}

std::string written_out(core::unix_time time, const icu::Locale& locale) {
    thread_local kept_formatters<icu::DateFormat> formats;
    const auto* format = formats.get(locale.getName(), [&] { return make_date_format(locale); });
    if (format == nullptr) {
        return core::to_rfc3339(time);
    }
    icu::UnicodeString out;
    format->format(static_cast<UDate>(time.time_since_epoch().count()), out);
    // CLDR puts a narrow no-break space before AM and PM, which plain-text readers may lack.
    return utf8(out.findAndReplace(icu::UnicodeString(UChar32{0x202F}), u" "));
}

icu::Formattable formattable(const argument& given, const icu::Locale& locale) {
    if (const auto* text = std::get_if<std::string>(&given.value)) {
        return unicode(*text);
    }
    if (const auto* number = std::get_if<std::int64_t>(&given.value)) {
        return *number;
    }
    return unicode(written_out(std::get<core::unix_time>(given.value), locale));
}

std::string format(const std::string& pattern, const icu::Locale& locale,
                   const std::vector<argument>& arguments) {
    thread_local kept_formatters<icu::MessageFormat> messages;
    const auto* message = messages.get(locale.getName() + ('\n' + pattern),
                                       [&] { return make_message_format(pattern, locale); });
    if (message == nullptr) {
        throw std::logic_error("a catalogue's pattern cannot be read");
    }
    std::vector<icu::UnicodeString> names;
    std::vector<icu::Formattable> values;
    for (const auto& given : arguments) {
        if (pattern.find(given.name) == std::string::npos) {
            continue; // a time that nobody reads costs more to write out than all the rest
        }
        names.push_back(unicode(given.name));
        values.push_back(formattable(given, locale));
    }
    UErrorCode status = U_ZERO_ERROR;
    icu::UnicodeString out;
    message->format(names.data(), values.data(), static_cast<std::int32_t>(names.size()), out,
                    status);
    if (U_FAILURE(status)) {
        throw std::logic_error("a catalogue's pattern cannot be formatted");
    }
    return utf8(out);
}

bool is_pattern(const std::string& text) {
    UErrorCode status = U_ZERO_ERROR;
    const icu::MessageFormat message(unicode(text), icu::Locale::getRoot(), status);
    return U_SUCCESS(status);
}

// What a pattern does with one of its arguments, at any depth.
struct argument_use {
    std::string name;
    UMessagePatternArgType type;
    std::string simple_type; // `number` of {minutes, number}
};

// None: the text is no pattern.
std::optional<std::vector<argument_use>> uses_in(std::string_view text) {
    UErrorCode status = U_ZERO_ERROR;
    const icu::MessagePattern pattern(unicode(text), nullptr, status);
    if (U_FAILURE(status)) {
        return std::nullopt;
    }
    std::vector<argument_use> out;
    for (std::int32_t index = 0; index + 2 < pattern.countParts(); ++index) {
        const auto& part = pattern.getPart(index);
        if (part.getType() != UMSGPAT_PART_TYPE_ARG_START) {
            continue;
        }
        argument_use use{
            utf8(pattern.getSubstring(pattern.getPart(index + 1))), part.getArgType(), {}};
        if (use.type == UMSGPAT_ARG_TYPE_SIMPLE) {
            use.simple_type = utf8(pattern.getSubstring(pattern.getPart(index + 2)));
        }
        out.push_back(std::move(use));
    }
    return out;
}

bool is_numeric(const argument_use& use) {
    return use.type == UMSGPAT_ARG_TYPE_PLURAL || use.type == UMSGPAT_ARG_TYPE_SELECTORDINAL ||
           use.type == UMSGPAT_ARG_TYPE_CHOICE ||
           (use.type == UMSGPAT_ARG_TYPE_SIMPLE && use.simple_type == "number");
}

bool suits(const argument_use& use, bool is_number) {
    return use.type == UMSGPAT_ARG_TYPE_NONE ||
           (is_number ? is_numeric(use) : use.type == UMSGPAT_ARG_TYPE_SELECT);
}

// The arguments that some text of a language uses as numbers.
std::set<std::string> numbers_of(const std::map<std::string, std::string, std::less<>>& patterns) {
    std::set<std::string> out;
    for (const auto& [key, pattern] : patterns) {
        for (const auto& use : uses_in(pattern).value_or(std::vector<argument_use>())) {
            if (is_numeric(use)) {
                out.insert(use.name);
            }
        }
    }
    return out;
}

constexpr std::string_view argument_of_every_text = "app_name";

// What is wrong with a pattern in the place of `original`, or nothing.
std::string fault_of(const std::string& pattern, const std::string& original,
                     const std::set<std::string>& numbers, const icu::Locale& locale) {
    const auto uses = uses_in(pattern);
    UErrorCode status = U_ZERO_ERROR;
    const icu::MessageFormat message(unicode(pattern), locale, status);
    if (!uses || U_FAILURE(status)) {
        return "is not an ICU message pattern: look for a brace without its partner, and for "
               "plurals "
               "without `other`";
    }
    std::set<std::string, std::less<>> allowed{std::string(argument_of_every_text)};
    for (const auto& use : uses_in(original).value_or(std::vector<argument_use>())) {
        allowed.insert(use.name);
    }
    for (const auto& use : *uses) {
        if (!allowed.contains(use.name)) {
            std::string known;
            for (const auto& name : allowed) {
                known += (known.empty() ? "{" : ", {") + name + "}";
            }
            return "has the unknown argument {" + use.name + "}: use " + known;
        }
        if (!suits(use, numbers.contains(use.name))) {
            return "uses the argument {" + use.name + "} in a form that it does not have: write {" +
                   use.name + "}";
        }
    }
    return {};
}

} // namespace

catalogues catalogues::embedded(std::string default_locale) {
    constexpr std::string_view prefix = "catalogues/";
    constexpr std::string_view suffix = ".json";
    std::vector<source> sources;
    for (const auto& file : embedded_files()) {
        if (!file.name.starts_with(prefix)) {
            continue;
        }
        const auto tag = file.name.substr(prefix.size());
        sources.emplace_back(tag.substr(0, tag.size() - suffix.size()), file.text);
    }
    auto made = from_json(sources, std::move(default_locale));
    if (!made) {
        throw std::logic_error(made.error());
    }
    return std::move(made.unsafe_value()); // operator* would want to throw the sentence
}

boost::system::result<catalogues, std::string>
catalogues::from_json(const std::vector<source>& sources, std::string default_locale) {
    catalogues made;
    made.default_locale_ = std::move(default_locale);
    for (const auto& [tag, text] : sources) {
        const std::string name(tag);
        boost::system::error_code failure;
        const auto parsed = boost::json::parse(text, failure);
        if (failure || !parsed.is_object()) {
            return name + ": not a JSON object";
        }
        auto& target = made.messages_[normalised(tag)];
        for (const auto& [key, pattern] : parsed.get_object()) {
            const auto* value = pattern.if_string();
            if (value == nullptr || !is_pattern(std::string(*value))) {
                return name + ": `" + std::string(key) + "` is not an ICU message pattern";
            }
            target.emplace(std::string(key), std::string(*value));
        }
    }
    return made;
}

boost::system::result<void, std::string> catalogues::replace(std::string_view tag,
                                                             std::string_view json_text) {
    const auto name = normalised(tag);
    if (name.empty() || !core::locale_tag::parse(tag)) {
        return std::string("is not named after a language: name it <BCP 47 tag>.json, e.g. de.json "
                           "or pt-BR.json");
    }
    if (replaced_.empty()) {
        built_in_english_ = messages_.find(last_resort)->second;
    }
    if (!replaced_.insert(name).second) {
        return "is a second file for the language " + name + ": keep one of the two";
    }
    boost::system::error_code failure;
    const auto parsed = boost::json::parse(json_text, failure);
    if (failure || !parsed.is_object()) {
        return std::string("is not a JSON object of keys and texts") +
               (failure ? " (" + failure.message() + ")" : "") + ": see it with `jq .`";
    }
    const auto numbers = numbers_of(built_in_english_);
    const auto locale = icu_locale(name);
    messages made;
    for (const auto& [key, pattern] : parsed.get_object()) {
        const auto quoted = "`" + std::string(key) + "` ";
        const auto original = built_in_english_.find(std::string_view(key));
        if (original == built_in_english_.end()) {
            return quoted + "is no key of the mails' texts: remove it, or write it as "
                            "notify/catalogues/en.json has it";
        }
        const auto* text = pattern.if_string();
        if (text == nullptr) {
            return quoted + "must be a text in quotes";
        }
        if (auto fault = fault_of(std::string(*text), original->second, numbers, locale);
            !fault.empty()) {
            return quoted + fault;
        }
        made.emplace(std::string(key), std::string(*text));
    }
    // What is there already stays: those of the operator go first.
    made.merge(messages_[name]);
    messages_[name] = std::move(made);
    return {};
}

// RFC 4647 section 3.4 (lookup): the tag, then shorter and shorter, then the same of the default.
std::vector<std::string> catalogues::candidates(std::string_view locale) const {
    std::vector<std::string> out;
    for (const auto tag : {locale, std::string_view(default_locale_), last_resort}) {
        for (std::string rest = normalised(tag); !rest.empty();
             rest.resize(rest.find('-') == std::string::npos ? 0 : rest.rfind('-'))) {
            if (messages_.contains(rest)) {
                out.push_back(rest);
            }
        }
    }
    return out;
}

std::string catalogues::text(std::string_view locale, std::string_view key,
                             const std::vector<argument>& arguments) const {
    for (const auto& language : candidates(locale)) {
        const auto& known = messages_.find(language)->second;
        const auto found = known.find(key);
        if (found == known.end()) {
            continue;
        }
        // A regional locale formats dates its own way even where the words are the language's.
        const std::string wanted = normalised(locale);
        const bool regional = wanted.starts_with(language + "-");
        return format(found->second, icu_locale(regional ? wanted : language), arguments);
    }
    return std::string(key);
}

std::string catalogues::language_of(std::string_view locale) const {
    const auto found = candidates(locale);
    return found.empty() ? std::string(last_resort) : found.front();
}

std::vector<std::string> catalogues::languages() const {
    std::vector<std::string> out;
    out.reserve(messages_.size());
    for (const auto& [tag, known] : messages_) {
        out.push_back(tag);
    }
    return out;
}

std::vector<std::string> catalogues::keys(std::string_view language) const {
    const auto& known = messages_.find(language)->second;
    std::vector<std::string> out;
    out.reserve(known.size());
    for (const auto& [key, pattern] : known) {
        out.push_back(key);
    }
    return out;
}

std::set<std::string> catalogues::argument_names(std::string_view language,
                                                 std::string_view key) const {
    const auto& pattern = messages_.find(language)->second.find(key)->second;
    UErrorCode status = U_ZERO_ERROR;
    icu::MessageFormat message(unicode(pattern), icu::Locale::getRoot(), status);
    const std::unique_ptr<icu::StringEnumeration> names(message.getFormatNames(status));
    std::set<std::string> out;
    while (const auto* name = names->snext(status)) {
        out.insert(utf8(*name));
    }
    return out;
}

bool is_right_to_left(std::string_view language) {
    return icu_locale(normalised(language)).isRightToLeft() != 0;
}

} // namespace countersign::notify
