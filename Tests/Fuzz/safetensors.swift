// fuzz-targets: TernConvert
// fuzz-seeds: Tests/Vectors/TernConvert
// fuzz-options: -max_len=16384 -malloc_limit_mb=400
import TernConvert
import TernPlatform

/// Any bytes are a checkpoint whose tensors can be read, or an error; the same bytes as JSON are a document that is written as it is read.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard !bytes.isEmpty else { return 0 }
    readTensors(bytes)
    // A header length that fits lets mutations of the header be reached.
    if bytes.count > 8 {
        for buffer in [0, (bytes.count - 8) / 2] {
            var fitted = bytes
            let header = bytes.count - 8 - buffer
            for index in 0..<8 { fitted[index] = UInt8(truncatingIfNeeded: header >> (8 * index)) }
            readTensors(fitted)
        }
    }
    if let value = try? JSONValue(parsing: bytes) {
        guard let again = try? JSONValue(parsing: Array(value.text.utf8)) else { preconditionFailure("the text does not parse") }
        precondition(again == value)
        _ = try? ModelDescription(parsing: value)
    }
    return 0
}

private func readTensors(_ bytes: [UInt8]) {
    guard let mapping = try? MappedFile(copying: bytes), let file = try? Safetensors(validating: mapping) else { return }
    for entry in file.entries {
        if let values = try? file.values(of: entry) { precondition(values.count == entry.elementCount) }
    }
}
