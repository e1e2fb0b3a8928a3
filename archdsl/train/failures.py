"""Why a training ends before its time."""


class TrainingFailed(Exception):
    """The model cannot be trained so: what went wrong, and when."""


class Interrupted(KeyboardInterrupt):
    """Somebody has stopped the training between two steps."""


_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory")


def is_memory(error: Exception) -> bool:
    """Whether an error says that there is not enough memory."""
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in _MEMORY)
