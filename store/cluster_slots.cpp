#include "store/cluster_slots.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>

namespace countersign::store {

namespace {

constexpr std::size_t byte_values = 256;

// CRC-16/XMODEM: polynomial 0x1021, no reflection, starts at 0.
constexpr std::array<std::uint16_t, byte_values> make_crc_table() {
    constexpr std::uint32_t polynomial = 0x1021, top_bit = 0x8000;
    std::array<std::uint16_t, byte_values> table{};
    for (std::uint32_t byte = 0; byte < byte_values; ++byte) {
        auto rest = byte << 8U;
        for (int bit = 0; bit < 8; ++bit)
            rest = (rest & top_bit) != 0 ? (rest << 1U) ^ polynomial : rest << 1U;
        table.at(byte) = static_cast<std::uint16_t>(rest);
    }
    return table;
}
constexpr auto crc_table = make_crc_table();

// The part of a key that is hashed: what stands in its first braces, if anything does.
std::string_view hashed_part(std::string_view key) noexcept {
    const auto open = key.find('{');
    if (open == std::string_view::npos) return key;
    const auto close = key.find('}', open + 1);
    if (close == std::string_view::npos || close == open + 1) return key;
    return key.substr(open + 1, close - open - 1);
}

std::optional<int> number_in(std::string_view text, int largest) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    if (value < 0 || value > largest) return std::nullopt;
    return value;
}

constexpr int port_max = 65535;

std::optional<int> slot_in(const reply_value& value) {
    const auto* number = value.integer();
    if (number == nullptr || *number < 0 || *number >= cluster_slot_count) return std::nullopt;
    return static_cast<int>(*number);
}

// [host, port, id, …]
std::optional<redis_endpoint> endpoint_in(const reply_value& value, const std::string& asked_host) {
    const auto* parts = value.list();
    if (parts == nullptr || parts->size() < 2) return std::nullopt;
    const auto* host = (*parts)[0].text();
    const auto* port = (*parts)[1].integer();
    if ((host == nullptr && !(*parts)[0].is_nil()) || port == nullptr) return std::nullopt;
    if (*port < 1 || *port > port_max) return std::nullopt;
    const bool unnamed = host == nullptr || host->empty();
    return redis_endpoint{unnamed ? asked_host : *host, std::to_string(*port)};
}

// Takes the next word off the text; empty at its end.
std::string_view next_word(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
    return word;
}

// "5461" or "0-5460".
std::optional<int> size_of_range(std::string_view text) {
    const auto dash = text.find('-');
    const auto first = number_in(text.substr(0, dash), cluster_slot_count - 1);
    if (dash == std::string_view::npos) return first ? std::optional(1) : std::nullopt;
    const auto last = number_in(text.substr(dash + 1), cluster_slot_count - 1);
    if (!first || !last || *last < *first) return std::nullopt;
    return *last - *first + 1;
}

std::optional<own_slots> read_own_line(std::string_view line) {
    constexpr int fields_before = 8; // id, address, flags, master, ping, pong, epoch, link
    for (int field = 0; field < fields_before; ++field)
        if (next_word(line).empty()) return std::nullopt;
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    own_slots found{.text = std::string(line)};
    for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
        if (word.starts_with('[')) {
            found.on_the_move = true;
            continue;
        }
        const auto size = size_of_range(word);
        if (!size) return std::nullopt;
        found.count += *size;
    }
    return found;
}

} // namespace

int cluster_slot_of(std::string_view key) noexcept {
    std::uint32_t crc = 0;
    for (const char letter : hashed_part(key)) {
        const auto index = ((crc >> 8U) ^ static_cast<unsigned char>(letter)) & 0xFFU;
        crc = ((crc << 8U) ^ crc_table[index]) & 0xFFFFU;
    }
    return static_cast<int>(crc % cluster_slot_count);
}

std::optional<std::string_view> first_key_of(std::span<const std::string> words) {
    constexpr std::array<std::string_view, 12> without_key{"PING",   "TIME",   "ECHO",   "SCAN",
                                                           "INFO",   "CLIENT", "ACL",    "AUTH",
                                                           "CONFIG", "DEBUG",  "SCRIPT", "CLUSTER"};
    constexpr std::array<std::string_view, 4> behind_a_subcommand{"XGROUP", "XINFO", "OBJECT",
                                                                  "MEMORY"};
    const auto is_one_of = [words](std::span<const std::string_view> names) {
        return std::ranges::find(names, words.front()) != names.end();
    };
    const auto word = [words](std::size_t place) -> std::optional<std::string_view> {
        if (place >= words.size()) return std::nullopt;
        return words[place];
    };
    if (words.empty() || is_one_of(without_key)) return std::nullopt;
    if (words.front() == "XREADGROUP") {
        const auto streams = std::ranges::find(words, "STREAMS");
        return word(static_cast<std::size_t>(streams - words.begin()) + 1);
    }
    return word(is_one_of(behind_a_subcommand) ? 2 : 1);
}

std::optional<std::vector<slot_range>> read_slot_map(const reply_value& reply,
                                                     const std::string& asked_host) {
    const auto* list = reply.list();
    if (list == nullptr) return std::nullopt;
    std::vector<slot_range> ranges;
    for (const auto& item : *list) {
        const auto* parts = item.list();
        if (parts == nullptr || parts->size() < 3) return std::nullopt;
        const auto first = slot_in((*parts)[0]), last = slot_in((*parts)[1]);
        auto master = endpoint_in((*parts)[2], asked_host);
        if (!first || !last || *last < *first || !master) return std::nullopt;
        ranges.push_back({*first, *last, *std::move(master)});
    }
    return ranges;
}

std::optional<redirection> read_redirection(std::string_view error, const std::string& asked_host) {
    const auto kind = next_word(error);
    if (kind != "MOVED" && kind != "ASK") return std::nullopt;
    const auto slot = number_in(next_word(error), cluster_slot_count - 1);
    const auto place = next_word(error);
    const auto colon = place.rfind(':'); // an IPv6 address has others
    if (!slot || colon == std::string_view::npos) return std::nullopt;
    const auto port = number_in(place.substr(colon + 1), port_max);
    if (!port || *port == 0) return std::nullopt;
    auto host = colon == 0 ? asked_host : std::string(place.substr(0, colon));
    return redirection{kind == "ASK", *slot, {std::move(host), std::to_string(*port)}};
}

std::optional<own_slots> read_own_slots(std::string_view cluster_nodes) {
    while (!cluster_nodes.empty()) {
        const auto line = cluster_nodes.substr(0, cluster_nodes.find('\n'));
        cluster_nodes.remove_prefix(std::min(line.size() + 1, cluster_nodes.size()));
        auto rest = line;
        next_word(rest); // its id
        next_word(rest); // its address
        if (next_word(rest).find("myself") != std::string_view::npos) return read_own_line(line);
    }
    return std::nullopt;
}

} // namespace countersign::store
