#include "notify/content.hpp"

#include "notify/mime.hpp"

namespace countersign::notify {
namespace {

constexpr std::size_t name_length_max = 64;
constexpr std::size_t subject_length_max = 250;
constexpr std::size_t address_length_max = 254; // RFC 5321 section 4.5.3.1.3, without < and >

bool is_letter(char letter) {
    return (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z');
}

// Mail readers turn addresses in a text into links, and a name can be chosen to be mailed to a
// stranger: a name that holds something like a link is not repeated.
bool resembles_link(std::string_view name) {
    if (name.find_first_of("/:@\\") != std::string_view::npos) {
        return true;
    }
    for (auto dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
        if (dot + 2 < name.size() && is_letter(name[dot + 1]) && is_letter(name[dot + 2])) {
            return true;
        }
    }
    return false;
}

// The texts of one mail: the same arguments for every one of them.
class speaker {
public:
    speaker(const core::event& event, const content_context& context, const catalogues& texts)
        : event_(event), texts_(texts), type_(core::to_string(event.type)),
          right_to_left_(is_right_to_left(texts.language_of(event.locale))) {
        put("app_name", one_line(context.app_name));
        put("name", one_line(event.name, name_length_max));
        put("recipient", one_line(context.recipient, address_length_max));
        put("old_email", one_line(event.old_email));
        put("new_email", one_line(event.new_email));
        put("browser", one_line(event.browser, 80));
        put("os", one_line(event.os, 80));
        arguments_.push_back({"remaining", std::int64_t{event.remaining_codes}});
        const auto expires = event.expires_at.value_or(event.at);
        arguments_.push_back({"expires", expires});
        // Downwards: nobody is told more time than there is.
        arguments_.push_back(
            {"minutes",
             std::int64_t{std::chrono::floor<std::chrono::minutes>(expires - event.at).count()}});
        arguments_.push_back({"when", event.at});
        put("method", method_name());
    }

    [[nodiscard]] std::string common(std::string_view key) const {
        return texts_.text(event_.locale, key, arguments_);
    }
    [[nodiscard]] std::string own(std::string_view key) const {
        return common(type_ + "." + std::string(key));
    }
    [[nodiscard]] std::string greeting() const {
        const auto name = one_line(event_.name, name_length_max);
        return common(name.empty() || resembles_link(name) ? "greeting_anonymous" : "greeting");
    }
    [[nodiscard]] std::string method_name() const {
        if (event_.method == "totp" || event_.method == "passkey") {
            return common("method." + event_.method);
        }
        return common(event_.method == "email" ? "method.email" : "method.other");
    }
    [[nodiscard]] std::string client() const {
        const auto browser = one_line(event_.browser, 80);
        const auto os = one_line(event_.os, 80);
        if (browser.empty() && os.empty()) {
            return common("fact.unknown");
        }
        if (browser.empty() || os.empty()) {
            return isolated(browser + os);
        }
        return common("client");
    }
    [[nodiscard]] bool right_to_left() const noexcept { return right_to_left_; }
    // `value` is one_line()'s.
    [[nodiscard]] std::string isolated(std::string value) const {
        if (!right_to_left_ || value.empty()) {
            return value;
        }
        return std::string(isolate_begin).append(value).append(isolate_end);
    }

private:
    void put(std::string name, std::string value) {
        arguments_.push_back({std::move(name), isolated(std::move(value))});
    }

    const core::event& event_;
    const catalogues& texts_;
    std::string type_;
    bool right_to_left_;
    std::vector<argument> arguments_;
};

bool is_code_mail(core::event_type type) {
    return type == core::event_type::one_time_code ||
           type == core::event_type::email_verification_code ||
           type == core::event_type::password_reset_code;
}

bool is_link_mail(core::event_type type) {
    return type == core::event_type::email_verification || type == core::event_type::password_reset;
}

std::string_view link_path(core::event_type type) {
    return type == core::event_type::password_reset ? "/auth/reset-password?token="
                                                    : "/auth/verify-email?token=";
}

void add_when(mail_content& content, const speaker& say) {
    content.facts.emplace_back(say.common("fact.when"), say.common("time"));
}

// Where a request came from, and when: in alerts, and in codes too, so that a stranger's attempt is
// recognised.
void add_origin(mail_content& content, const core::event& event, const speaker& say) {
    add_when(content, say);
    const auto ip = one_line(event.ip, 64);
    content.facts.emplace_back(say.common("fact.ip"),
                               ip.empty() ? say.common("fact.unknown") : say.isolated(ip));
    content.facts.emplace_back(say.common("fact.client"), say.client());
}

// Whose request it was says nothing to the holder: an administrator's, or one that another mail
// tells of.
bool is_notice(core::event_type type) {
    return type == core::event_type::second_factor_reset ||
           type == core::event_type::recovery_codes_low;
}

void add_alert(mail_content& content, const core::event& event, const content_context& context,
               const speaker& say) {
    const auto add = [&](std::string_view key, std::string value) {
        if (!value.empty()) {
            content.facts.emplace_back(say.common(key), std::move(value));
        }
    };
    if (!event.method.empty()) {
        add("fact.method", say.method_name());
    }
    add("fact.label", say.isolated(one_line(event.label)));
    add("fact.old_email", say.isolated(one_line(event.old_email)));
    add("fact.new_email", say.isolated(one_line(event.new_email)));
    if (event.type == core::event_type::recovery_code_used ||
        event.type == core::event_type::recovery_codes_created ||
        event.type == core::event_type::recovery_codes_low) {
        add("fact.remaining_codes", std::to_string(event.remaining_codes));
    }
    if (is_notice(event.type)) {
        add_when(content, say);
        content.after = {say.own("advice")};
    } else {
        add_origin(content, event, say);
        content.after = {say.common("by_you"), say.own("advice")};
    }
    // Of an account that is gone there are no settings to look at.
    if (event.type == core::event_type::account_deleted) return;
    content.action = button{
        say.common("review_button"), std::string(context.base_uri) + "/me/settings#sessions", {}};
}

} // namespace

mail_content content_of(const core::event& event, const content_context& context,
                        const catalogues& texts) {
    const speaker say(event, context, texts);
    mail_content content;
    content.language = texts.language_of(event.locale);
    content.right_to_left = say.right_to_left();
    content.label_end = say.common("fact.separator");
    content.subject = one_line(say.own("subject"), subject_length_max);
    content.heading = say.own("heading");
    content.greeting = say.greeting();
    content.body = say.own("body");
    content.closing = say.common("closing");
    if (is_code_mail(event.type)) {
        content.code = context.secret;
        add_origin(content, event, say);
        content.after = {say.own("expiry"), say.own("advice")};
    } else if (is_link_mail(event.type)) {
        std::string url(context.base_uri);
        url.append(link_path(event.type)).append(context.secret);
        content.action = button{say.own("button"), std::move(url), say.common("link_fallback")};
        content.after = {say.own("expiry"), say.own("advice")};
    } else {
        add_alert(content, event, context, say);
    }
    return content;
}

} // namespace countersign::notify
