// Every API family's description, for the tests of the API document.
#pragma once

#include "net/families/clara/routes.hpp"
#include "net/families/service/routes.hpp"
#include "net/families/singularity/routes.hpp"
#include "net/families/slugbase/routes.hpp"
#include "net/family.hpp"

#include <vector>

namespace countersign::tests {

[[nodiscard]] inline std::vector<net::family_description> described_families() {
    return {net::singularity::describe(), net::slugbase::describe(), net::clara::describe(),
            net::service::describe()};
}

} // namespace countersign::tests
