"""Commands of the documents that no test runs as they stand, by what they need that is not there."""

_NEEDED = {
    "that nothing runs the tests yet: it is what does (tests/docs/test_every_command.py)": ("make test",),
    "root and the network; on machines made for it: tests/scripts/test_setup.py": ("make setup",),
    "minutes, for six commands that are killed; with other numbers: tests/scripts/test_kills.py": (
        "make kill",
        "python -m scripts.kills --kills=40 --seed=3 --tasks=cache,tune_detector,convert",
    ),
    "minutes, for tests in copies of the project; with a small project: tests/scripts/test_mutants.py": (
        "make mutants",
        "python -m scripts.mutants --count=50 --seed=0 --json=mutants.json",
        "python -m scripts.mutants --modules=quant/formats,export/plan/scale.py",
    ),
    "Atheris, which make test does not install; what it calls: tests/scripts/test_fuzz_targets.py": (
        "make fuzz-readers SECONDS=3600 FUZZ_DIR=runs/fuzz",
        "python -m scripts.fuzz_readers --target=report,bundle --seconds=60",
    ),
    "a microphone; with a stand-in: tests/kws/evaluation/streaming/test_stream.py": (
        "python -m kws.stream --bundle=B --microphone",
        "python -m kws.stream --bundle=models/w4a4 --microphone",
    ),
    "a microphone; with a stand-in: tests/kws/recorder/test_record.py": (
        "python -m kws.record --words=lamp,door --microphone --speaker=anna --data_dir=DIR",
    ),
    "a cluster of machines; with processes for machines: tests/kws/sweeps/test_cluster.py": (
        "python -m kws.sweep --ray_address=HOST:6379 --sweep_dir=s3://bucket/sweep --processes=4 "
        "--dataset=speech_commands --data_dir=/data/speech_commands --cache_dir=/local/kws --scratch_dir='$TMPDIR'",
    ),
    "a cluster of machines; with processes for machines: tests/kws/datasets/recordings/test_cluster_reading.py": (
        "python -m kws.train --reading_cluster=HOST:6379 --dataset=speech_commands --data_dir=/shared/speech_commands "
        "--run_dir=R",
    ),
    "several machines; with processes for machines: tests/kws/training/loop/test_worker_group.py": (
        """export TF_CONFIG='{"cluster": {"worker": ["host0:2222", "host1:2222"]}, """
        """"task": {"type": "worker", "index": 0}}'""",
        "python -m kws.train --dataset=speech_commands --data_dir=/shared/speech_commands --run_dir=/shared/runs/r",
    ),
    "tflite-micro's sources, and the network; with a stand-in: tests/microcontroller/rivals/test_tflm_engine.py": (
        "make -f tensorflow/lite/micro/tools/make/Makefile TARGET=cortex_m_generic TARGET_ARCH=cortex-m4 "
        "OPTIMIZED_KERNEL_DIR=cmsis_nn CORE_OPTIMIZATION_LEVEL=-O2 microlite",
        "TFLM_DIR=../tflite-micro python -m microcontroller.bench --bundle=B --engine=tflm,cmsis_nn",
    ),
}
NOT_RUN = {text: needed for needed, texts in _NEEDED.items() for text in texts}
"""Text of a command -> what it needs, and the test of what it does."""
