// docs/api.md lists the native routes, all of them and no others, and marks those that prove a
// code.
#include "net/families/singularity/routes.hpp"

#include <gtest/gtest.h>

#include <boost/beast/http/verb.hpp>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace countersign::tests {

namespace {

// "POST /path ●" for each row of the routes' table.
std::set<std::string> documented() {
    std::ifstream file(std::string(COUNTERSIGN_SOURCE_DIR) + "/docs/api.md");
    std::set<std::string> rows;
    for (std::string line; std::getline(file, line);) {
        std::istringstream cells(line);
        std::string bar, method, path, needs;
        cells >> bar >> method >> bar >> path >> bar;
        if (!path.starts_with("/api/")) continue;
        std::getline(cells, needs, '|');
        rows.insert(method + " " + path + (needs.find("●") != std::string::npos ? " ●" : ""));
    }
    return rows;
}

} // namespace

TEST(ApiDocument, ListsEveryRouteOfTheNativeFamily_AndThoseThatProveACode) {
    std::set<std::string> served;
    for (const auto& route : net::singularity::routes())
        served.insert(std::string(boost::beast::http::to_string(route.key.method)) + " " +
                      std::string(route.key.pattern) + (route.proves_code ? " ●" : ""));
    EXPECT_EQ(documented(), served);
}

} // namespace countersign::tests
