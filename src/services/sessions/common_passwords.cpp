#include "services/sessions/common_passwords.h"

#include <algorithm>
#include <array>

namespace consilium::sessions {
namespace {

// What is mere repetition or sequence is refused by rule and not listed.
constexpr std::array kCommon = std::to_array<std::string_view>({
    "0123456789a",   "0987654321",     "1234567890",    "12345678900",      "1029384756",   "1111122222",    "1122334455",
    "112233445566",  "11223344556677", "1212312121",    "123123123a",       "1231234567",   "123321123321",  "1234554321",
    "1234567890a",   "1234567890q",    "1234567891",    "12345678910",      "123456789a",   "123456789abc",  "123456789q",
    "12345qwert",    "1234qwerasdf",   "1234qwert",     "1357924680",       "147258369a",   "1472583690",    "1q2w3e4r5t",
    "1q2w3e4r5t6y",  "1qaz2wsx3edc",   "1qazxsw23edc",  "789456123a",       "7894561230",   "9876543210a",   "aa12345678",
    "abc123456789",  "abcd123456",     "abcd1234567",   "abcd12345678",     "abcdef123456", "adgjmptw12",    "admin12345",
    "admin123456",   "adminadmin",     "administrator", "asdasd123456",     "asdf123456",   "asdfasdfasdf",  "asdfghjkl1",
    "asdfghjkl123",  "asdfghjkl;",     "baseball123",   "basketball",       "changeme123",  "chocolate1",    "consilium1",
    "consilium123",  "doctor12345",    "dragon12345",   "football12",       "football123",  "hello12345",    "helloworld",
    "helloworld1",   "iloveyou12",     "iloveyou123",   "iloveyou1234",     "internet123",  "jordan1234",    "letmein123",
    "letmein1234",   "liverpool1",     "login12345",    "manchester",       "master1234",   "michael123",    "monkey1234",
    "motherlode",    "mynameisbob",    "naruto1234",    "newpassword",      "p@ssw0rd123",  "p@ssword123",   "passw0rd12",
    "passw0rd123",   "password01",     "password10",    "password11",       "password12",   "password123",   "password1234",
    "password12345", "password1!",     "password123!",  "passwordpassword", "pokemon123",   "princess12",    "princess123",
    "q1w2e3r4t5",    "q1w2e3r4t5y6",   "qazwsxedc1",    "qazwsxedc123",     "qazwsxedcrfv", "qwe123qwe123",  "qweasdzxc1",
    "qweasdzxc123",  "qwer123456",     "qwerasdfzxcv",  "qwert12345",       "qwert123456",  "qwerty1234",    "qwerty12345",
    "qwerty123456",  "qwerty1234567",  "qwertyqwerty",  "qwertyuiop",       "qwertyuiop1",  "qwertyuiop123", "qwertyuiop[]",
    "samsung123",    "secret1234",     "soccer1234",    "starwars123",      "sunshine12",   "sunshine123",   "superman12",
    "superman123",   "supervisor1",    "test123456",    "testtest123",      "trustno123",   "unbelievable",  "user123456",
    "welcome123",    "welcome1234",    "yourpassword",  "zaq12wsxcde3",     "zxcvbnm,./",   "zxcvbnm123",    "zxcvbnm1234",
});

}  // namespace

bool is_common_password(std::string_view password) { return std::find(kCommon.begin(), kCommon.end(), password) != kCommon.end(); }

}  // namespace consilium::sessions
