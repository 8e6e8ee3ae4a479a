// How rows of the setting table are made: one function template per kind of value. `access` gives
// the member of a settings, constant or not, that the row is about.
#pragma once

#include "app/setting_table.hpp"
#include "app/setting_values.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <type_traits>
#include <utility>

namespace countersign::app::make {

template <typename Access>
setting count(std::string name, bounds allowed, const std::string& meaning, Access access) {
    return {std::move(name),
            value_kind::number,
            secrecy::open,
            meaning + " (" + std::to_string(allowed.min) + " to " + std::to_string(allowed.max) +
                ").",
            [=](settings& all, std::string_view text) -> fallible<void> {
                const auto value = parse_integer(text, allowed);
                if (!value) return value.error();
                auto& member = access(all);
                member = static_cast<std::remove_reference_t<decltype(member)>>(*value);
                return {};
            },
            [=](const settings& all) { return std::to_string(access(all)); }};
}

template <typename Access>
setting duration(std::string name, bounds allowed, const std::string& meaning, Access access) {
    return {std::move(name),
            value_kind::duration,
            secrecy::open,
            meaning + " (" + std::to_string(allowed.min) + " to " + std::to_string(allowed.max) +
                " seconds).",
            [=](settings& all, std::string_view text) -> fallible<void> {
                const auto value = parse_duration(text, allowed);
                if (!value) return value.error();
                access(all) = *value;
                return {};
            },
            [=](const settings& all) { return std::to_string(access(all).count()); }};
}

template <typename Access>
setting boolean(std::string name, std::string meaning, Access access) {
    return {std::move(name),
            value_kind::boolean,
            secrecy::open,
            std::move(meaning),
            [=](settings& all, std::string_view text) -> fallible<void> {
                const auto value = parse_boolean(text);
                if (!value) return value.error();
                access(all) = *value;
                return {};
            },
            [=](const settings& all) { return std::string(access(all) ? "true" : "false"); }};
}

// One word of a fixed list; the enumerators count up from zero in the list's order.
template <std::size_t Size, typename Access>
setting choice(std::string name, std::array<std::string_view, Size> words, std::string meaning,
               Access access) {
    return {std::move(name),
            value_kind::text,
            secrecy::open,
            std::move(meaning),
            [=](settings& all, std::string_view text) -> fallible<void> {
                const auto found = std::ranges::find(words, text);
                if (found == words.end()) {
                    std::string sentence = "must be one of";
                    for (const auto word : words)
                        sentence += " " + std::string(word);
                    return problem{sentence + ", not \"" + std::string(text) + "\""};
                }
                auto& member = access(all);
                member = static_cast<std::remove_reference_t<decltype(member)>>(
                    std::distance(words.begin(), found));
                return {};
            },
            [=](const settings& all) {
                return std::string(words[static_cast<std::size_t>(access(all))]);
            }};
}

// `check` gives the text to keep, or why not.
template <typename Check, typename Access>
setting text(std::string name, std::string meaning, Check check, Access access) {
    return {std::move(name),
            value_kind::text,
            secrecy::open,
            std::move(meaning),
            [=](settings& all, std::string_view given) -> fallible<void> {
                fallible<std::string> kept = check(given);
                if (!kept) return kept.error();
                access(all) = *std::move(kept);
                return {};
            },
            [=](const settings& all) { return std::string(access(all)); }};
}

// An optional secret: empty text is none. `check` says whether any other is good.
template <typename Check, typename Access>
setting secret(std::string name, secrecy kind, std::string meaning, Check check, Access access) {
    return {std::move(name),
            value_kind::text,
            kind,
            std::move(meaning),
            [=](settings& all, std::string_view given) -> fallible<void> {
                if (given.empty()) {
                    access(all).reset();
                    return {};
                }
                fallible<void> good = check(given);
                if (good) access(all) = core::secret_string(std::string(given));
                return good;
            },
            [=](const settings& all) -> std::string {
                const auto& value = access(all);
                if (!value) return {};
                return kind == secrecy::url ? redacted(value->reveal()) : "***";
            }};
}

} // namespace countersign::app::make
