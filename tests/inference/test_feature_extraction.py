from __future__ import annotations

import builtins
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from models.tiny_networks import POOLED, tiny_networks
from training.drawn_classes import draw_class, write_classes

from hrnet.errors import CheckpointError, ImageError, MissingExtraError
from hrnet.inference import feature_extraction
from hrnet.inference.feature_extraction import build_feature_extractor, extract_features
from hrnet.inference.feature_files import open_feature_file
from hrnet.models import build_model
from hrnet.models.pooled_features import PooledBranches
from hrnet.weights.classification_card import CLASSIFICATION_CARD_KEY, ClassificationCard
from hrnet.weights.network_entry import NETWORK_KEY, NetworkEntry
from hrnet.weights.writing import write_checkpoint

CARD = ClassificationCard("cls_hrnet_tiny", 3, ("a", "b", "c"), (48, 48), 0.9, mean=(0.1, 0.2, 0.3))


@pytest.fixture(scope="module", autouse=True)
def _tiny() -> Iterator[None]:
    with tiny_networks():
        yield


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = build_model("cls_hrnet_tiny", 3)
    texts = {NETWORK_KEY: NetworkEntry("cls_hrnet_tiny", 3).to_json(), CLASSIFICATION_CARD_KEY: CARD.to_json()}
    return write_checkpoint(tmp_path_factory.mktemp("weights") / "c.safetensors", network.state_dict(), texts)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_classes(tmp_path_factory.mktemp("pictures"), 2)
    (folder / "disc" / "broken.png").write_bytes(b"no picture")
    return folder


def test_the_bundled_pose_network_describes_pictures() -> None:
    extractor = build_feature_extractor(device="cpu", input_size=(64, 64), announce=pytest.fail)
    images = [np.asarray(draw_class("disc", 0)), np.asarray(draw_class("stripes", 0, (90, 60)))]
    features = extractor.extract(images)
    assert (extractor.dimension, extractor.kind, extractor.crop_share) == (15 * 18, "branches", 1.0)
    assert features.shape == (2, 270)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    assert np.abs(features[0] - features[1]).max() > 0.01
    assert np.abs(extractor(images[1]) - features[1]).max() < 1e-4
    assert extractor.extract([]).shape == (0, 270)


def test_branches_are_means_of_what_leaves_the_body() -> None:
    x = torch.randn(2, 3, 64, 64)
    whole = build_model("hrnet_tiny").eval()
    pooled = PooledBranches(whole)  # pyright: ignore[reportArgumentType]
    with torch.no_grad():
        expected = torch.cat([branch.mean((2, 3)) for branch in whole(x)], 1)
        assert torch.allclose(pooled(x), expected, atol=1e-6)
    finest = build_model("pose_hrnet_tiny", 4).eval()  # of which one branch leaves
    pooled = PooledBranches(finest)  # pyright: ignore[reportArgumentType]
    with torch.no_grad():
        given = pooled(x)
        assert given.shape == (2, 60)
        assert torch.allclose(given[:, :4], finest.features(x)[0].mean((2, 3)), atol=1e-6)  # pyright: ignore[reportCallIssue]
        assert (given[:, 4:].abs().sum(0) > 0).any()
    assert not any(module._forward_hooks for module in finest.modules())


def test_classifiers_give_what_their_last_layer_sees(classifier: Path) -> None:
    extractor = build_feature_extractor(classifier, device="cpu", announce=pytest.fail)
    assert (extractor.kind, extractor.dimension) == ("classifier", POOLED)
    assert (extractor.input_size, extractor.crop_share) == ((48, 48), 0.9)
    assert extractor.normalization.mean.tolist() == pytest.approx([25.5, 51, 76.5])
    assert extractor.extract([np.asarray(draw_class("disc", 0))]).shape == (1, POOLED)
    branches = build_feature_extractor(classifier, features="branches", device="cpu", announce=pytest.fail)
    assert branches.extract([np.asarray(draw_class("disc", 0))]).shape == (1, 60)


@pytest.mark.parametrize("suffix", [".npz", ".npy"])
def test_files(classifier: Path, pictures: Path, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_extraction, "_ROWS", 2)  # several writes
    seen = []
    summary = extract_features(
        pictures, tmp_path / f"new/f{suffix}", model=classifier, features="branches", device="cpu", batch_size=4,
        on_progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert (summary.pictures, summary.dimension, summary.kind) == (6, 60, "branches")
    assert [Path(name).name for name, _ in summary.failures] == ["broken.png"]
    assert seen[-1] == (7, 7)
    if suffix == ".npz":
        with np.load(summary.written[0], allow_pickle=False) as file:
            features, names = file["features"], file["names"].tolist()
            assert str(file["kind"]) == "branches"
    else:
        features, names = np.load(summary.written[0], mmap_mode="r"), summary.written[1].read_text().splitlines()
    assert features.shape == (6, 60)
    assert features.dtype == np.float32
    extractor = build_feature_extractor(classifier, features="branches", device="cpu", announce=pytest.fail)
    for name, row in zip(names, features, strict=True):
        assert np.allclose(extractor(name)[0], row, rtol=1e-3, atol=1e-4)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(path.name for path in summary.written)


def test_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = np.arange(12, dtype=np.float32).reshape(4, 3)
    with open_feature_file(tmp_path / "f.parquet", 3, {"model": "m"}) as writer:
        writer.write(rows[:3], ["a", "b", "ä"])
        writer.write(rows[3:], ["d"])
    table = parquet.read_table(tmp_path / "f.parquet")
    assert table["name"].to_pylist() == ["a", "b", "ä", "d"]
    assert np.array_equal(np.array(table["features"].to_pylist(), np.float32), rows)
    assert table.schema.metadata[b"hrnet.model"] == b"m"


def test_parquet_without_pyarrow(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError("no module named pyarrow")
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"hrnet\[features\]"):
        extract_features(pictures, tmp_path / "f.parquet")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_nothing_is_left_of_a_file_that_failed(tmp_path: Path, suffix: str) -> None:
    def write_and_fail() -> None:
        with open_feature_file(tmp_path / f"f{suffix}", 3) as writer:
            writer.write(np.zeros((2, 3), np.float32), ["a", "b"])
            raise KeyError

    with pytest.raises(KeyError):
        write_and_fail()
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_done(classifier: Path, pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"written as \.npy, \.npz, \.parquet, got 'f\.csv'"):
        extract_features(pictures, tmp_path / "f.csv")
    with pytest.raises(ImageError, match=r"broken\.png"):
        extract_features(pictures / "disc" / "broken.png", tmp_path / "f.npz", model=classifier, device="cpu")
    assert not (tmp_path / "f.npz").exists()
    with pytest.raises(ValueError, match="no features called 'branch'; did you mean 'branches'"):
        build_feature_extractor(classifier, features="branch")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="no classifier: use features='branches'"):
        build_feature_extractor(features="classifier", device="cpu")
    resnet = write_checkpoint(tmp_path / "resnet.pth", build_model("pose_resnet50", 17).state_dict(), {})
    with pytest.raises(CheckpointError, match="no HRNet body"):
        build_feature_extractor(resnet, device="cpu", announce=lambda sentence: None)


def test_assumptions_are_announced(tmp_path: Path) -> None:
    state = build_model("cls_hrnet_tiny", 3).state_dict()
    told: list[str] = []
    build_feature_extractor(write_checkpoint(tmp_path / "c.pth", state, {}), device="cpu", announce=told.append)
    assert told == ["c.pth does not say how pictures are normalised; assumed: ImageNet mean and std, RGB"]
