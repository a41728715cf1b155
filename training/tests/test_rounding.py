"""Matrices as whole numbers of one byte."""
import numpy as np
import onnx
import torch
from onnx import numpy_helper
from speech import voice
from test_export import spoken
from test_model import codec

from sacodec_train.export import pack
from sacodec_train.rounding import round_matrices, steps_of


def test_a_row_keeps_its_largest_weight_and_the_others_to_half_a_step():
    rng = np.random.default_rng(1)
    weight = rng.standard_normal((40, 65)) * 10.0 ** rng.uniform(-6, 4, (40, 1))
    weight[7] = 0
    steps, scale = steps_of(weight)
    assert np.array_equal(np.abs(steps).max(1), np.where(np.arange(40) == 7, 0, 127)), "a byte has 127 steps, and all are used"
    assert bool((np.abs(weight - steps * scale[:, None].astype(float)).max(1) <= 0.5001 * scale).all())


def test_what_was_rounded_is_rounded_to_itself_in_single_precision():
    rng = np.random.default_rng(2)
    steps, scale = steps_of(rng.standard_normal((500, 9)))
    product = steps.astype(np.float32) * scale[:, None]
    assert np.array_equal(product.astype(float), steps * scale[:, None].astype(float)), "the product has more bits than an f32"
    again, scales = steps_of(product)
    assert np.array_equal(again, steps) and np.array_equal(scales, scale)


@torch.no_grad()
def test_a_rounded_model_is_nearly_the_one_before_whatever_its_gains(tmp_path):
    net, audio = spoken(codec()), torch.from_numpy(voice(1.0, 9)).float()[None, : 75 * 320]
    generator = torch.Generator().manual_seed(3)
    for name, value in net.named_parameters():
        if name.endswith(("gamma", "norm.weight", "norm.bias")):
            value.add_(0.4 * torch.randn(value.shape, generator=generator))
    latent = torch.randn(1, 75, net.config.latent, generator=generator)
    parts = lambda: (net.enc(audio), net.dec.controls(latent))
    before = parts()
    pack.write(net, 7, tmp_path, "test", "0.0.1", "int8")
    after = parts()
    for part, old, new in zip(("encoder", "decoder"), before, after):
        assert 1e-5 < (new - old).square().mean().sqrt() < 0.05 * old.square().mean().sqrt().clamp(min=1), part
    round_matrices(net)
    assert all(torch.equal(old, new) for old, new in zip(after, parts())), "rounding a second time is another model"


def test_the_file_of_an_int8_pack_holds_its_matrices_as_bytes(tmp_path):
    net = spoken(codec())
    pack.write(net, 7, tmp_path, "test", "0.0.1", "int8")
    graph = onnx.load(tmp_path / "decoder.onnx").graph
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    casts = {node.output[0]: stored[node.input[0]] for node in graph.node if node.op_type == "Cast" and node.input[0] in stored}
    steps = [casts[node.input[1]] for node in graph.node if node.op_type == "MatMul" and node.input[1] in casts]
    matrices = [layer.weight for layer in net.dec.modules() if isinstance(layer, torch.nn.Linear)]
    assert len(matrices) == sum(s.dtype == np.int8 for s in steps) == 8
    assert sum(s.size for s in steps if s.dtype == np.int8) == sum(m.numel() for m in matrices)
