// How the mails of one application look and what they say: the built-in templates and texts, or
// the operator's in their place. Made and checked once, when the program starts.
#pragma once

#include "notify/catalogue.hpp"
#include "notify/colour.hpp"
#include "notify/content.hpp"
#include "notify/mail_template.hpp"

#include <boost/system/result.hpp>

#include <optional>
#include <string>
#include <vector>

namespace countersign::notify {

// In place of a built-in one: `mail.html`, `mail.txt` or `catalogues/<language tag>.json`. A
// catalogue may hold some of the keys only; the others stay as they are.
struct theme_file {
    std::string name;
    std::string text;
};

struct theme_options {
    std::string default_locale; // BCP 47, the application's
    std::string logo_text;
    colour accent{0x1f, 0x5f, 0xbf};
    std::optional<colour> accent_dark; // none: `accent`, lighter where that is needed
    std::vector<theme_file> files;
};

// Immutable: const members may be called from any thread.
class mail_theme {
public:
    // The error is a sentence that begins with the file's name and says what to do.
    [[nodiscard]] static boost::system::result<mail_theme, std::string>
    make(const theme_options& options);
    [[nodiscard]] static mail_theme built_in(std::string default_locale, std::string logo_text);

    [[nodiscard]] const catalogues& texts() const noexcept { return texts_; }
    // The two parts of a mail, with LF line ends.
    [[nodiscard]] std::string plain(const mail_content& content) const;
    [[nodiscard]] std::string html(const mail_content& content) const;

private:
    mail_theme(catalogues texts, mail_template page, mail_template text,
               const theme_options& options);

    catalogues texts_;
    mail_template page_, text_;
    std::string logo_text_;
    placeholder_values colours_;
};

} // namespace countersign::notify
