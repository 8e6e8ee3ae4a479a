#include "tests/attack/process_memory.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <set>
#include <stdexcept>
#include <unistd.h>
#include <unordered_map>
#include <utility>

namespace countersign::tests {

namespace {

constexpr std::size_t page_bytes = 4096;
constexpr std::size_t around_bytes = 48;

class descriptor {
public:
    explicit descriptor(const std::string& path) : number_(::open(path.c_str(), O_RDONLY)) {
        if (number_ < 0) throw std::runtime_error("cannot open " + path);
    }
    ~descriptor() { ::close(number_); }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    [[nodiscard]] int number() const { return number_; }

private:
    int number_;
};

struct mapping {
    std::uint64_t begin = 0, end = 0;
    std::string name;
};

std::vector<mapping> writable_mappings(pid_t process) {
    std::ifstream maps("/proc/" + std::to_string(process) + "/maps");
    std::vector<mapping> found;
    for (std::string line; std::getline(maps, line);) {
        mapping one;
        std::array<char, 5> rights{};
        int name_at = 0;
        if (std::sscanf(line.c_str(), "%lx-%lx %4s %*s %*s %*s %n", &one.begin, &one.end,
                        rights.data(), &name_at) != 3)
            continue;
        if (rights[0] != 'r' || rights[1] != 'w') continue;
        one.name = line.substr(static_cast<std::size_t>(name_at));
        found.push_back(std::move(one));
    }
    if (found.empty()) throw std::runtime_error("the process has no mappings that can be read");
    return found;
}

// The bytes that start like one of the wanted ones are looked at; all others cost a table look-up.
class matcher {
public:
    explicit matcher(const std::vector<wanted_bytes>& wanted) {
        for (const auto& one : wanted) {
            if (one.bytes.size() < wanted_bytes_min)
                throw std::runtime_error("too short to be looked for: " + one.what);
            by_start_[start_of(one.bytes.data())].push_back(&one);
            starts_.set(start_of(one.bytes.data()) & 0xFFFF);
            longest_ = std::max(longest_, one.bytes.size());
        }
    }

    [[nodiscard]] std::size_t longest() const { return longest_; }

    template <typename Found>
    void search(std::string_view bytes, Found found) const {
        for (std::size_t at = 0; at + sizeof(std::uint32_t) <= bytes.size(); ++at) {
            const auto start = start_of(bytes.data() + at);
            if (!starts_.test(start & 0xFFFF)) continue;
            const auto those = by_start_.find(start);
            if (those == by_start_.end()) continue;
            for (const auto* one : those->second)
                if (bytes.substr(at).starts_with(one->bytes)) found(*one, at);
        }
    }

private:
    static std::uint32_t start_of(const char* bytes) {
        std::uint32_t start = 0;
        std::memcpy(&start, bytes, sizeof start);
        return start;
    }

    std::bitset<0x10000> starts_; // by the first two bytes
    std::unordered_map<std::uint32_t, std::vector<const wanted_bytes*>> by_start_;
    std::size_t longest_ = 0;
};

std::string printable(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes)
        text += byte >= ' ' && byte <= '~' ? byte : '.';
    return text;
}

std::string around(std::string_view bytes, std::size_t at, std::size_t size) {
    const auto begin = at - std::min(at, around_bytes);
    return printable(bytes.substr(begin, at - begin + size + around_bytes));
}

// Runs of pages that are in memory or in swap (pagemap: bits 63 and 62); what was never touched is
// not read, or a reservation of gigabytes would be.
std::vector<std::pair<std::uint64_t, std::uint64_t>> present_runs(int pagemap, const mapping& in) {
    std::vector<std::uint64_t> entries((in.end - in.begin) / page_bytes);
    const auto read = ::pread(pagemap, entries.data(), entries.size() * sizeof(std::uint64_t),
                              static_cast<off_t>(in.begin / page_bytes * sizeof(std::uint64_t)));
    if (read < 0) return {};
    entries.resize(static_cast<std::size_t>(read) / sizeof(std::uint64_t));
    std::vector<std::pair<std::uint64_t, std::uint64_t>> runs;
    for (std::size_t page = 0; page < entries.size(); ++page) {
        if (entries[page] >> 62 == 0) continue;
        const auto begin = in.begin + page * page_bytes;
        if (!runs.empty() && runs.back().second == begin)
            runs.back().second += page_bytes;
        else
            runs.emplace_back(begin, begin + page_bytes);
    }
    return runs;
}

std::string to_base(std::string_view bytes, std::string_view alphabet, unsigned bits_per_letter) {
    std::string text;
    std::uint32_t held = 0;
    unsigned bits = 0;
    for (const char byte : bytes) {
        held = held << 8 | static_cast<unsigned char>(byte);
        for (bits += 8; bits >= bits_per_letter;) {
            bits -= bits_per_letter;
            text += alphabet[held >> bits & ((1U << bits_per_letter) - 1)];
        }
    }
    return text; // the last, incomplete letter depends on what follows
}

std::string percent_encoded(std::string_view text, bool all) {
    constexpr std::string_view unreserved =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string out;
    for (const char letter : text) {
        if (!all && unreserved.find(letter) != std::string_view::npos) {
            out += letter;
            continue;
        }
        std::array<char, 4> escape{};
        std::snprintf(escape.data(), escape.size(), "%%%02X",
                      static_cast<unsigned>(static_cast<unsigned char>(letter)));
        out += escape.data();
    }
    return out;
}

} // namespace

std::vector<wanted_bytes> forms_of(const std::string& what, const std::string& text) {
    constexpr std::string_view common =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    std::set<std::string> seen;
    std::vector<wanted_bytes> forms;
    const auto add = [&](const char* form, std::string bytes) {
        if (bytes.size() >= wanted_bytes_min && seen.insert(bytes).second)
            forms.push_back({what + ", " + form, std::move(bytes)});
    };
    add("as it is", text);
    // Whatever one or two bytes stand before it in a group of three: without the letters that they
    // have a part in.
    for (std::size_t before = 0; before < 3; ++before) {
        const auto shifted = std::string(before, 'x') + text;
        const std::size_t foreign = before == 0 ? 0 : before + 1;
        add("base64", to_base(shifted, std::string(common) + "+/", 6).substr(foreign));
        add("base64url", to_base(shifted, std::string(common) + "-_", 6).substr(foreign));
    }
    add("base32", to_base(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 5));
    add("percent-encoded", percent_encoded(text, false));
    add("percent-encoded", percent_encoded(text, true));
    return forms;
}

std::vector<std::string> find_in_memory(pid_t process, const std::vector<wanted_bytes>& wanted) {
    const matcher all(wanted);
    const auto folder = "/proc/" + std::to_string(process);
    const descriptor memory(folder + "/mem");
    const descriptor pagemap(folder + "/pagemap");
    std::vector<std::string> finds;
    std::size_t looked_at = 0;
    for (const auto& one : writable_mappings(process)) {
        for (const auto& [begin, end] : present_runs(pagemap.number(), one)) {
            std::string bytes(end - begin, '\0');
            const auto read =
                ::pread(memory.number(), bytes.data(), bytes.size(), static_cast<off_t>(begin));
            if (read <= 0) continue; // unmapped meanwhile
            bytes.resize(static_cast<std::size_t>(read));
            looked_at += bytes.size();
            all.search(bytes, [&](const wanted_bytes& found, std::size_t at) {
                std::array<char, 32> address{};
                std::snprintf(address.data(), address.size(), "0x%llx",
                              static_cast<unsigned long long>(begin + at));
                finds.push_back(found.what + " at " + address.data() + " in " +
                                (one.name.empty() ? "anonymous memory" : one.name) + ": " +
                                around(bytes, at, found.bytes.size()));
            });
        }
    }
    if (looked_at == 0) throw std::runtime_error("nothing of the memory could be read");
    return finds;
}

} // namespace countersign::tests
