#include "net/families/clara/handlers.hpp"
#include "net/families/clara/view.hpp"

#include <utility>

namespace countersign::net::clara {

handled health(call& call) {
    boost::json::object data{{"status", "healthy"}, {"service", call.with().app_name}};
    co_return success(200, "Health check successful.", std::move(data));
}

handled version(call& call) {
    boost::json::object data{{"version", call.version()}};
    co_return success(200, "Version check successful.", std::move(data));
}

} // namespace countersign::net::clara
