import json

from hypothesis import given
from hypothesis import strategies as st

from pipeline.metadata.provenance import (
    MAX_BYTES,
    Provenance,
    Repair,
    from_bytes,
    to_bytes,
)


def repair(seed: int = 1, engine: str = "classical") -> Repair:
    return Repair(
        kinds=("hand/extra-digit",),
        box=(1, 2, 30, 40),
        engine=engine,
        seed=seed,
        strength=0.75,
        mode="only-masked",
        cost_before=0.9,
        cost_after=0.1,
    )


def test_an_entry_is_read_back_as_it_was_written() -> None:
    entry = Provenance(version="0.1.0", passes=2, repairs=(repair(), repair(2)))

    assert from_bytes(to_bytes(entry)) == entry


def test_an_entry_is_plain_json_that_anybody_can_read() -> None:
    entry = Provenance(version="0.1.0", passes=2, repairs=(repair(),))

    assert json.loads(to_bytes(entry))["repairs"][0]["kinds"] == ["hand/extra-digit"]


def test_the_oldest_repairs_make_room_and_are_counted() -> None:
    repairs = tuple(repair(seed) for seed in range(2000))

    text = to_bytes(Provenance(version="0.1.0", passes=9, repairs=repairs))

    again = from_bytes(text)
    assert again is not None
    assert len(text) <= MAX_BYTES
    assert again.passes == 9
    assert again.repairs[-1].seed == 1999
    assert again.omitted + len(again.repairs) == 2000


def test_what_a_newer_version_added_is_passed_over() -> None:
    again = from_bytes(b'{"version": "9", "passes": 4, "mood": "good"}')

    assert again == Provenance(version="9", passes=4)


def test_a_model_folder_whose_name_is_not_utf_8_can_be_recorded() -> None:
    name = b"/models/\xff".decode("utf-8", "surrogateescape")
    entry = Provenance(version="1", passes=1, repairs=(repair(engine=name),))

    assert from_bytes(to_bytes(entry)) == entry


@given(st.binary(max_size=300))
def test_garbage_is_no_entry(garbage: bytes) -> None:
    found = from_bytes(garbage)

    assert found is None or found.passes >= 0


def test_an_entry_that_is_too_long_or_too_deep_is_no_entry() -> None:
    assert from_bytes(b" " * (MAX_BYTES + 1)) is None
    assert from_bytes(b'{"version":"1","passes":1,"x":' + b"[" * 50_000) is None
    assert from_bytes(b'{"version":"1","passes":-1}') is None
