"""Curves in the documentation are those of the logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from hrnet.weights import bundled_models

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", bundled_models())
def test_curves_are_up_to_date(script: Any, name: str) -> None:
    log = bundled_models()[name].with_suffix(".csv")
    drawn = script.draw(log)
    assert (ROOT / "docs" / "images" / "curves" / f"{log.stem}.svg").read_text(encoding="utf-8") == drawn
    assert f"curves/{log.stem}.svg" in log.with_suffix(".md").read_text(encoding="utf-8")


def test_every_value_has_its_point(script: Any, tmp_path: Path) -> None:
    log = tmp_path / "a.csv"
    log.write_text("run,epoch,train/loss,val/loss,val/miou\nx,0,1.0,,\nx,1,0.5,0.6,0.2\ny,0,0.4,0.5,0.3\n")
    lines = ElementTree.fromstring(script.draw(log)).iter("{http://www.w3.org/2000/svg}polyline")
    assert [len(line.attrib["points"].split()) for line in lines] == [3, 2, 2]
