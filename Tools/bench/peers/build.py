"""Builds every engine's file of one model into the cache; what is there already is kept.

    python -m peers.build CACHE MODEL ENGINE

ENGINE is a name of `engines.ENGINES`, or `reference` for checkpoints, images and expected outputs. Each runs in a process of its own, so that a
peer which does not install, or fails, takes nothing else down.
"""
import json
import subprocess
import sys
from pathlib import Path

CALIBRATION_IMAGES = 16


def reference(folder, name):
    import numpy as np
    import torch
    from safetensors.torch import save_file

    from peers import deit

    torch.set_num_threads(2)
    model = deit.seeded(name)
    image = deit.images(1)
    image.numpy().tofile(folder / "image.f32")
    for kind, network in (("float", model), ("ternary", deit.snapped(model))):
        save_file({key: value.contiguous() for key, value in network.state_dict().items()}, folder / f"{kind}.safetensors")
        with torch.no_grad():
            network(image).numpy().astype(np.float32).tofile(folder / f"expected-{kind}.f32")
    with torch.no_grad():
        torch.onnx.export(model, (image,), folder / "model.onnx", input_names=["image"], output_names=["logits"], opset_version=17, dynamo=False)


def network(folder, name):
    import torch
    from safetensors.torch import load_file

    from peers import deit

    torch.set_num_threads(2)
    model = deit.DeiT(deit.WIDTHS[name]).eval()
    model.load_state_dict(load_file(folder / "float.safetensors"))
    return model


def calibration_images():
    from peers import deit

    return [image[None].numpy() for image in deit.images(CALIBRATION_IMAGES + 1)[1:]]


def ort_dynamic(folder, name):
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(folder / "model.onnx", folder / "ort-dynamic.onnx", weight_type=QuantType.QInt8)


def ort_qdq(folder, name):
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.images = iter(calibration_images())

        def get_next(self):
            image = next(self.images, None)
            return None if image is None else {"image": image}

    prepared = folder / "ort-prepared.onnx"
    quant_pre_process(folder / "model.onnx", prepared)
    # Products only: quantising additions, softmax and layer norm as well is slower and much less exact.
    quantize_static(
        prepared, folder / "ort-qdq.onnx", Reader(), quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul", "Gemm", "Conv"])
    prepared.unlink()


def openvino_float(folder, name):
    import openvino

    model = openvino.convert_model(folder / "model.onnx")
    model.reshape([1, 3, 224, 224])
    openvino.save_model(model, folder / "openvino-float.xml", compress_to_fp16=False)


def openvino_int8(folder, name):
    import nncf
    import openvino

    model = openvino.convert_model(folder / "model.onnx")
    model.reshape([1, 3, 224, 224])
    quantised = nncf.quantize(
        model, nncf.Dataset(calibration_images()), model_type=nncf.ModelType.TRANSFORMER, preset=nncf.QuantizationPreset.PERFORMANCE,
        subset_size=CALIBRATION_IMAGES)
    openvino.save_model(quantised, folder / "openvino-int8.xml", compress_to_fp16=False)


def ncnn_float(folder, name):
    import pnnx
    import torch

    from peers import deit

    deit.Attention.is_split = True
    work = folder / "ncnn-work"
    work.mkdir(exist_ok=True)
    pnnx.export(network(folder, name), str(work / "ncnn.pt"), (torch.zeros(1, 3, 224, 224),), fp16=False)
    for suffix in ("param", "bin"):
        (work / f"ncnn.ncnn.{suffix}").rename(folder / f"ncnn-float.{suffix}")


def litert_float(folder, name):
    import litert_torch
    import torch

    litert_torch.convert(network(folder, name), (torch.zeros(1, 3, 224, 224),)).export(str(folder / "litert-float.tflite"))


def litert_int8(folder, name):
    from ai_edge_quantizer import quantizer, recipe

    target = folder / "litert-int8.tflite"
    target.unlink(missing_ok=True)
    quantising = quantizer.Quantizer(str(folder / "litert-float.tflite"), recipe.dynamic_wi8_afp32())
    quantising.quantize().export_model(str(target))


def description(name, levels):
    heads = {"tiny": 3, "small": 6}[name]
    return {
        "name": f"deit-{name}", "version": "1.0.0",
        "architecture": {
            "heads": heads, "layerNormEpsilon": 1e-6, "pool": "class", "activationLevels": levels, "image": 224, "patch": 16, "channels": 3,
        },
        "input": {
            "modality": "", "width": 224, "height": 224, "channels": 3, "crop": "stretch", "filter": "bicubic",
            "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
        },
        "output": {"activation": "softmax", "temperature": 1.0, "calibrated": False},
        "labels": [],
        "card": {"intendedUse": "Timing. The weights are random."},
    }


def tern(folder, name, tool, file, weights, levels):
    """`tern convert`, an argument more than the others: the command."""
    config = folder / f"{Path(file).stem}.json"
    config.write_text(json.dumps(description(name, levels)))
    source = folder / ("ternary.safetensors" if weights == "ternary" else "float.safetensors")
    positions = "f16" if weights == "ternary" else "f32"
    command = [tool, "convert", source, "--config", config, "--weights", weights, "--positions", positions, "-o", folder / file]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode != 0:
        sys.exit(f"tern convert: {answer.stderr.strip()}")


if __name__ == "__main__":
    cache, model_name, engine = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    globals()[engine.replace("-", "_")](cache / model_name, model_name)
