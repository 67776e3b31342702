"""Pictures and tables in the documentation are those of the code, and its examples run."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch

from hrnet.models import build_model
from hrnet.models.variants import FAMILIES, HRNET_SPECS, Family

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
COMMAND = "python scripts/draw_networks.py"
# The cheapest variants of each family; one family is counted completely.
COUNTED = ("w18_small_v1", "50", "2", "4")
COMPLETE = "pose_hrnet_*"


def part(name: str) -> Any:
    """A module of the script's."""
    return importlib.import_module(f"network_drawing.{name}")


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def cells(table: str) -> list[list[str]]:
    """Columns of a Markdown table, without the line under its head."""
    rows = [line.strip("|").split("|") for number, line in enumerate(table.splitlines()) if number != 1]
    return [[cell.strip() for cell in column] for column in zip(*rows, strict=True)]


def test_pictures_are_up_to_date(script: Any) -> None:
    for name in script.PICTURES_BY_NAME:
        kept = (DOCS / "images" / "networks" / f"{name}.svg").read_text(encoding="utf-8")
        assert script.picture_of(name) == kept, f"{name}.svg is not what the code draws now: {COMMAND} {name}"
        ElementTree.fromstring(kept)


def test_every_picture_is_shown_and_every_family_has_its_place(script: Any) -> None:
    text = page("networks.md")
    shown = set(re.findall(r"\(images/networks/(\w+)\.svg\)", text))
    assert shown == set(script.PICTURES_BY_NAME)
    assert shown == {path.stem for path in (DOCS / "images" / "networks").iterdir()}
    for family in FAMILIES:
        assert f"<!-- table {family.name} -->" in text


def test_pictures_show_what_is_in_the_spec(script: Any) -> None:
    """Blocks, streams and exchanges are counted in the drawing, by another way than it was made."""
    svg = part("svg")
    drawing, spec = script.picture_of("pose_hrnet"), HRNET_SPECS["w32"]
    for branch, stride in enumerate((4, 8, 16, 32)):
        modules = sum(count for stage, count in enumerate(spec.modules, 2) if branch < stage)
        legend = 2 if branch == 0 else 0
        blocks = modules * spec.blocks + (spec.stage1_blocks if branch == 0 else 0)
        assert len(re.findall(rf'fill="{svg.BY_STRIDE[stride]}" rx="1.5"', drawing)) == blocks + legend
        assert f">{spec.channels[branch]}</text>" in drawing
    # Every module but the last gives every branch; the last gives the finest. Two new branches; two steps of the stem.
    pairs = [stage * (stage - 1) // 2 for stage, count in enumerate(spec.modules, 2) for _ in range(count)]
    assert len(re.findall(f'<path [^>]*stroke="{svg.UP}"', drawing)) == sum(pairs[:-1]) + 3 + 1
    assert len(re.findall(f'<path [^>]*stroke="{svg.DOWN}"', drawing)) == sum(pairs[:-1]) + 3 + 2 + 1


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_tables_of_sizes_are_up_to_date(script: Any, family: Family) -> None:
    tables = part("tables")
    kept = cells(tables.marked(page("networks.md"), family.name)[1])
    assert sorted(column[0] for column in kept[1:]) == sorted(family.variants), COMMAND
    counted = cells(tables.table_of(family, None if family.name == COMPLETE else COUNTED))
    assert len(counted) > 1
    for column in counted:
        assert column in kept, COMMAND


def test_tables_of_checkpoints_are_up_to_date(script: Any) -> None:
    tables = part("tables")
    assert tables.marked(page("checkpoints.md"), "layouts")[1] == tables.layouts_table(), f"{COMMAND} --table"
    assert tables.marked(page("checkpoints.md"), "zoo")[1] == tables.zoo_table(), f"{COMMAND} --table"


def test_what_is_left_out_changes_no_shape_and_no_count(script: Any) -> None:
    count_of = part("tables").multiply_accumulates
    with torch.device("meta"), torch.no_grad():
        network = build_model("seg_hrnet_w18_small_v1_ocr").eval()
        x = torch.empty(1, 3, 100, 76)
        complete = network(x)
        with part("shapes_only").ShapesOnly():
            short = network(x)
            count = count_of(network, (100, 76))
    assert [level.shape for level in short] == [level.shape for level in complete]
    assert count == count_of(network, (100, 76))


@pytest.mark.parametrize("name", ["networks.md", "checkpoints.md"])
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "networks.md":
        pytest.importorskip("torchvision")
    monkeypatch.chdir(tmp_path)
    for file, architecture in (
        ("checkpoint.pth", "seg_hrnet_w18_small_v1"),
        ("pose.pth", "pose_hrnet_w18_small_v1"),
        ("simple.pth", "pose_resnet50"),
    ):
        if name == "checkpoints.md":
            torch.save({"state_dict": build_model(architecture).state_dict()}, file)
    values: dict[str, Any] = {}
    blocks = re.findall(r"^```python\n(.*?)^```", page(name), re.DOTALL | re.MULTILINE)
    assert len(blocks) > 3
    for block in blocks:
        if not block.startswith("# downloads"):
            exec(compile(block, name, "exec"), values)


def test_names_in_the_text_are_names(script: Any) -> None:
    """Networks, published checkpoints and files that the pages mention exist."""
    from hrnet.weights.zoo import zoo_entries

    text = page("networks.md") + page("checkpoints.md")
    for name in re.findall(r'load(?:_checkpoint)?\("([a-z]\w+\.[\w]+)"\)', text):
        assert name in zoo_entries() or name.endswith(".pth"), name
    for target in re.findall(r"\]\(([\w/]+\.md)\)", text):
        assert (DOCS / target).exists(), target
    headings = {re.sub(r"[^a-z0-9 -]", "", line.lower()).replace(" ", "-") for line in re.findall(r"^#+ (.*)$", text, re.M)}
    assert set(re.findall(r"\]\(#([\w-]+)\)", text)) <= headings
