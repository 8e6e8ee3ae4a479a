// As asynchronous.hpp, of the test programs.
#pragma once

#include "asynchronous.hpp"

#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>
