"""One peer in a process of its own.

    python -m peers.worker ENGINE FOLDER THREADS    serves: a line `WARM COUNT` gives a JSON list of nanoseconds
    python -m peers.worker ENGINE FOLDER 1 cold     one inference, then one line of JSON

The process is pinned by its parent, which also stops it (SIGSTOP) while others run: pools that spin between inferences, as some peers' do, then take no
core from anyone, and need not be told to do otherwise than they do by themselves.
"""
import ctypes
import json
import signal
import sys
import time

STARTED = time.perf_counter_ns()
KERNELS = set()
PR_SET_PDEATHSIG = 1


def load_image(folder):
    import numpy as np

    return np.fromfile(f"{folder}/image.f32", np.float32).reshape(1, 3, 224, 224)


def ort(path):
    def load(folder, threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(f"{folder}/{path}", options, providers=["CPUExecutionProvider"])
        feed = {"image": load_image(folder)}
        return lambda: session.run(None, feed)[0]
    return load


def openvino(path, precision=None):
    """`precision`: f32 keeps a float model in binary32; by itself OpenVINO runs it in bfloat16 where the CPU has that."""
    def load(folder, threads):
        import openvino

        core = openvino.Core()
        options = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
        if precision:
            options["INFERENCE_PRECISION_HINT"] = precision
        compiled = core.compile_model(f"{folder}/{path}.xml", "CPU", options)
        # Which instruction sets its kernels say they use.
        names = (str(node.get_rt_info()["primitiveType"].astype(str)) for node in compiled.get_runtime_model().get_ops())
        KERNELS.update(part for name in names for part in name.split("_") if part.startswith(("avx", "sse", "amx")))
        request = compiled.create_infer_request()
        image = openvino.Tensor(load_image(folder))

        def run():
            request.infer({0: image})
            return request.get_output_tensor(0).data
        return run
    return load


def ncnn(path):
    def load(folder, threads):
        import ncnn as library
        import numpy as np

        net = library.Net()
        net.opt.num_threads = threads
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
        net.opt.use_bf16_storage = False
        if net.load_param(f"{folder}/{path}.param") or net.load_model(f"{folder}/{path}.bin"):
            sys.exit("ncnn cannot load its model")
        pixels = load_image(folder)[0]
        # The Mat borrows the array's memory; the copy is the Mat's own.
        image = library.Mat(pixels).clone()

        def run():
            extractor = net.create_extractor()
            extractor.input("in0", image)
            status, answer = extractor.extract("out0")
            if status:
                sys.exit("ncnn cannot run its model")
            return np.array(answer)
        return run
    return load


def litert(path):
    def load(folder, threads):
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(f"{folder}/{path}.tflite", num_threads=threads)
        interpreter.allocate_tensors()
        source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
        image = load_image(folder)

        def run():
            interpreter.set_tensor(source, image)
            interpreter.invoke()
            return interpreter.get_tensor(target)
        return run
    return load


LOADERS = {
    "ort-float": ort("model.onnx"), "ort-dynamic": ort("ort-dynamic.onnx"), "ort-qdq": ort("ort-qdq.onnx"),
    "openvino-float": openvino("openvino-float", "f32"), "openvino-bf16": openvino("openvino-float"), "openvino-int8": openvino("openvino-int8"),
    "ncnn-float": ncnn("ncnn-float"), "litert-float": litert("litert-float"), "litert-int8": litert("litert-int8"),
}


def peak_resident_bytes():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def main():
    # A stopped process would outlive a parent that was killed.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    engine, folder, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    run = LOADERS[engine](folder, threads)
    output = run()
    if sys.argv[4:] == ["cold"]:
        print(json.dumps({"script_ns": time.perf_counter_ns() - STARTED, "peak_resident_bytes": peak_resident_bytes()}), flush=True)
        return
    output.astype("float32").tofile(f"{folder}/output-{engine}.f32")
    print(json.dumps({"kernels": sorted(KERNELS)}), flush=True)
    for line in sys.stdin:
        warm, count = map(int, line.split())
        for _ in range(warm):
            run()
        times = []
        for _ in range(count):
            start = time.perf_counter_ns()
            run()
            times.append(time.perf_counter_ns() - start)
        print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()
