"""Random numbers that belong to a place in a training, so that a resumed one draws what an uninterrupted one draws."""

from hashlib import blake2b


def seed_for(seed: int, what: str, number: int) -> int:
    """A seed of 63 bits for one purpose, such as the order of an epoch, under the seed of the whole."""
    digest = blake2b(f"{seed}/{what}/{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1
