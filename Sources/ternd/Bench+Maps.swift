import TernEngine
import TernModel
import TernFindings
import TernKernels
import TernModel
import TernPlatform

/// What the maps of one image cost.
struct MapTimes {
    /// A map for each reported label, or for the first output where there is none.
    var count: Int
    /// Nanoseconds that the fastest and the median inference with its maps take longer than those without, the two in turns.
    var leastCost, medianCost: Int64
    /// Nanoseconds of the fastest inference without.
    var leastInference: UInt64
    /// Nil when this program was linked without the counting wrappers.
    var allocationsPerImage: Int?
    /// Bytes that maps need beside the plan's.
    var byteCount: Int
    /// SHA-256 of the maps of all outputs, of each the base and the patches, as little-endian binary32: of one model the same everywhere.
    var digest: String
}

extension Bench {
    /// Times inferences without and with maps in turns.
    func measureMaps(_ mapping: Engine) throws(EngineError) -> MapTimes {
        guard let shape = mapping.mapShape else { throw .noMap(output: 0) }
        let labels = engine.model.labels, reported = labels.labels.filter { $0.isReported }
        var output = [Float](repeating: 0, count: engine.model.header.outputCount), values = [Float](repeating: 0, count: shape.count)
        var plain = [UInt64](repeating: 0, count: repeatCount), mapped = plain
        var outputSpan = output.mutableSpan, valuesSpan = values.mutableSpan
        let engine = engine, input = input
        var before = 0
        for index in -3..<repeatCount {
            if index == 0 { before = Process.allocationCount }
            let start = Clock.monotonicNanoseconds
            try engine.infer(input.values(at: 0, count: engine.inputCount), into: &outputSpan)
            let middle = Clock.monotonicNanoseconds
            try mapping.infer(input.values(at: 0, count: engine.inputCount), into: &outputSpan)
            for label in reported { _ = try mapping.makeMap(of: label, in: labels, into: &valuesSpan) }
            if reported.isEmpty { _ = try mapping.makeMap(ofOutput: 0, into: &valuesSpan) }
            let end = Clock.monotonicNanoseconds
            guard index >= 0 else { continue }
            plain[index] = middle - start
            mapped[index] = end - middle
        }
        let counted = Process.allocationCount - before
        var bytes: [UInt8] = []
        func append(_ value: Float) {
            for shift in stride(from: 0 as UInt32, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift)) }
        }
        for index in 0..<engine.model.header.outputCount {
            append(try mapping.makeMap(ofOutput: index, into: &valuesSpan))
            for patch in valuesSpan.indices { append(valuesSpan[patch]) }
        }
        plain.sort()
        mapped.sort()
        func cost(_ index: Int) -> Int64 { Int64(mapped[index]) - Int64(plain[index]) }
        return MapTimes(
            count: max(reported.count, 1), leastCost: cost(0), medianCost: cost(repeatCount / 2), leastInference: plain[0],
            allocationsPerImage: before == 0 ? nil : (counted + repeatCount - 1) / repeatCount,
            byteCount: mapping.arenaByteCount - engine.arenaByteCount, digest: Hexadecimal.string(Digest.sha256(bytes)))
    }
}

extension MapTimes {
    /// The members of the report.
    func write(to text: inout JSONText) {
        text.member("maps", count)
        text.member("map_ms", Double(medianCost) / 1e6)
        text.member("map_min_ms", Double(leastCost) / 1e6)
        // Of the fastest of each: what other programs take is in neither.
        text.member("map_share", Double(leastCost) / Double(max(leastInference, 1)))
        text.member("map_bytes", byteCount)
        text.member("map_digest", digest)
        text.key("map_allocations")
        if let allocationsPerImage { text.value(allocationsPerImage) } else { text.null() }
    }
}
