"""Builds one streaming ONNX graph: one frame a call, channels last, every state an input `state_*` and an output `state_*_out`."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..rounding import steps_of

FIRST = ("audio", "latent", "semantic", "acoustic", "stream_gain")
"""Signals, in the order of the pack format. States follow them by name."""
WEIGHTS = ("int8", "f16", "f32")
"""Precisions of a pack's weights."""
OPSET, IR_VERSION = 20, 10


def array(tensor):
    """A parameter as f64: everything is folded before it is rounded."""
    return tensor.detach().cpu().double().numpy()


class Graph:
    """A graph in the making. Tensors are known by their names. `weights`, one of WEIGHTS: at "f16" each has a cast after it, at "int8"
    those of linear maps are whole numbers with a scale for each row, and the noise and the decoder's Fourier basis are at f16."""

    def __init__(self, weights):
        self.weights, self.nodes, self.constants, self.inputs, self.outputs, self.count = weights, [], [], [], [], 0

    def _name(self, prefix):
        self.count += 1
        return f"{prefix}_{self.count}"

    def constant(self, value, weight=False):
        """A constant, f64 rounded to f32; a `weight` to f16 where not all are f32."""
        value = np.asarray(value)
        value = value.astype(np.float32) if value.dtype == np.float64 else value
        name, half = self._name("const"), weight and self.weights != "f32"
        self.constants.append(numpy_helper.from_array(value.astype(np.float16) if half else value, name))
        return self.op("Cast", name, to=TensorProto.FLOAT) if half else name

    def op(self, kind, *inputs, **attributes):
        """A node of one output; arrays among its inputs become constants."""
        inputs = [i if isinstance(i, str) else self.constant(i) for i in inputs]
        output = self._name(kind.lower())
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def input(self, name, shape, kind=TensorProto.FLOAT):
        """A signal or a state that comes in."""
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, tensor, name, shape, kind=TensorProto.FLOAT):
        """A signal or a state that goes out."""
        self.nodes.append(helper.make_node("Identity", [tensor], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def slice(self, x, start, end, axis):
        """x[start:end] on one axis."""
        return self.op("Slice", x, np.array([start]), np.array([end]), np.array([axis]))

    def linear(self, x, weight, bias):
        """[1, 1, i] -> [1, 1, o] by a weight [o, i] as PyTorch has it."""
        if self.weights != "int8":
            return self.op("Add", self.op("MatMul", x, self.constant(weight.T.copy(), True)), bias)
        # Not DequantizeLinear: of that ONNX Runtime makes a product with rounded activations, which is another model.
        steps, scale = steps_of(weight)
        name = self._name("const")
        self.constants.append(numpy_helper.from_array(steps.T.copy(), name))
        y = self.op("MatMul", x, self.op("Cast", name, to=TensorProto.FLOAT))
        return self.op("Add", self.op("Mul", y, scale), bias)

    def norm(self, x, width, epsilon=1e-5):
        """Layer norm without gain and offset: those are folded into what follows."""
        return self.op("LayerNormalization", x, np.ones(width), axis=-1, epsilon=epsilon)

    def norm_linear(self, x, norm, linear, width):
        """A layer norm and the linear map after it, as one map."""
        weight = array(linear.weight)
        return self.linear(self.norm(x, width), weight * array(norm.weight), array(linear.bias) + weight @ array(norm.bias))

    def past(self, x, width, kernel, name):
        """[1, 1, width] -> the last `kernel` frames [1, kernel, width], all but the newest from a state."""
        frames = self.op("Concat", self.input(name, [1, kernel - 1, width]), x, axis=1)
        self.output(self.slice(frames, 1, kernel, 1), name + "_out", [1, kernel - 1, width])
        return frames

    def framed_linear(self, x, layer, width, name):
        """`model.layers.FramedLinear` on a frame."""
        frames = self.op("Reshape", self.past(x, width, layer.k, name), np.array([1, 1, layer.k * width]))
        return self.linear(frames, array(layer.lin.weight), array(layer.lin.bias))

    def block(self, x, layer, width, name):
        """`model.layers.Block` on a frame, norm gain and layer scale folded into its two linear maps."""
        y = self.op("Mul", self.past(x, width, layer.k, name), array(layer.dw.weight)[:, 0].T[None].copy())
        y = self.op("Add", self.op("ReduceSum", y, np.array([1]), keepdims=1), array(layer.dw.bias))
        y = self.norm(y, width, 1e-6)
        weight, gamma = array(layer.p1.weight), array(layer.gamma)
        y = self.linear(y, weight * array(layer.norm.weight), array(layer.p1.bias) + weight @ array(layer.norm.bias))
        y = self.op("Gelu", y)
        return self.op("Add", x, self.linear(y, array(layer.p2.weight) * gamma[:, None], array(layer.p2.bias) * gamma))

    def sigmoid(self, x):
        """A sigmoid in words: runtimes approximate the operator, each in its own way, and the phase adds up what is wrong of a pitch."""
        return self.op("Div", np.array(1.0), self.op("Add", self.op("Exp", self.op("Mul", x, np.array(-1.0))), np.array(1.0)))

    def memory(self, x, layer, width, name):
        """`model.layers.Memory` on a frame."""
        n = layer.cells
        found = self.norm_linear(x, layer.norm, layer.inp, width)
        gate, candidate = self.sigmoid(self.slice(found, 0, n, 2)), self.slice(found, n, 2 * n, 2)
        before = self.input(name, [1, 1, n])
        cells = self.op("Add", before, self.op("Mul", gate, self.op("Sub", candidate, before)))
        self.output(cells, name + "_out", [1, 1, n])
        return self.op("Add", x, self.linear(cells, array(layer.out.weight), array(layer.out.bias)))

    def save(self, path, name):
        """Write the graph, checked, its inputs and outputs in the order of the pack format."""
        order = lambda v: (FIRST.index(v.name), "") if v.name in FIRST else (len(FIRST), v.name)
        graph = helper.make_graph(self.nodes, name, sorted(self.inputs, key=order), sorted(self.outputs, key=order), self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="sacodec")
        model = onnx.shape_inference.infer_shapes(model)
        onnx.checker.check_model(model)
        onnx.save(model, path)
