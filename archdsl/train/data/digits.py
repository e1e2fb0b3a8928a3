"""Handwritten digits that come with the package: small enough to train on in seconds."""

import gzip

import torch

from archdsl.parts import Part
from archdsl.resources import resource
from archdsl.train.data.contract import DataSet, InMemory, Wanted, numbered

SIDE = 8
BRIGHTEST = 16


def load(_part: Part, _wanted: Wanted) -> DataSet:
    """Each line of the file is a picture row by row, then its label."""
    with gzip.open(resource("train/data/digits.csv.gz"), "rt", encoding="ascii") as file:
        values = torch.tensor([[int(float(number)) for number in line.split(",")] for line in file])
    images = values[:, :-1].reshape(-1, 1, SIDE, SIDE) / BRIGHTEST
    return DataSet(InMemory(images, values[:, -1]), None, None, numbered(10), 1, (SIDE, SIDE))
