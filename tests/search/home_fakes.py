"""The evaluator of `fakes`, run by the driver itself."""

from archdsl.search.contract import Part, Place
from tests.search.fakes import READS_ARCHITECTURE as READS_ARCHITECTURE
from tests.search.fakes import evaluate as evaluate
from tests.search.fakes import gives as gives
from tests.search.fakes import offers as offers
from tests.search.fakes import prepare as prepare

NAME = "tests.search.home_fakes"
PLACE: Place = "here"


def fake_at_home(**settings: object) -> Part:
    """As `fake` takes them."""
    return Part(NAME, settings)
