// The texts of mails in every language: catalogues/<language tag>.json, a flat object from key to
// ICU MessageFormat pattern with named arguments, so that plurals and word order are the
// translator's. Embedded at build time.
#pragma once

#include "core/types.hpp"

#include <boost/system/result.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace countersign::notify {

// Times are written out in the language's own long form, in UTC, with the zone.
struct argument {
    std::string name;
    std::variant<std::string, std::int64_t, core::unix_time> value;
};

// Immutable: const members may be called from any thread.
class catalogues {
public:
    using source = std::pair<std::string_view, std::string_view>; // language tag, JSON text

    // Those of this program. `default_locale` is the application's, a BCP 47 tag.
    [[nodiscard]] static catalogues embedded(std::string default_locale);
    // The error is a sentence that names the language and the key.
    [[nodiscard]] static boost::system::result<catalogues, std::string>
    from_json(const std::vector<source>& sources, std::string default_locale);

    // Puts the texts of an operator's catalogue in the place of those of that language, key by key,
    // or adds the language. Every key is one of English's, and a pattern uses the arguments of the
    // English one, in their types, and `app_name`. Before the first text() only. The error is the
    // end of a sentence that begins with the file's name, and says what to do.
    [[nodiscard]] boost::system::result<void, std::string> replace(std::string_view tag,
                                                                   std::string_view json_text);

    // The text in `locale` (BCP 47, any case, `_` tolerated), else in its language, else in the
    // default locale, else in English, else the key itself.
    [[nodiscard]] std::string text(std::string_view locale, std::string_view key,
                                   const std::vector<argument>& arguments) const;
    // The tag of the catalogue that answers first for `locale`: what the text's language will be.
    // zh-Hant and zh-TW are answered by zh, which is simplified: a warning in the other script is
    // understood by more of its readers than one in English. A zh-hant.json would go first.
    [[nodiscard]] std::string language_of(std::string_view locale) const;

    // For the test that holds every catalogue against the English one.
    [[nodiscard]] std::vector<std::string> languages() const;
    [[nodiscard]] std::vector<std::string> keys(std::string_view language) const;
    [[nodiscard]] std::set<std::string> argument_names(std::string_view language,
                                                       std::string_view key) const;

private:
    using messages = std::map<std::string, std::string, std::less<>>;
    [[nodiscard]] std::vector<std::string> candidates(std::string_view locale) const;

    std::map<std::string, messages, std::less<>> messages_; // by lower-case tag
    std::set<std::string, std::less<>> replaced_;           // lower-case tags of the operator's
    messages built_in_english_;                             // what those are held against
    std::string default_locale_;
};

// Of a BCP 47 tag; false for what is none.
[[nodiscard]] bool is_right_to_left(std::string_view language);

} // namespace countersign::notify
