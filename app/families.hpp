// Which API families a worker serves, by the configuration. A new family is one line here, one in
// settings.hpp and one in setting_table.cpp.
#pragma once

#include "app/settings.hpp"
#include "net/family.hpp"
#include "net/services.hpp"
#include "store/service_keys.hpp"

#include <memory>
#include <vector>

namespace countersign::app {

// In the order of api_family. `services`, which learns of families that share a login, `keys` and
// `all` outlive them.
[[nodiscard]] std::vector<std::unique_ptr<net::family>>
make_families(net::services& services, store::service_keys& keys, const settings& all);

} // namespace countersign::app
