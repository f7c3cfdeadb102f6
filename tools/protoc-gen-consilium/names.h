// How names of the contract become names of C++, JSON and documents.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace consilium::generator {

std::string snake_case(std::string_view camel);   // CreateClient -> create_client
std::string upper_snake(std::string_view camel);  // UserStatus -> USER_STATUS
std::string camel_case(std::string_view snake);   // first_name, IN_PROGRESS -> FirstName, InProgress
std::string lower_camel(std::string_view snake);  // first_name -> firstName
std::string kebab_case(std::string_view snake);   // IN_PROGRESS -> in-progress
std::string cpp_identifier(std::string name);     // `delete` -> `delete_`

std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string replace_all(std::string text, std::string_view what, std::string_view with);
// A C++ or TypeScript string literal.
std::string quoted(std::string_view text);

}  // namespace consilium::generator
