"""Export: snapped ternary and float checkpoints, model descriptions for the converter, sample images."""
from __future__ import annotations

import copy
import json
from pathlib import Path

import torch

import data
import metrics
import reference
from model import Architecture, VisionTransformer
from progress import Log

LEVELS = {"ternary": 63, "int8": 127}
DATA_NOTICE = ("PneumoniaMNIST of MedMNIST v2 (Yang et al., Scientific Data 2023), CC BY 4.0; source images: "
               "Kermany et al., Cell 2018, paediatric chest X-rays of one hospital, CC BY 4.0.")
LIMITS = [
    "Research and demonstration only. Not a medical device, not for clinical use.",
    "Trained on frontal chest X-rays of children aged one to five from one hospital (Guangzhou), reduced to 28 x 28 pixels.",
    "Knows two classes only; other findings, adults, other projections and other machines are outside its experience.",
    "The training and validation splits share their source and hold 74 % pneumonia, the test split 62.5 %: the model "
    "calls pneumonia too often on new data, and validation figures are optimistic.",
    "The temperature is fitted on validation with both classes weighing the same; the score is no probability of disease "
    "in any population.",
]


def snap(model: VisionTransformer) -> VisionTransformer:
    """A copy whose linear weights hold only -g, 0, +g in each output row, g the row's scale in binary32."""
    result = copy.deepcopy(model)
    with torch.no_grad():
        for name, layer in result.linears().items():
            codes, scale = layer.parts()
            if (codes.abs().amax(dim=1) != 1).any():
                raise ValueError(f"{name}: an output row holds no weight")
            layer.weight.copy_((codes * scale[:, None]).reshape(layer.weight.shape))
    return result.set_mode("ternary", LEVELS["ternary"], snapped=True)


def check_snapped(model: VisionTransformer) -> float:
    """Raises unless every row of every linear layer is exactly ternary; returns the share of zero codes."""
    zeros = total = 0
    for name, layer in model.linears().items():
        rows = layer.weight.detach().flatten(1)
        largest = rows.abs().amax(dim=1, keepdim=True)
        if not ((rows == 0) | (rows == largest) | (rows == -largest)).all():
            raise ValueError(f"{name}: a row is not ternary")
        zeros += int((rows == 0).sum())
        total += rows.numel()
    return zeros / total


def tensors(model: VisionTransformer) -> dict[str, torch.Tensor]:
    """All parameters as contiguous binary32 tensors under their timm names."""
    return {name: value.detach().float().cpu().contiguous() for name, value in model.state_dict().items()}


def load(description: dict, path: Path) -> VisionTransformer:
    """The model of a checkpoint with the shape in `description`; switched to the mode its weights are made for."""
    from safetensors.torch import load_file

    state = load_file(str(path))
    a = description["architecture"]
    width = state["cls_token"].shape[-1]
    depth = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("blocks."))
    model = VisionTransformer(Architecture(
        image=a["image"], patch=a["patch"], channels=a["channels"], width=width, depth=depth, heads=a["heads"],
        mlp_ratio=state["blocks.0.mlp.fc1.weight"].shape[0] // width, classes=state["head.weight"].shape[0],
        epsilon=a["layerNormEpsilon"], pool=a["pool"]))
    model.load_state_dict(state)
    return model.eval()


def describe(config: dict, weights: str, temperature: float, threshold: float) -> dict:
    """The model description for the converter; `weights` is `ternary` or `int8`.

    The temperature is fitted with both classes weighing the same, so a score is no probability in any population: not calibrated.
    """
    a, mean, std = config["architecture"], config["input"]["mean"], config["input"]["std"]
    return {
        "name": config["name"], "version": config["version"],
        "architecture": {"heads": a["heads"], "layerNormEpsilon": a["epsilon"], "pool": a["pool"],
                         "activationLevels": LEVELS[weights], "image": a["image"], "patch": a["patch"],
                         "channels": a["channels"]},
        "input": {"modality": "DX", "width": a["image"], "height": a["image"], "channels": a["channels"],
                  "crop": "centerSquare", "filter": "bicubic", "mean": [mean], "std": [std]},
        "output": {"activation": "softmax", "temperature": temperature, "calibrated": False},
        "labels": [
            {"name": "normal", "index": 0, "report": False},
            {"name": "pneumonia", "index": 1, "report": True,
             "code": {"scheme": "SCT", "value": "233604007", "meaning": "Pneumonia"},
             "operatingPoint": "validation-balanced", "threshold": threshold},
        ],
        "card": {
            "intendedUse": "Demonstration of Tern on paediatric chest X-rays; research only. Not for clinical use.",
            "clinicalUse": False, "trainingData": DATA_NOTICE, "featureTeacher": config["teacher"]["features"],
            "licence": "Weights: CC BY 4.0, with the attribution of the training data.",
            "limits": LIMITS, "metrics": {},
        },
    }


def integer_logits(model: VisionTransformer, weights: str, images: torch.Tensor, config_input: dict) -> torch.Tensor:
    """Logits [N, 2] of uint8 images in the engine's arithmetic; `model` float for `int8`, snapped for `ternary`."""
    model = copy.deepcopy(model).cpu().eval().set_mode(weights, LEVELS[weights], snapped=weights == "ternary")
    return reference.logits(model, data.normalise(images.cpu(), config_input["mean"], config_input["std"]))


def everything(students: dict[str, VisionTransformer], ensemble: torch.nn.Module, splits: dict[str, data.Split],
               config: dict, out: Path, log: Log) -> None:
    """Writes `out`/export: checkpoint/, description-*.json, samples/. Looks at training and validation data only."""
    from safetensors.torch import save_file

    folder = out / "export"
    (folder / "checkpoint").mkdir(parents=True, exist_ok=True)
    *_, last = students
    ternary, plain = snap(students[last].cpu()), students["float"].cpu()
    log(f"export: ternary from phase {last}, share of zero codes {check_snapped(ternary):.3f}")
    save_file(tensors(ternary), str(folder / "checkpoint" / "ternary.safetensors"))
    save_file(tensors(plain), str(folder / "checkpoint" / "float.safetensors"))
    val = splits["val"]
    for weights, model in (("ternary", ternary), ("int8", plain)):
        found = integer_logits(model, weights, val.images, config["input"])
        labels = val.labels.cpu()
        temperature = metrics.fit_temperature(found, labels)
        gain = metrics.balanced_nll(found, labels) - metrics.balanced_nll(found / temperature, labels)
        if gain < 0.001:
            temperature = 1.0
        scores = reference.softmax(found, temperature)[:, 1]
        threshold = metrics.operating_point(scores, labels)
        rates = metrics.rates(scores, labels, threshold)
        log(f"export {weights}: temperature {temperature} (loss lower by {gain:.4f}), threshold {threshold}, validation "
            f"AUC {metrics.auc(scores, labels):.4f} sensitivity {rates['sensitivity']:.4f} "
            f"specificity {rates['specificity']:.4f}")
        text = json.dumps(describe(config, weights, temperature, threshold), indent=2) + "\n"
        (folder / f"description-{weights}.json").write_text(text)
    for path in (folder / "checkpoint").iterdir():
        path.chmod(0o644)
    samples(splits["test"], folder / "samples")


def samples(test: data.Split, folder: Path, each: int = 4) -> None:
    """The first `each` images of either class of the test split as 8-bit grey PNG, with their attribution."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for label, word in ((0, "normal"), (1, "pneumonia")):
        for index in torch.nonzero(test.labels == label).flatten()[:each].tolist():
            name = f"test-{index:04d}-{word}.png"
            height, width = test.images.shape[-2:]
            pixels = bytes(test.images[index, 0].flatten().tolist())
            Image.frombytes("L", (width, height), pixels).save(folder / name, optimize=True)
            lines.append(f"- `{name}`: image {index} of the official test split, label {word}")
    (folder / "ATTRIBUTION.md").write_text(
        "# Attribution of the sample images\n\n"
        + "\n".join(sorted(lines)) + "\n\n"
        "The images are unchanged 28 x 28 pixels of PneumoniaMNIST, part of MedMNIST v2: Jiancheng Yang, Rui Shi, Donglai "
        "Wei,\nZequan Liu, Lin Zhao, Bilian Ke, Hanspeter Pfister, Bingbing Ni, \"MedMNIST v2 - A large-scale lightweight "
        "benchmark for\n2D and 3D biomedical image classification\", Scientific Data 10, 41 (2023). Licence: CC BY 4.0.\n\n"
        "Source of the X-rays: Daniel S. Kermany et al., \"Identifying Medical Diagnoses and Treatable Diseases by "
        "Image-Based\nDeep Learning\", Cell 172, 1122-1131 (2018), CC BY 4.0.\n\nNot for clinical use.\n")
