"""Our Cedar engine answers as the official one does: made-up cases, and the corpus where it is there."""

import sys
from pathlib import Path

import pytest
from harness.gateway import BINARY

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Differential"))

import corpus  # noqa: E402
import differential  # noqa: E402
import oracle  # noqa: E402

CASES = 20_000
SEED = "countersign"
VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "cedar"


@pytest.mark.timeout(900)
def test_made_up_cases_are_answered_as_the_official_engine_answers_them(tmp_path):
    counts, disagreements = differential.compare(CASES, SEED, BINARY)
    differential.show(counts)
    differential.report(disagreements, BINARY, tmp_path)
    assert not disagreements
    assert differential.total(counts, "cases") >= CASES
    # Rubbish agrees with rubbish: enough of every outcome must have been compared.
    least = {
        "allow": 0.06,
        "deny": 0.2,
        "forbidden": 0.02,
        "valid": 0.1,
        "invalid": 0.08,
        "no policies": 0.1,
        "no entities": 0.05,
        "no schema": 0.05,
        "no request": 0.05,
    }
    found = {row: differential.total(counts, row) for row in least}
    assert not {row: count for row, count in found.items() if count < least[row] * CASES}
    erred = sum(differential.total(counts, f"{each} with errors") for each in ("allow", "deny", "forbidden"))
    assert erred > 0.05 * CASES


@pytest.mark.parametrize(
    ("ours", "differs"),
    [
        ({}, []),
        ({"decision": "deny"}, ["decision"]),
        ({"reasons": []}, ["reasons"]),
        ({"errors": ["policy1: no"]}, ["erred"]),
        ({"refused": "context"}, ["refused"]),
        ({"validation": {"passed": False, "errors": ["no"]}}, ["passed"]),
        ({"crashed": "exit status -11"}, ["crashed"]),
    ],
)
def test_a_wrong_answer_is_seen(ours, differs):
    line = {
        "id": 1,
        "policies": "permit (principal, action, resource); permit (principal, action, resource) when { false };",
        "schema": "entity U; action a appliesTo { principal: U, resource: U };",
        "principal": {"type": "U", "id": "a"},
        "action": {"type": "Action", "id": "a"},
        "resource": {"type": "U", "id": "a"},
    }
    answer = {"decision": "allow", "reasons": ["policy0"], "errors": [], "validation": {"passed": True, "errors": []}}
    assert differential.disagrees(line, {**answer, **ours}, oracle.answer(line)) == differs


@pytest.mark.skipif(not VECTORS.exists(), reason="the vectors are not beside the repository (../shared/vectors/cedar)")
@pytest.mark.timeout(300)
def test_the_hand_written_cases_are_answered_as_the_official_engine_answers_them():
    assert corpus.run(VECTORS, BINARY)
