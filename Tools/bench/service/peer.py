"""The service beside Tern: python peer.py SOCKET FOLDER float|int8."""
import io
import json
import sys
import uuid
from pathlib import Path

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI, HTTPException, Request
from PIL import Image

SOCKET, FOLDER, KIND = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
DESCRIPTION = json.loads((FOLDER / "description.json").read_text())
SOURCE, OUTPUT = DESCRIPTION["input"], DESCRIPTION["output"]
OPTIONS = onnxruntime.SessionOptions()
OPTIONS.intra_op_num_threads = OPTIONS.inter_op_num_threads = 1
SESSION = onnxruntime.InferenceSession(FOLDER / f"{KIND}.onnx", OPTIONS, providers=["CPUExecutionProvider"])
MEAN = np.array(SOURCE["mean"], np.float32).reshape(-1, 1, 1)
DEVIATION = np.array(SOURCE["std"], np.float32).reshape(-1, 1, 1)
app = FastAPI(openapi_url=None)


def prepared(body):
    image = Image.open(io.BytesIO(body)).convert("L" if SOURCE["channels"] == 1 else "RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    image = image.crop((left, top, left + side, top + side))
    if image.size != (SOURCE["width"], SOURCE["height"]):
        image = image.resize((SOURCE["width"], SOURCE["height"]), Image.Resampling.BICUBIC)
    values = np.asarray(image, np.float32).reshape(SOURCE["height"], SOURCE["width"], -1).transpose(2, 0, 1) / 255
    return ((values - MEAN) / DEVIATION)[None]


@app.post("/v1/studies")
async def study(request: Request):
    try:
        image = prepared(await request.body())
    except OSError as error:
        raise HTTPException(400, "not an image that is read") from error
    # In the loop's thread: one thread computes, as in ternd, and a pool of them would only add switches.
    logits = SESSION.run(None, {"image": image})[0][0] / OUTPUT["temperature"]
    scores = np.exp(logits - logits.max())
    scores /= scores.sum()
    return {"id": str(uuid.uuid4()), "findings": [{"label": label["name"], "score": float(scores[label["index"]])}
                                                  for label in DESCRIPTION["labels"] if label.get("report", True)]}


if __name__ == "__main__":
    uvicorn.run(app, uds=SOCKET, log_level="warning", access_log=False)
