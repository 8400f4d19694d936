"""The engines that are compared: what each is called, needs and consists of."""
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Engine:
    name: str
    label: str
    bits: str                # of the weights: f32, bf16, int8, ternary
    package: str = ""        # the distribution whose folders are the runtime; empty for Tern
    files: tuple = ()        # in the model's folder
    build: tuple = ()        # names of peers.build, in order
    weights: str = ""        # of tern convert
    levels: int = 127
    limit: str = ""          # with --isa avx2: `env` where a variable limits it, else empty

    @property
    def is_tern(self):
        return not self.package

    def model_bytes(self, folder: Path):
        return sum((folder / file).stat().st_size for file in self.files)

    @property
    def expected(self):
        return "expected-ternary.f32" if self.bits == "ternary" else "expected-float.f32"


def tern(name, label, weights, levels):
    return Engine(name, label, weights, files=(f"{name}.tern",), weights=weights, levels=levels)


ENGINES = [
    tern("tern-int8", "Tern INT8", "int8", 127),
    tern("tern-t127", "Tern ternary, 127 levels", "ternary", 127),
    tern("tern-t63", "Tern ternary, 63 levels", "ternary", 63),
    tern("tern-t42", "Tern ternary, 42 levels", "ternary", 42),
    Engine("openvino-int8", "OpenVINO INT8 (NNCF)", "int8", "openvino", ("openvino-int8.xml", "openvino-int8.bin"), ("openvino_int8",), limit="env"),
    Engine("openvino-bf16", "OpenVINO, its default", "bf16", "openvino", ("openvino-float.xml", "openvino-float.bin"), ("openvino_float",), limit="env"),
    Engine("openvino-float", "OpenVINO FP32", "f32", "openvino", ("openvino-float.xml", "openvino-float.bin"), ("openvino_float",), limit="env"),
    Engine("ort-dynamic", "ONNX Runtime INT8, dynamic", "int8", "onnxruntime", ("ort-dynamic.onnx",), ("ort_dynamic",)),
    Engine("ort-qdq", "ONNX Runtime INT8, QDQ", "int8", "onnxruntime", ("ort-qdq.onnx",), ("ort_qdq",)),
    Engine("ort-float", "ONNX Runtime FP32", "f32", "onnxruntime", ("model.onnx",)),
    Engine("litert-int8", "LiteRT INT8, dynamic", "int8", "ai-edge-litert", ("litert-int8.tflite",), ("litert_float", "litert_int8")),
    Engine("litert-float", "LiteRT FP32", "f32", "ai-edge-litert", ("litert-float.tflite",), ("litert_float",)),
    Engine("ncnn-float", "ncnn FP32", "f32", "ncnn", ("ncnn-float.param", "ncnn-float.bin"), ("ncnn_float",)),
]
BASE = "openvino-int8"

# Peers that a reader may look for and that are not among the engines.
ABSENT = {"ncnn INT8": "its Python package has no quantiser (ncnn2int8 comes with a source build)"}
