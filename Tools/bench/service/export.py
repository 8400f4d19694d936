"""Writes a checkpoint of Models/ as ONNX: python export.py MODEL_FOLDER OUT_FOLDER.

The network is timm's VisionTransformer with mean pooling (Models/README.md), spelled with the operators of opset 20; ONNX Runtime fuses them itself.
"""
import json
import struct
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def tensors(path):
    data = path.read_bytes()
    count = struct.unpack_from("<Q", data)[0]
    head = json.loads(data[8:8 + count])
    base = 8 + count
    return {name: np.frombuffer(data, "<f4", offset=base + entry["data_offsets"][0], count=int(np.prod(entry["shape"]))).reshape(entry["shape"])
            for name, entry in head.items() if name != "__metadata__"}


class Graph:
    def __init__(self, weights):
        self.weights, self.nodes, self.constants, self.count = weights, [], {}, 0

    def constant(self, value):
        self.count += 1
        name = f"c{self.count}"
        self.constants[name] = numpy_helper.from_array(np.asarray(value, order="C"), name)
        return name

    def add(self, kind, *inputs, **attributes):
        self.count += 1
        name = f"t{self.count}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def linear(self, x, name):
        product = self.add("MatMul", x, self.constant(self.weights[name + ".weight"].T))
        return self.add("Add", product, self.constant(self.weights[name + ".bias"]))

    def norm(self, x, name, epsilon):
        return self.add("LayerNormalization", x, self.constant(self.weights[name + ".weight"]), self.constant(self.weights[name + ".bias"]),
                        axis=-1, epsilon=epsilon)

    def shaped(self, x, *shape):
        return self.add("Reshape", x, self.constant(np.array(shape, np.int64)))


def network(weights, description):
    shape, source = description["architecture"], description["input"]
    heads, epsilon = shape["heads"], shape["layerNormEpsilon"]
    width = weights["cls_token"].shape[-1]
    tokens = weights["pos_embed"].shape[1]
    graph = Graph(weights)
    patches = graph.add("Conv", "image", graph.constant(weights["patch_embed.proj.weight"]), graph.constant(weights["patch_embed.proj.bias"]),
                        strides=[shape["patch"]] * 2)
    x = graph.add("Transpose", graph.shaped(patches, 1, width, tokens - 1), perm=[0, 2, 1])
    x = graph.add("Add", graph.add("Concat", graph.constant(weights["cls_token"]), x, axis=1), graph.constant(weights["pos_embed"]))
    depth = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("blocks."))
    for block in (f"blocks.{index}" for index in range(depth)):
        y = graph.shaped(graph.linear(graph.norm(x, f"{block}.norm1", epsilon), f"{block}.attn.qkv"), 1, tokens, 3, heads, width // heads)
        y = graph.add("Transpose", y, perm=[2, 0, 3, 1, 4])
        q, k, v = (graph.add("Gather", y, graph.constant(np.array(part)), axis=0) for part in range(3))
        scores = graph.add("MatMul", q, graph.add("Transpose", k, perm=[0, 1, 3, 2]))
        scores = graph.add("Mul", scores, graph.constant(np.float32((width // heads) ** -0.5)))
        mixed = graph.add("MatMul", graph.add("Softmax", scores, axis=-1), v)
        mixed = graph.shaped(graph.add("Transpose", mixed, perm=[0, 2, 1, 3]), 1, tokens, width)
        x = graph.add("Add", x, graph.linear(mixed, f"{block}.attn.proj"))
        y = graph.add("Gelu", graph.linear(graph.norm(x, f"{block}.norm2", epsilon), f"{block}.mlp.fc1"))
        x = graph.add("Add", x, graph.linear(y, f"{block}.mlp.fc2"))
    if shape["pool"] == "mean":
        patches = graph.add("Slice", x, *(graph.constant(np.array([value])) for value in (1, tokens, 1)))  # tokens 1 and on of axis 1
        pooled = graph.norm(graph.add("ReduceMean", patches, graph.constant(np.array([1])), keepdims=0), "fc_norm", epsilon)
    else:
        pooled = graph.shaped(graph.norm(graph.add("Gather", x, graph.constant(np.array(0)), axis=1), "norm", epsilon), 1, width)
    graph.nodes.append(helper.make_node("Identity", [graph.linear(pooled, "head")], ["logits"]))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, source["channels"], source["height"], source["width"]])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, weights["head.weight"].shape[0]])
    made = helper.make_graph(graph.nodes, description["name"], [image], [logits], list(graph.constants.values()))
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def main(folder, out):
    from onnxruntime.quantization import QuantType, quantize_dynamic

    description = json.loads((folder / "description-int8.json").read_text())
    weights = tensors(folder / "checkpoint/float.safetensors")
    model = network(weights, description)
    out.mkdir(parents=True, exist_ok=True)
    onnx.save(model, out / "float.onnx")
    quantize_dynamic(out / "float.onnx", out / "int8.onnx", weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"],
                     extra_options={"DefaultTensorType": TensorProto.FLOAT, "MatMulConstBOnly": True})
    (out / "description.json").write_text(json.dumps(description))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
