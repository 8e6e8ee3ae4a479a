// The native family's route table as rows of tests.
#pragma once

#include "net/families/singularity/routes.hpp"

#include <boost/beast/http/verb.hpp>

#include <string>

namespace countersign::tests {

using net::singularity::credential;
using net::singularity::route;
using net::singularity::routes;

[[nodiscard]] inline std::string method_of(const route& row) {
    return std::string(boost::beast::http::to_string(row.key.method));
}

[[nodiscard]] inline std::string name_of(const route& row) {
    return method_of(row) + " " + std::string(row.key.pattern);
}

[[nodiscard]] inline std::string target_of(const route& row) {
    std::string target(row.key.pattern);
    if (const auto brace = target.find('{'); brace != std::string::npos)
        target.replace(brace, target.find('}') - brace + 1, "some");
    return target;
}

} // namespace countersign::tests
