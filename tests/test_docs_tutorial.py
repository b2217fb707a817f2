"""Whoever follows docs/tutorial.md from an empty folder sees what the page shows."""

from pathlib import Path

from tests.support.transcript import Command, Edit, shows, steps
from tests.support.tutorial import INSTALLED, PAGE, SERVER, classroom, logged

TEXT = PAGE.read_text(encoding="utf-8")
AGAIN = "if that is right: python -m tests.support.tutorial"


def test_every_step_of_the_tutorial_shows_what_it_says(tmp_path: Path) -> None:
    awaited = list(logged(TEXT))
    assert awaited
    with classroom(tmp_path) as reader:
        for step in steps(TEXT):
            while awaited and awaited[0][0] < step.line:
                assert reader.says(awaited.pop(0)[1]), reader.log.read_text()
            if isinstance(step, Edit):
                step.apply(reader.folder)
                continue
            ending = reader.run(step, reader.folder)
            where = f"docs/tutorial.md:{step.line}: {step.text}\n" + "\n".join(ending.shown)
            assert ending.code == step.code, where
            if step.shown is not None:
                assert shows(step.shown, ending.shown), f"{where}\n{AGAIN}"


def test_what_the_test_does_in_its_own_way_is_on_the_page() -> None:
    typed = [step.text for step in steps(TEXT) if isinstance(step, Command)]
    assert typed[:3] == [*INSTALLED, SERVER]
