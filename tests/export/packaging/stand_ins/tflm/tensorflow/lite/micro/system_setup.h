// What a package's C++ calls of TensorFlow Lite Micro's set-up.
#pragma once

namespace tflite {
void InitializeTarget();
}
