// docs/api.md lists the routes of every family below its heading, all of them and no others, and
// marks those that prove a code.
#include "net/families/clara/routes.hpp"
#include "net/families/service/routes.hpp"
#include "net/families/singularity/routes.hpp"
#include "net/families/slugbase/routes.hpp"

#include <gtest/gtest.h>

#include <boost/beast/http/verb.hpp>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

namespace countersign::tests {

namespace {

// "POST /path ●" for each row of the routes' table in the chapter ("# …") of that name.
std::set<std::string> documented(std::string_view chapter) {
    std::ifstream file(std::string(COUNTERSIGN_SOURCE_DIR) + "/docs/api.md");
    std::set<std::string> rows;
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("# ")) inside = line.substr(2) == chapter;
        std::istringstream cells(line);
        std::string bar, method, path, needs;
        cells >> bar >> method >> bar >> path >> bar;
        if (!inside || !path.starts_with("/api/")) continue;
        std::getline(cells, needs, '|');
        rows.insert(method + " " + path + (needs.find("●") != std::string::npos ? " ●" : ""));
    }
    return rows;
}

template <typename Routes>
std::set<std::string> rows_of(const Routes& routes) {
    std::set<std::string> rows;
    for (const auto& route : routes)
        rows.insert(std::string(boost::beast::http::to_string(route.key.method)) + " " +
                    std::string(route.key.pattern) + (route.proves_code ? " ●" : ""));
    return rows;
}

} // namespace

TEST(ApiDocument, ListsEveryRouteOfTheNativeFamily_AndThoseThatProveACode) {
    EXPECT_EQ(documented("The native API"), rows_of(net::singularity::routes()));
}

TEST(ApiDocument, ListsEveryRouteOfTheClaraFamily_AndThoseThatProveACode) {
    EXPECT_EQ(documented("The Clara API"), rows_of(net::clara::routes()));
}

TEST(ApiDocument, ListsEveryRouteOfTheSlugbaseFamily_AndThoseThatProveACode) {
    EXPECT_EQ(documented("The SlugBase API"), rows_of(net::slugbase::routes()));
}

TEST(ApiDocument, ListsEveryRouteOfTheServiceFamily_AndThoseThatProveACode) {
    EXPECT_EQ(documented("The service API"), rows_of(net::service::routes()));
}

} // namespace countersign::tests
