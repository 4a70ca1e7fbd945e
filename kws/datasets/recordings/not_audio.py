"""What is wrong with a file of sound."""

from kws.datasets.dataset_error import DatasetError


class NotAudio(DatasetError):
    """A file that is no usable recording; the message is the reason, without the file's name."""


class NotRead(NotAudio):
    """Sound perhaps, but of a kind that is not read: another program has to convert it."""
