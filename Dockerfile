# A machine on which the README's two commands run: docker build -t fixed-point-kws . && docker run fixed-point-kws
# With --build-arg DEBIAN=13 on Debian 13, which has Python 3.13: set-up then fetches 3.12, and where it can't goes on with
# that, for which CMSIS-DSP's package is compiled (cmake, g++, python3-dev).
ARG DEBIAN=12
FROM debian:${DEBIAN}
RUN apt-get update && apt-get install -y --no-install-recommends \
      git make python3 python3-venv curl ca-certificates gcc libc6-dev cmake g++ python3-dev \
      gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm gcc-riscv64-unknown-elf \
      picolibc-riscv64-unknown-elf qemu-system-misc emscripten chromium npm \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /project
COPY . .
RUN make setup
CMD ["make", "demo"]
