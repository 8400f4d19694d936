import TernBytes
import TernKernels
import TernModel
import TernPlatform
import TernPrepare

// For every path on standard input: the file is read, decoded and prepared as ternd does, and one line says how long each step took and the
// FNV-1a hash of the prepared values' bits: "READ DECODE PREPARE HASH" with nanoseconds. Arguments: filter (bilinear or bicubic), instruction set.
// Tools/bench/reading/compare_reading drives it.

func fail(_ message: String) -> Never {
    Process.writeMessage("reading-bench: " + message + "\n")
    Process.exit(64)
}

Process.keepFreedMemory()
let words = Process.arguments
guard words.count <= 2 else { fail("usage: reading-bench [bilinear|bicubic] [INSTRUCTION-SET]") }
let filter: InputRecipe.Filter = words.first == "bilinear" ? .bilinear : .bicubic
guard let set = words.count > 1 ? InstructionSet(name: words[1]) : .best else { fail("no instruction set \(words[1])") }
let kernels: ResizeKernels
do throws(KernelError) { kernels = try ResizeKernels(set) } catch { fail("\(set.name) does not run here") }
let recipe = InputRecipe(
    modality: "", channels: 1, height: 224, width: 224, crop: .stretch, filter: filter, intensity: .fileWindow, scale: [1.0 / 255], offset: [0])

while let path = readLine() {
    do {
        let start = Clock.monotonicNanoseconds
        let bytes = try readFile(path, limitByteCount: 1 << 30)
        let read = Clock.monotonicNanoseconds
        guard let kind = ImageKind(recognising: bytes.rawBytes) else { fail("the file is no image") }
        let image = try ImageFile(parsing: bytes.rawBytes, as: kind).frame(0, of: bytes.rawBytes)
        let decoded = Clock.monotonicNanoseconds
        let prepared = try prepare(image, recipe: recipe, kernels: kernels)
        let end = Clock.monotonicNanoseconds
        let hash = prepared.values.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1.bitPattern)) &* 0x100_0000_01B3 }
        try Process.writeOutput("\(read - start) \(decoded - read) \(end - decoded) \(hash)\n")
    } catch {
        fail("\(error)")
    }
}
