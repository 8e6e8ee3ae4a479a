// What the router needs to know of a route. The families keep more about each; the router answers
// with an index into the list it was made of.
#pragma once

#include <ostream> // which the next header lacks

#include <boost/beast/http/verb.hpp>

#include <string_view>

namespace countersign::net {

struct route_key {
    boost::beast::http::verb method;
    // Begins with a slash; a segment in braces, as in "/api/users/me/sessions/{id}", stands for any
    // one segment that is not empty. Must outlive the router.
    std::string_view pattern;
};

} // namespace countersign::net
