// The words of one run of a script: by its hash and, for a server that does not know it (NOSCRIPT),
// by its source.
#pragma once

#include "store/connection.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::store {

class script_words {
public:
    // What it is made of outlives it.
    script_words(const script& code, const std::vector<std::string>& keys,
                 const std::vector<std::string>& arguments)
        : code_(code), key_count_(std::to_string(keys.size())) {
        words_.reserve(3 + keys.size() + arguments.size());
        words_.insert(words_.end(), {"EVALSHA", code.sha1, key_count_});
        words_.insert(words_.end(), keys.begin(), keys.end());
        words_.insert(words_.end(), arguments.begin(), arguments.end());
    }
    script_words(const script_words&) = delete;
    script_words& operator=(const script_words&) = delete;

    [[nodiscard]] std::span<const std::string_view> by_hash() const noexcept { return words_; }
    [[nodiscard]] std::span<const std::string_view> by_source() {
        words_[0] = "EVAL";
        words_[1] = code_.source;
        return words_;
    }

private:
    const script& code_;
    std::string key_count_;
    std::vector<std::string_view> words_;
};

} // namespace countersign::store
