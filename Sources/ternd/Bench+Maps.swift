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
    /// Median nanoseconds that an inference with its maps takes longer than one without, the two in turns.
    var cost: Int64
    /// Median nanoseconds of the inferences without.
    var inference: UInt64
    /// Nil when this program was linked without the counting wrappers.
    var allocationsPerImage: Int?
    /// Bytes that maps need beside the plan's.
    var byteCount: Int
}

extension Bench {
    /// Times inferences without and with maps in turns.
    func measureMaps(_ mapping: Engine) throws(EngineError) -> MapTimes {
        guard let shape = mapping.mapShape else { throw .noMap(output: 0) }
        let labels = engine.model.labels, reported = labels.labels.filter { $0.isReported }
        var output = [Float](repeating: 0, count: engine.model.header.outputCount), values = [Float](repeating: 0, count: shape.count)
        var plain = [UInt64](repeating: 0, count: repeatCount), differences = [Int64](repeating: 0, count: repeatCount)
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
            differences[index] = Int64(end - middle) - Int64(middle - start)
        }
        let counted = Process.allocationCount - before
        plain.sort()
        differences.sort()
        return MapTimes(
            count: max(reported.count, 1), cost: differences[repeatCount / 2], inference: plain[repeatCount / 2],
            allocationsPerImage: before == 0 ? nil : (counted + repeatCount - 1) / repeatCount,
            byteCount: mapping.arenaByteCount - engine.arenaByteCount)
    }
}

extension MapTimes {
    /// The members of the report.
    func write(to text: inout JSONText) {
        text.member("maps", count)
        text.member("map_ms", Double(cost) / 1e6)
        text.member("map_share", Double(cost) / Double(max(inference, 1)))
        text.member("map_bytes", byteCount)
        text.key("map_allocations")
        if let allocationsPerImage { text.value(allocationsPerImage) } else { text.null() }
    }
}
