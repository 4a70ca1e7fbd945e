"""Settings of one stage of the training loop."""

import dataclasses

from quant.qformat import QFormat


@dataclasses.dataclass(frozen=True)
class FitConfig:
    """Settings of one stage.

    Attributes:
      stage: its folder's name in the run.
      epochs, batch_size: of the stage.
      first_epoch: the stage's first epoch in the run's count, from which augmentation is drawn.
      learning_rate: the peak; linear warm-up over `warmup_epochs`, then cosine to zero.
      weight_decay: decoupled (AdamW), on kernels only.
      label_smoothing: share of the target spread over all classes.
      seed: of shuffling and masking.
      input_format: of the feature codes; None where features are values.
      distillation: share of the loss that is the distance to the teachers' posteriors; the rest is to the labels.
      classes: the class of each word that an example's label names; None where words are classes.
      untaught: words of which teachers are not asked: their label takes the place of the posteriors.
      word_loss: weight of the cross entropy of the second head, where a model has one for words.
      ema: momentum of the moving average of the weights, which the stage ends with; 0 for the weights themselves.
      stream_share: share of a batch's examples that are trained on as a stream hears them (`kws.models.in_a_stream`).
      step_parts: parts of a batch that are computed side by side (`kws.training.loop.step_parts`).
      begin, end: the part of the stage's epochs that is trained; `end` is None for all of the rest.
    """

    stage: str
    epochs: int
    first_epoch: int
    batch_size: int
    learning_rate: float
    warmup_epochs: float
    weight_decay: float
    label_smoothing: float
    seed: int
    input_format: QFormat | None
    distillation: float = 0.0
    classes: tuple[int, ...] | None = None
    untaught: tuple[int, ...] = ()
    word_loss: float = 0.0
    ema: float = 0.0
    stream_share: float = 0.0
    step_parts: int = 1
    begin: int = 0
    end: int | None = None
