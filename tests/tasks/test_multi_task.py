"""Several tasks on one body: gradients, what is saved, and recipes that cannot be."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tasks.parts import BODY, batch_of, group_task, multi_task, single_task
from torch import Tensor
from training.drawn_parts import write_multi_task_recipe, write_parts

from hrnet.nn.exchange import Upsampling
from hrnet.tasks.multi_task import MultiTask, build_shared_body, global_index, local_index
from hrnet.tasks.multi_task_recipe import MultiTaskData, MultiTaskRecipe
from hrnet.tasks.recipe_reading import load_recipe, recipe_from_dict
from hrnet.tasks.table import RECIPES


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "multi_task", MultiTaskRecipe)


@pytest.fixture(scope="module")
def task() -> MultiTask:
    return multi_task(single=single_task(), group=group_task())


def gradients(task: MultiTask, part: str) -> dict[str, Tensor]:
    task.zero_grad()
    task.losses(batch_of(task.parts[part], part))["total"].backward()  # pyright: ignore
    return {name: parameter.grad for name, parameter in task.named_parameters() if parameter.grad is not None}


def test_every_part_trains_the_body_and_its_own_head(task: MultiTask) -> None:
    body = {f"network.backbone.{name}" for name, _ in task.network.backbone.named_parameters()}  # pyright: ignore
    for part, other in (("single", "group"), ("group", "single")):
        reached = gradients(task.train(), part)
        assert body <= reached.keys()
        assert all(bool(reached[name].abs().sum() > 0) for name in body)
        assert {name.split(".")[2] for name in reached if ".heads." in name} == {part}
        assert not any(f".heads.{other}." in name for name in reached)


def test_losses_are_named_and_weighted() -> None:
    parts = {"single": single_task(), "group": group_task()}
    task = MultiTask(build_shared_body(BODY, parts), BODY, parts, {"group": 3.0}).eval()
    losses = task.losses(batch_of(parts["group"], "group"))
    assert set(losses) == {"group/loss", "group/heatmap_0", "group/heatmap_1", "group/push", "group/pull", "total"}
    torch.testing.assert_close(losses["total"], 3 * losses["group/loss"])
    losses = task.losses(batch_of(parts["single"], "single"))
    assert losses["total"] == losses["single/loss"]


def test_findings_of_parts_do_not_meet(task: MultiTask) -> None:
    with torch.no_grad():
        found = [task.eval().validate(batch_of(task.parts[part], part)).found for part in task.parts]  # pyright: ignore
    assert [sorted(one) for one in found] == [[0, 2], [1, 3]]
    assert [local_index(global_index(7, number, 3), 3) for number in range(3)] == [(0, 7), (1, 7), (2, 7)]


def test_the_body_is_saved_and_counted_once(task: MultiTask) -> None:
    names = list(task.state_dict())
    assert names == [f"network.{name}" for name in task.network.state_dict()]
    assert sum(name.endswith("layer1.0.conv1.weight") for name in names) == 1
    again = copy.deepcopy(task)  # as the moving average does
    with torch.no_grad():
        for parameter in again.network.parameters():
            parameter.zero_()
        assert again.parts["single"].network(torch.randn(1, 3, 64, 64)).abs().max() == 0  # pyright: ignore
        assert task.eval().parts["single"].network(torch.randn(1, 3, 64, 64)).abs().max() > 0  # pyright: ignore


def test_parts_compute_what_the_model_does(task: MultiTask) -> None:
    x = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        outputs = task.eval().network(x)
        for name, part in task.parts.items():
            torch.testing.assert_close(part.network(x), outputs[name])  # pyright: ignore


def test_v1_and_v2_heads_need_a_word_about_the_body() -> None:
    parts = {"pose": single_task(), "face": single_task("face_hrnetv2_w18_small_v1")}
    with pytest.raises(ValueError, match=r"pose nearest, face bilinear.*say model\.upsampling"):
        build_shared_body(BODY, parts)
    with pytest.raises(ValueError, match="did you mean 'bilinear'"):
        build_shared_body(BODY, parts, "biliner")
    body = build_shared_body(BODY, parts, "bilinear")
    assert (body.spec.branches, body.spec.upsampling) == ((0, 1, 2, 3), Upsampling("bilinear"))
    task = MultiTask(body, BODY, parts)
    for name in parts:
        reached = gradients(task, name)
        unused = [key for key in reached if not bool(reached[key].abs().sum() > 0)]
        assert unused == []


def test_other_bodies() -> None:
    with pytest.raises(ValueError, match=r"parts\.single: PoseHRNet has not the body hrnet_w18:"):
        build_shared_body("hrnet_w18", {"single": single_task()})
    with pytest.raises(ValueError, match=r"parts\.single: PoseResNet has no HRNet body"):
        build_shared_body(BODY, {"single": single_task("pose_resnet50")})
    with pytest.raises(ValueError, match="no bare body"):
        build_shared_body("pose_hrnet_w18_small_v1", {"single": single_task()})


def test_what_is_frozen_stays() -> None:
    parts = {"single": single_task(), "group": group_task()}
    task = MultiTask(build_shared_body(BODY, parts), BODY, parts, freeze=("stem", "stage1")).train()
    before = {name: tensor.clone() for name, tensor in task.network.backbone.state_dict().items()}  # pyright: ignore
    reached = gradients(task, "single")
    assert not any(name.startswith(("network.backbone.conv1", "network.backbone.layer1")) for name in reached)
    after = task.network.backbone.state_dict()  # pyright: ignore
    changed = {name.split(".")[0] for name, tensor in before.items() if not torch.equal(tensor, after[name])}
    assert "stage2" in changed
    assert not changed & {"bn1", "bn2", "layer1"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    write_parts(folder, people=4, groups=4)
    return folder


def test_recipes_reach_into_their_parts(folder: Path) -> None:
    inline = {"recipe": {"task": "pose", "model": {"architecture": "pose_hrnet_w18_small_v1"}, "data": {"train": []}}}
    named = {"recipe": "pose/coco_hrnet_w32_256x192", "changes": ["model.start_from=null", "data.root=/data"], "weight": 2}
    path = write_multi_task_recipe(folder, parts={"inline": inline, "named": named})
    recipe = load_recipe(path, ["parts.named.recipe.batch_size=7", "parts.inline.share=3", "seed=5"])
    assert isinstance(recipe, MultiTaskRecipe)
    parts = recipe.parts
    assert (parts["named"].recipe.batch_size, parts["named"].recipe.data.root, parts["named"].weight) == (7, "/data", 2)
    assert parts["inline"].share == 3
    again = load_recipe(_written(folder / "again.yaml", recipe.to_yaml()))
    assert again == recipe
    assert "batch_size: 7" in recipe.to_yaml()
    assert recipe.to_yaml().count("epochs:") == 1


def test_the_recipe_that_comes_with_the_package() -> None:
    recipe = load_recipe("multi_task/pose_segment_face_w18_small_v1", ["parts.pose.recipe.data.root=/data"])
    assert isinstance(recipe, MultiTaskRecipe)
    assert [part.recipe.task for part in recipe.parts.values()] == ["pose", "segmentation", "face"]
    assert recipe.parts["pose"].recipe.data.root == "/data"
    assert recipe_from_dict(yaml.safe_load(recipe.to_yaml())) == recipe


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("parts.single.recipe.epochs=3", r"parts\.single\.recipe: epochs is for the whole run"),
        ("parts.single.recipe.data.workers=3", r"parts\.single\.recipe: data\.workers is for the whole run"),
        ("parts.single.recipe.model.codek={}", r"parts\.single\.recipe\.model: unknown key 'codek'"),
        ("parts.single.wait=2", r"parts\.single: unknown key 'wait'; did you mean 'weight'"),
        ("parts.single.weight=0", "weight must be a positive number"),
        ("parts.single.share=-1", "share must be a positive number"),
        ("parts.single.recipe.model.start_from=x.pth", r"single starts from x\.pth.*say model\.start_from of the whole run"),
        ("parts.single.recipe.task=multi_task", r"parts\.single"),
        ("monitor=groups", "no part 'groups'; did you mean 'group'"),
        ("batches=1", "at least 1 for each of the 2 parts"),
        ("batch_size=4", "each part has its own"),
        ("data.root=/data", "said by each part"),
        ("devices=2", "ddp_find_unused_parameters_true"),
        ("model.freeze=[stem]", "would stay random"),
        ("model.upsampling=cubic", "'nearest', 'bilinear'"),
        ("parts.single=pose", "must be a mapping with the key recipe"),
    ],
)
def test_refused_recipes(override: str, said: str, folder: Path) -> None:
    with pytest.raises(ValueError, match=said):
        load_recipe(write_multi_task_recipe(folder), [override])


def test_names_of_parts(folder: Path) -> None:
    for name in ("a.b", "keys"):
        with pytest.raises(ValueError, match="must be a Python identifier"):
            load_recipe(write_multi_task_recipe(folder, parts={name: {"recipe": "single/tiny.yaml"}}))
    with pytest.raises(ValueError, match="parts must be a mapping"):
        recipe_from_dict({"task": "multi_task", "model": {"architecture": BODY}, "parts": []})
    with pytest.raises(FileNotFoundError, match=r"single/tinny\.yaml"):
        load_recipe(write_multi_task_recipe(folder, parts={"single": {"recipe": "single/tinny.yaml"}}))


def data_of(folder: Path, *overrides: str, **changes: Any) -> MultiTaskData:
    recipe = load_recipe(write_multi_task_recipe(folder, **changes), overrides)
    assert isinstance(recipe, MultiTaskRecipe)
    return recipe.load_data()


def test_the_first_part_keeps_the_best_checkpoint_unless_told(folder: Path) -> None:
    assert data_of(folder).monitor == ("single/pck", "max")
    assert data_of(folder, "monitor=group").monitor == ("group/ap", "max")
    assert data_of(folder, "parts.single.recipe.data.val=null").monitor == ("group/ap", "max")
    with pytest.raises(ValueError, match="single has nothing to validate on"):
        data_of(folder, "parts.single.recipe.data.val=null", "monitor=single")
    assert data_of(folder).sheet == (6, 2, (320, 320))


def test_each_part_is_measured_by_its_own_data(folder: Path) -> None:
    data = data_of(folder)
    people = data.parts["single"].val_records  # pyright: ignore
    found = {global_index(index, 0, 2): (record.keypoints, record.visibility) for index, record in enumerate(people)}
    assert data.measure(found) == {"single/pck": 1.0}
    assert data.draw(0, next(iter(found.values()))) is not None
