// Random messages of the sample contract, repeatable from a seed. Every text is valid UTF-8, every value in its bounds
// where JSON needs it.
#pragma once

#include "base/random.h"
#include "consilium/sample/v1/sample.h"

namespace consilium::sample::v1 {

Scalars random_scalars(RandomSource& random);
Formats random_formats(RandomSource& random);
Comment random_comment(RandomSource& random, int depth);
Document random_document(RandomSource& random);

}  // namespace consilium::sample::v1
