"""What each verb hands to the library, and what it says and returns afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hrnet.cli import main
from hrnet.cli.progress import FEW, ProgressBar

StandIn = Callable[..., None]


class Recorder:
    """Callable that keeps its last arguments and gives a fixed answer."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.args: tuple[Any, ...] = ()
        self.kwargs: dict[str, Any] = {}
        self.calls = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.args, self.kwargs, self.calls = args, kwargs, self.calls + 1
        return self.answer


def summary(**changes: Any) -> SimpleNamespace:
    return SimpleNamespace(**({"found": 3, "pictures": 2, "notes": [], "failures": []} | changes))


def test_predict_hands_over_every_option(stand_in: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    predict = Recorder(summary(notes=["no detector: each picture is one person"]))
    stand_in("hrnet.inference.pose_prediction", predict_pose=predict)
    options = f"--model m --output {tmp_path} --preset fast --device cpu --batch-size 4 --detector none --threshold 0.4"
    options += " --track --smooth"
    assert main(["predict", "pose", "a.jpg", "b.jpg", *options.split()]) == 0
    assert predict.args == (["a.jpg", "b.jpg"],)
    del predict.kwargs["on_progress"]
    assert predict.kwargs == {
        "model": "m",
        "output": tmp_path,
        "preset": "fast",
        "device": "cpu",
        "batch_size": 4,
        "detector": "none",
        "threshold": 0.4,
        "track": True,
        "smooth": True,
    }
    out, err = capsys.readouterr()
    assert "3 people in 2 pictures" in out
    assert "no detector: each picture is one person" in err


@pytest.mark.parametrize(
    ("tokens", "boxes"),
    [
        (["--boxes", "found.json"], Path("found.json")),
        (["--boxes", "1,2,3.5,4"], [[1.0, 2.0, 3.5, 4.0]]),
        (["--boxes", "-1,2,3,4", "--boxes", "5,6,7,8"], [[-1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]),
    ],
)
def test_predict_boxes(tokens: list[str], boxes: object, stand_in: StandIn) -> None:
    predict = Recorder(summary())
    stand_in("hrnet.inference.pose_prediction", predict_pose=predict)
    assert main(["predict", "pose", "a.jpg", *tokens]) == 0
    assert predict.kwargs["boxes"] == boxes


def test_predict_camera_index_or_file_of_that_name(stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    predict = Recorder(summary())
    stand_in("hrnet.inference.pose_prediction", predict_pose=predict)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "1").touch()
    main(["predict", "pose", "0", "1"])
    assert predict.args == ([0, "1"],)


def test_predict_lists_failures_and_fails(stand_in: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    stand_in("hrnet.inference.pose_prediction", predict_pose=Recorder(summary(failures=[("bad.jpg", "truncated")])))
    assert main(["predict", "pose", "a.jpg", "bad.jpg"]) == 1
    assert "bad.jpg: truncated" in capsys.readouterr().err


def test_train(stand_in: StandIn) -> None:
    run = Recorder()
    stand_in("hrnet.training", train=run)
    changes = ["--set", "optimizer.lr=1e-3", "--set", "name=a=b"]
    assert main(["train", "pose/coco", *changes, "--output", "run", "--resume"]) == 0
    assert run.args == ("pose/coco", ["optimizer.lr=1e-3", "name=a=b"])
    assert run.kwargs == {"output": Path("run"), "resume": True}


def test_train_dry_run_prints_the_recipe(stand_in: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    run, resolve = Recorder(), Recorder(SimpleNamespace(to_yaml=lambda: "epochs: 3\n"))
    stand_in("hrnet.training", load_recipe=resolve, train=run)
    assert main(["train", "coco.yaml", "--set", "epochs=3", "--dry-run"]) == 0
    assert resolve.args == ("coco.yaml", ["epochs=3"])
    assert run.calls == 0
    assert capsys.readouterr().out == "epochs: 3\n"


@pytest.mark.parametrize(("tokens", "boxes"), [([], None), (["--boxes", "d.json"], Path("d.json"))])
def test_evaluate(
    tokens: list[str], boxes: object, stand_in: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save = Recorder(tmp_path)
    evaluate = Recorder(SimpleNamespace(summary=lambda: "AP 0.75", save=save))
    load = Recorder("predictor")
    stand_in("hrnet.inference.loading", load=load)
    stand_in("hrnet.evaluation.pose_files", evaluate_pose_files=evaluate)
    options = f"--model m --annotations val.json --images val --output {tmp_path}"
    assert main(["evaluate", "pose", *options.split(), *tokens]) == 0
    assert (load.args, load.kwargs) == (("m",), {"task": "pose", "device": "auto", "preset": "published", "batch_size": None})
    assert evaluate.args == ("predictor", Path("val.json"), Path("val"))
    asked = evaluate.kwargs
    assert (asked["boxes"], asked["whole_pictures"], asked["metrics"]) == (boxes, False, None)
    assert (asked["nms"], asked["absent"], asked["sigmas"]) == ("auto", "nowhere", None)
    assert save.args == (tmp_path,)
    assert "AP 0.75" in capsys.readouterr().out


@pytest.mark.parametrize(("given", "sigmas"), [(["0.05"], 0.05), (["0.05", "0.1"], [0.05, 0.1])])
def test_evaluate_options_of_metrics(given: list[str], sigmas: object, stand_in: StandIn) -> None:
    evaluate = Recorder(SimpleNamespace(summary=lambda: ""))
    load = Recorder()
    stand_in("hrnet.inference.loading", load=load)
    stand_in("hrnet.evaluation.pose_files", evaluate_pose_files=evaluate)
    options = "--model m --annotations val.json --images val --metrics ap errors --nms none --device cuda:1 --detector none"
    assert main(["evaluate", "pose", *options.split(), "--sigmas", *given]) == 0
    assert load.kwargs["detector"] == "none"
    asked = evaluate.kwargs
    assert (asked["metrics"], asked["nms"], asked["sigmas"], asked["whole_pictures"]) == (["ap", "errors"], None, sigmas, True)


@pytest.mark.parametrize(("problems", "code"), [([], 0), (["two pictures are missing"], 1)])
def test_inspect_data(problems: list[str], code: int, stand_in: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    inspect = Recorder(SimpleNamespace(problems=problems, summary=lambda: "17 keypoints"))
    stand_in("hrnet.data.inspection", inspect_pose_dataset=inspect)
    assert main(["inspect", "train.json", "--images", "pictures", "--sheet", "s.jpg", "--against", "val.json"]) == code
    assert inspect.args == (Path("train.json"), Path("pictures"))
    assert inspect.kwargs["sheet"] == Path("s.jpg")
    assert inspect.kwargs["against"] == [Path("val.json")]
    assert "17 keypoints" in capsys.readouterr().out


def test_inspect_checkpoint(stand_in: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    stand_in("hrnet.weights", inspect_checkpoint=Recorder("pose_hrnet_w32, 17 keypoints"))
    assert main(["inspect", "model.PTH"]) == 0
    assert "pose_hrnet_w32" in capsys.readouterr().out


@pytest.mark.parametrize(("total", "drawn"), [(1, False), (FEW, False), (FEW + 1, True)])
def test_bar_only_for_more_than_a_few(total: int, drawn: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBar("predicting") as bar:
        for done in range(total + 1):
            bar(done, total)
    assert ("predicting" in capsys.readouterr().err) is drawn


def test_bar_that_counts_up(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBar("evaluating") as bar:
        advance = bar.counting(40)
        for _ in range(4):
            advance(10)
    assert "40/40" in capsys.readouterr().err


def test_bar_of_unknown_length(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBar("reading") as bar:
        for done in range(FEW + 3):
            bar(done, None)
    out, err = capsys.readouterr()
    assert not out
    assert "reading" in err
