// What a package's C++ calls of the .tflite's schema.
#pragma once

namespace tflite {
struct Model;
const Model *GetModel(const void *data);
} // namespace tflite
