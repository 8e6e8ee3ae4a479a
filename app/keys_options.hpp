// What follows `countersign keys` on the command line.
#pragma once

#include "app/key_file.hpp"

#include <cstdint>

namespace countersign::app {

enum class keys_action : std::uint8_t { show, rotate, reseal, retire };

struct keys_options {
    keys_action what = keys_action::show;
    key_groups groups;             // rotate, retire; none of retire: all
    bool stage = false;            // rotate: the new keys are next only
    bool activate = false;         // rotate: what is next becomes current
    bool change_algorithm = false; // rotate: tokens.algorithm may differ from the key in use
    bool now = false;              // retire: although what the keys made may still be in use
    bool count_use = false;        // show: how much is under each key
};

} // namespace countersign::app
