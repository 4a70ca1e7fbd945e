"""Generated C of a case with what its run must give: a program among many."""

import dataclasses
from typing import Any

from export.fuzzing.case import Case
from export.model.integer_model import IntegerModel
from export.plan import Plan
from export.plan.stream import StreamPlan
from export.source import model_source, stream_source


@dataclasses.dataclass(frozen=True)
class Program:
    """A network on one window, or on a stream.

    Attributes:
      check: what is compared, such as `C fast`.
      case: the model and its inputs.
      files: the generated C, name -> text.
      inputs: all calls' codes.
      calls: how many.
      kernels: functions of the engine that it calls, one per layer.
      sums: expected CRC-32 of the layers, then of the logits.
      memory: bytes that it needs: output, arena, state, codes.
      stream: whether it is on a stream.
    """

    check: str
    case: Case
    files: dict[str, str]
    inputs: bytes
    calls: int
    kernels: tuple[str, ...]
    sums: tuple[int, ...]
    memory: dict[str, int]
    stream: bool

    @property
    def source(self) -> str:
        """Name of the C file."""
        return stream_source.SOURCE if self.stream else model_source.SOURCE

    @property
    def text(self) -> str:
        """The C in which programs differ: equal ones need not be run twice."""
        return self.files[self.source]

    def difference(self, sums: list[int], whole: bool) -> str:
        """What is wrong with a run that gave these checksums; empty where nothing is."""
        if not whole:
            return "it writes behind its output or its arena"
        if len(sums) != len(self.sums):
            return f"{len(sums)} checksums, expected {len(self.sums)}"
        places = [*self._layers, "the logits"]
        for place, found, expected in zip(places, sums, self.sums, strict=True):
            if found != expected:
                return f"{place}: codes differ from the interpreter's"
        return ""

    @property
    def _layers(self) -> list[str]:
        layers = [] if self.stream else zip(self.case.model.layers, self.kernels, strict=True)
        return [f"layer {layer.name} ({layer.op}, {kernel})" for layer, kernel in layers]

    def entry(self, name: str) -> str:
        """C that makes it the program `name`, behind its own source."""
        begin = ""
        if self.stream:
            begin = (
                f"static void {name}_begin(void *state) {{\n    fxp_stream_init(state);\n}}\n"
                f"static void {name}_next(void *state, const int8_t *input, int8_t *output, void *arena) {{\n"
                "    fxp_stream_step(state, input, output, arena);\n}\n"
            )
        fields = {"calls": self.calls} | (_stream_fields(name) if self.stream else _window_fields(self.case.model))
        values = "".join(f"    .{field} = {value},\n" for field, value in fields.items())
        return f"{begin}extern const many_program {name};\nconst many_program {name} = {{\n{values}}};\n"


def _window_fields(model: IntegerModel) -> dict[str, Any]:
    return {
        "input_bytes": "FXP_MODEL_INPUT_BYTES",
        "output_bytes": "FXP_MODEL_OUTPUT_BYTES",
        "arena_bytes": "FXP_MODEL_ARENA_BYTES",
        "codes_bytes": _largest_output(model),
        "layer_count": "FXP_MODEL_LAYER_COUNT",
        "layers": "fxp_model_layers",
        "invoke": "fxp_model_invoke",
        "unpack": "fxp_model_unpack",
    }


def _stream_fields(name: str) -> dict[str, Any]:
    return {
        "input_bytes": "FXP_STREAM_INPUT_BYTES",
        "output_bytes": "FXP_STREAM_OUTPUT_BYTES",
        "arena_bytes": "FXP_STREAM_ARENA_BYTES",
        "state_bytes": "sizeof(fxp_stream_state)",
        "init": f"{name}_begin",
        "step": f"{name}_next",
    }


def _largest_output(model: IntegerModel) -> int:
    return max(height * width * channels for height, width, channels in (layer.output_shape for layer in model.layers))


def on_window(case: Case, steps: Plan) -> Program:
    """The network on one window by a plan. Raises `SourceError`."""
    memory = dict(output=len(case.model.labels), arena=steps.arena_bytes, state=0, codes=_largest_output(case.model))
    return Program(
        f"C {steps.profile}",
        case,
        model_source.of_plan(case.model, steps),
        case.codes.tobytes(),
        len(case.codes),
        tuple(step.kernel.function for step in steps.steps),
        case.window_sums,
        memory,
        stream=False,
    )


def on_stream(case: Case, steps: StreamPlan) -> Program:
    """The streaming network by a plan. Raises `SourceError`."""
    frames = case.stream_frames(steps.frames_per_call)
    output = steps.steps_per_call * len(case.model.labels)
    memory = dict(output=output, arena=steps.arena_bytes, state=steps.state_bytes, codes=0)
    return Program(
        f"stream {steps.profile}",
        case,
        stream_source.of_plan(case.model, steps),
        frames.tobytes(),
        len(frames) // steps.frames_per_call,
        tuple(item.step.kernel.function for item in steps.steps),
        (case.stream_sum(steps.frames_per_call),),
        memory,
        stream=True,
    )
