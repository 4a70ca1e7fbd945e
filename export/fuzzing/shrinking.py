"""The smallest model that still fails: one change after the other, kept where the same check still fails."""

from export.fuzzing import smaller_models
from export.fuzzing.tally import Check, Failure, Tally

_MOST_TRIALS = 400


def smallest(failure: Failure, check: Check, most_trials: int = _MOST_TRIALS) -> Failure:
    """Tries at most so many smaller models."""
    trials, shrunk = 0, True
    while shrunk:
        shrunk = False
        for case in smaller_models.of(failure.case):
            trials += 1
            if trials > most_trials:
                return failure
            if found := [one for one in check([case], Tally(), failure.check) if one.check == failure.check]:
                failure, shrunk = found[0], True
                break
    return failure
