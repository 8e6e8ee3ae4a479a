#include "app/problem.hpp"

#include <stdexcept>

namespace countersign::app {

void throw_exception_from_error(const problem& error, const boost::source_location& where) {
    throw std::logic_error("a result without a value was read as if it had one: " + error.sentence +
                           " at " + where.to_string());
}

} // namespace countersign::app
