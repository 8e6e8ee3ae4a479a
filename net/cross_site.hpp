// Cookies come with whatever a browser sends, also when another site made it send it. Then they are
// nobody's credential. (Fetch Metadata Request Headers, W3C; Origin, RFC 6454; OWASP ASVS 3.5.1.)
#pragma once

#include "net/request.hpp"
#include "net/services.hpp"

#include <string>
#include <string_view>

namespace countersign::net {

// Whether another site made the browser send this. Sec-Fetch-Site says so, and where a browser does
// not send that, an Origin that is neither the application's (`own_origin`, e.g.
// "https://app.example") nor that of the request's Host. A request with neither field comes from a
// program, or is one that browsers send of their own.
[[nodiscard]] bool is_from_another_site(const request& request, std::string_view own_origin);

// The origin of a URI, as a browser says it: its scheme, host and port in lower case.
[[nodiscard]] std::string origin_of(std::string_view uri);

// The cookie's value, if it counts as a credential; else empty.
[[nodiscard]] std::string_view credential_cookie(const services& services, const request& request,
                                                 std::string_view name);

} // namespace countersign::net
