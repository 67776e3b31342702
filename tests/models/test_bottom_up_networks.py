"""What every bottom-up network promises: shapes, any size, independence within a batch, gradients, where training starts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from hrnet.backbones.hourglass import Hourglass
from hrnet.backbones.hrnet import HRNetSpec
from hrnet.heads.adaptive_displacement import AdaptiveBlock
from hrnet.models.ae_hrnet import AEHRNet, TaggedHeatmaps
from hrnet.models.dekr_hrnet import CentersAndDisplacements, DEKRHRNet
from hrnet.models.higher_hrnet import HigherHRNet
from hrnet.models.pose_ae import PoseAE
from hrnet.models.stacked_hourglass import StackedHourglass
from hrnet.nn.exchange import Upsampling

SMALL = HRNetSpec(8, stage1_blocks=1, stage1_planes=8, modules=(1, 1, 1), blocks=1)
SIZES = [(64, 96), (128, 64), (100, 76), (33, 65), (1, 1)]
BUILDERS: dict[str, Callable[[int], nn.Module]] = {
    "higher_hrnet": lambda keypoints: HigherHRNet(SMALL, keypoints),
    "higher_hrnet_2": lambda keypoints: HigherHRNet(SMALL, keypoints, num_deconvolutions=2),
    "ae_hrnet": lambda keypoints: AEHRNet(SMALL, keypoints),
    "dekr_hrnet": lambda keypoints: DEKRHRNet(SMALL, keypoints),
    "pose_ae": lambda keypoints: PoseAE(2, keypoints, channels=16, growth=8),
}


def outputs(network: nn.Module, x: Tensor) -> list[Tensor]:
    output = network(x)
    return [output] if isinstance(output, Tensor) else list(output)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("keypoints", [1, 5])
def test_shapes(size: tuple[int, int], keypoints: int) -> None:
    k, (h, w) = keypoints, (-(-size[0] // 4), -(-size[1] // 4))
    expected = {
        "higher_hrnet": [(2 * k, h, w), (k, 2 * h, 2 * w)],
        "higher_hrnet_2": [(2 * k, h, w), (k, 2 * h, 2 * w), (k, 4 * h, 4 * w)],
        "ae_hrnet": [(k, h, w), (k, h, w)],
        "dekr_hrnet": [(k + 1, h, w), (2 * k, h, w)],
        "pose_ae": [(2, 4 * k, h, w)],
    }
    for name, build in BUILDERS.items():
        with torch.device("meta"):
            network = build(keypoints).eval()
            assert network.num_keypoints == keypoints
            assert [tuple(tensor.shape[1:]) for tensor in outputs(network, torch.empty(2, 3, *size))] == expected[name], name


@pytest.mark.parametrize("name", BUILDERS)
def test_pictures_of_a_batch_do_not_touch(name: str) -> None:
    network, pictures = BUILDERS[name](3).eval(), torch.randn(3, 3, 70, 64)
    with torch.no_grad():
        together = outputs(network, pictures)
        for index in range(3):
            for alone, batched in zip(outputs(network, pictures[index : index + 1]), together, strict=True):
                assert torch.allclose(alone[0], batched[index], atol=1e-5 * batched.abs().max().item() + 1e-12)


@pytest.mark.parametrize("name", BUILDERS)
def test_fresh_networks_train(name: str) -> None:
    network = BUILDERS[name](3).train()
    maps = outputs(network, torch.randn(2, 3, 64, 64))
    torch.stack([(tensor - 1).square().mean() for tensor in maps]).sum().backward()
    for key, parameter in network.named_parameters():
        if key.startswith("rescore_net."):  # judges poses that were decoded, not pictures
            assert parameter.grad is None
        else:
            assert parameter.grad is not None, key
            assert parameter.grad.isfinite().all(), key
            assert parameter.grad.any(), key


@pytest.mark.parametrize("name", BUILDERS)
def test_fresh_networks_predict_almost_nothing(name: str) -> None:
    """Heatmaps are almost zero everywhere, and stacks and levels agree on the size of what is left."""
    with torch.no_grad():
        for maps in outputs(BUILDERS[name](3).train(), torch.rand(2, 3, 128, 128)):
            assert maps.abs().max() < 0.2


@pytest.mark.parametrize("name", [name for name in BUILDERS if name != "pose_ae"])
def test_momentum_and_channels_of_the_body(name: str) -> None:
    spec = HRNetSpec(18, in_channels=4, batch_norm_momentum=0.02, upsampling=Upsampling("nearest"))
    classes = {"higher": HigherHRNet, "ae": AEHRNet, "dekr": DEKRHRNet}
    with torch.device("meta"):
        network = classes[name.split("_")[0]](spec, 3)
        assert {layer.momentum for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)} == {0.02}
        assert all(tensor.shape[0] == 1 for tensor in outputs(network.eval(), torch.empty(1, 4, 64, 64)))


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_pyramids_of_any_height(count: int) -> None:
    network = HigherHRNet(SMALL, 3, count).eval()
    assert network.output_strides == (4, 2, 1, 0.5)[: count + 1]
    inputs = [layer[0][0].in_channels for layer in network.deconv_layers]  # pyright: ignore[reportIndexIssue]
    assert inputs == [8 + 6, 8 + 3, 8 + 3][:count]
    with torch.no_grad():
        maps = network(torch.randn(1, 3, 36, 40))
    assert [tuple(level.shape[1:]) for level in maps] == [(6, 9, 10), (3, 18, 20), (3, 36, 40), (3, 72, 80)][: count + 1]


def test_every_level_sees_the_one_before() -> None:
    network = HigherHRNet(SMALL, 3, 2)
    network(torch.randn(2, 3, 64, 64))[2].square().mean().backward()
    for level in (0, 1):
        bias = network.get_parameter(f"final_layers.{level}.bias")
        assert bias.grad is not None
        assert bias.grad.any()


def test_a_pyramid_of_one_level_is_hrnet_with_tags() -> None:
    pyramid, flat = HigherHRNet(SMALL, 3, 0).eval(), AEHRNet(SMALL, 3).eval()
    state = {key.replace("final_layers.0", "final_layer"): tensor for key, tensor in pyramid.state_dict().items()}
    flat.load_state_dict(state)
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        (stacked,), tagged = pyramid(x), flat(x)
    assert isinstance(tagged, TaggedHeatmaps)
    assert torch.equal(stacked[:, :3], tagged.heatmaps)
    assert torch.equal(stacked[:, 3:], tagged.tags)


def test_impossible_numbers() -> None:
    with pytest.raises(ValueError, match="num_deconvolutions"):
        HigherHRNet(SMALL, 3, -1)
    with pytest.raises(ValueError, match="num_stacks"):
        PoseAE(0, 3)


def test_centers_come_last_and_features_of_all_resolutions_count() -> None:
    network = DEKRHRNet(SMALL, 3).eval()
    features = [torch.randn(1, width, 16 >> level, 16 >> level) for level, width in enumerate(network.channels)]
    prediction = network.predict(features)
    assert isinstance(prediction, CentersAndDisplacements)
    assert prediction.heatmaps.shape[1] == 4
    assert prediction.displacements.shape[1] == 6
    coarsest = [*features[:3], features[3] + 1]
    assert not torch.equal(network.predict(coarsest).heatmaps, prediction.heatmaps)


def test_displacements_start_with_almost_ordinary_convolutions() -> None:
    network = DEKRHRNet(SMALL, 3).eval()
    blocks = [layer for layer in network.displacement_conv_layers if isinstance(layer, AdaptiveBlock)]
    assert len(blocks) == 2
    for block in blocks:
        assert block.offsets(torch.randn(1, 45, 8, 8)).abs().max() < 0.1
        assert block.adapt_conv.weight.std() > 0.05


@pytest.mark.parametrize(("keypoints", "limbs", "features"), [(17, None, 74), (14, None, 59), (5, None, 17), (5, 6, 23)])
def test_rescoring(keypoints: int, limbs: int | None, features: int) -> None:
    network = DEKRHRNet(SMALL, keypoints, limbs)
    assert network.num_pose_features == features
    poses = torch.randn(2, 7, features)
    scores = network.rescore(poses)
    assert scores.shape == (2, 7)
    net = network.rescore_net
    assert torch.equal(scores, net.l3(net.l2(net.l1(poses).relu()).relu())[..., 0])
    with pytest.raises(ValueError, match=f"{features} numbers, got {features + 1}"):
        network.rescore(torch.zeros(features + 1))


@pytest.mark.parametrize("size", [(8, 8), (7, 5), (1, 6), (1, 1)])
def test_hourglass_brings_every_pixel_back_to_where_it_was(size: tuple[int, int]) -> None:
    x = torch.arange(size[0] * size[1]).reshape(1, 1, *size).float()
    result = Hourglass(1, 1, unit=lambda _in, _out: nn.Identity())(x)
    for row in range(size[0]):
        for column in range(size[1]):
            block = x[0, 0, row // 2 * 2 : row // 2 * 2 + 2, column // 2 * 2 : column // 2 * 2 + 2]
            assert result[0, 0, row, column] == x[0, 0, row, column] + block.max()


def test_hourglass_grows_by_level() -> None:
    with torch.device("meta"):
        widths = [
            tuple(parameter.shape[:2])
            for key, parameter in Hourglass(3, 8, 4, lambda i, o: nn.Conv2d(i, o, 1)).named_parameters()
            if key.endswith("weight")
        ]
    assert widths == [(8, 8), (12, 8), (12, 12), (16, 12), (16, 16), (20, 16), (20, 20), (16, 20), (12, 16), (8, 12)]


def test_stacks_merge_features_and_predictions() -> None:
    for network in (PoseAE(3, 2, channels=8, growth=4), StackedHourglass(3, 2, channels=8)):
        predictions = network(torch.rand(2, 3, 64, 64))
        (gradient,) = torch.autograd.grad(predictions[:, 2].square().sum(), network.get_parameter("outs.0.conv.bias"))
        assert gradient.any()
