import TernBytes
import TernEngine
import TernFindings
import TernKernels
import TernModel
import TernPlatform

/// `ternd bench`.
func runBench(_ words: [String]) throws(Failure) -> ExitCode {
    let arguments = try Arguments(words, verb: "bench", options: ModelOptions.options + ["--repeat", "--format"], flags: ModelOptions.flags + ["--profile", "--maps"])
    try arguments.refuseOperands()
    let isProfiled = arguments.has("--profile")
    let isTable: Bool
    switch arguments.value("--format") {
    case nil: isTable = isProfiled && Process.outputIsTerminal
    case "json": isTable = false
    case "table":
        guard isProfiled else { throw Failure(.usage, "bench: the table is that of --profile") }
        isTable = true
    default: throw Failure(.usage, "bench: --format is json or table")
    }
    let options = try ModelOptions(arguments)
    let repeatCount = try arguments.number("--repeat", 1...1_000_000, standard: 50)
    let model = try options.open()
    let engine = try options.engine(model)
    try options.prove(engine)
    let mapping = arguments.has("--maps") ? try options.engine(model, makesMaps: true) : nil
    if let mapping, mapping.mapShape == nil { throw Failure(.badInput, "model: its plan has no maps") }
    var bench: Bench
    do throws(KernelError) {
        bench = try Bench(engine: engine, repeatCount: repeatCount)
    } catch {
        throw Failure(.unavailable, "the system refuses \(4 * engine.inputCount) bytes of memory for one input")
    }
    do throws(EngineError) {
        try bench.measure()
        if isProfiled { try bench.measureOperations() }
        if let mapping { bench.maps = try bench.measureMaps(mapping) }
    } catch {
        throw Failure(error)
    }
    try put(isTable ? bench.table() : String(decoding: bench.json(), as: UTF8.self) + "\n")
    return .ok
}

/// Measurements of one engine on the model's first golden input.
struct Bench {
    let engine: Engine
    let repeatCount: Int
    let input: Arena
    /// Nanoseconds of each inference, ascending once measured.
    private(set) var times: [UInt64]
    /// Nil when this program was linked without the counting wrappers.
    private var allocationsPerInference: Int?
    private(set) var peakMultiplyAddsPerSecond: Double = 0
    /// Median nanoseconds of each operation; empty unless profiled.
    private(set) var operationTimes: [UInt64] = []
    /// Of each operation, the same way: what a linear layer spends before its products.
    private(set) var operationReadyTimes: [UInt64] = []

    /// Nil unless maps are measured.
    var maps: MapTimes?

    /// - Throws: `KernelError.outOfMemory` when the system refuses the memory of one input.
    init(engine: Engine, repeatCount: Int) throws(KernelError) {
        self.engine = engine
        self.repeatCount = repeatCount
        input = try Arena(byteCount: 4 * engine.inputCount)
        input.withMutableValues(at: 0, count: engine.inputCount) { engine.model.copyGoldenInput(0, into: &$0) }
        times = Array(repeating: 0, count: repeatCount)
    }

    /// Warms up, then times `repeatCount` inferences, each with its feature score where the model has one; allocations are counted over all of them.
    mutating func measure() throws(EngineError) {
        let engine = engine, input = input
        var output = [Float](repeating: 0, count: engine.model.header.outputCount)
        var values = output.mutableSpan
        // Long enough for the system to give every thread a core of its own.
        let warmed = Clock.monotonicNanoseconds + 100_000_000
        var runs = 0
        while runs < 3 || Clock.monotonicNanoseconds < warmed {
            try engine.infer(input.values(at: 0, count: engine.inputCount), into: &values)
            runs += 1
        }
        let before = Process.allocationCount
        for index in 0..<repeatCount {
            let start = Clock.monotonicNanoseconds
            try engine.infer(input.values(at: 0, count: engine.inputCount), into: &values)
            _ = engine.featureScore
            times[index] = Clock.monotonicNanoseconds - start
        }
        let counted = Process.allocationCount - before
        // A program linked without the wrappers counts nothing, not even what it has allocated to come here.
        allocationsPerInference = before == 0 ? nil : (counted + repeatCount - 1) / repeatCount
        times.sort()
        measurePeak()
    }

    /// The dot-product instruction alone, on one core: the best of many short runs, since another process may take the core in any of them.
    private mutating func measurePeak() {
        var rounds = 1 << 10
        var runs = 0
        while runs < 40 {
            let start = Clock.monotonicNanoseconds
            let done = engine.measurePeak(rounds: rounds)
            let elapsed = Clock.monotonicNanoseconds - start
            if elapsed < 1_000_000, rounds < 1 << 40 {
                rounds *= 2
            } else {
                runs += 1
                peakMultiplyAddsPerSecond = max(peakMultiplyAddsPerSecond, Double(done) / Double(max(elapsed, 1)) * 1e9)
            }
        }
    }

    /// Times each operation, in as many inferences of their own.
    mutating func measureOperations() throws(EngineError) {
        let count = engine.model.operations.count
        let runs = min(repeatCount, 1000)
        var samples = [[UInt64]](repeating: [], count: count), readySamples = samples
        let engine = engine, input = input
        defer { engine.readyNanoseconds = nil }
        var output = [Float](repeating: 0, count: engine.model.header.outputCount)
        var values = output.mutableSpan
        for _ in 0..<runs {
            engine.readyNanoseconds = 0
            var last = Clock.monotonicNanoseconds
            try engine.infer(input.values(at: 0, count: engine.inputCount), into: &values) { operation in
                let now = Clock.monotonicNanoseconds
                samples[operation].append(now - last)
                readySamples[operation].append(engine.readyNanoseconds ?? 0)
                engine.readyNanoseconds = 0
                last = Clock.monotonicNanoseconds
            }
        }
        operationTimes = samples.map(median)
        operationReadyTimes = readySamples.map(median)
    }

    private func median(_ sample: [UInt64]) -> UInt64 {
        let sorted = sample.sorted()
        return sorted[sorted.count / 2]
    }

    /// One JSON object.
    func json() -> [UInt8] {
        let median = times[repeatCount / 2]
        let multiplyAdds = Double(engine.multiplyAddCount)
        var text = JSONText()
        text.beginObject()
        text.member("model", engine.model.header.name)
        text.member("version", engine.model.header.version)
        text.member("digest", Hexadecimal.string(engine.model.identity))
        text.member("isa", engine.instructionSet.name)
        text.member("threads", engine.threadCount)
        text.member("repeat", repeatCount)
        text.member("median_ms", milliseconds(median))
        text.member("min_ms", milliseconds(times[0]))
        text.member("p95_ms", milliseconds(times[min(repeatCount - 1, repeatCount * 95 / 100)]))
        text.member("gmac", multiplyAdds / 1e9)
        text.member("gmac_per_s", multiplyAdds / Double(max(median, 1)))
        text.member("isa_peak_gmac_per_s", peakMultiplyAddsPerSecond / 1e9)
        text.member("arena_bytes", engine.arenaByteCount)
        text.key("allocations_per_inference")
        if let allocationsPerInference { text.value(allocationsPerInference) } else { text.null() }
        text.member("peak_resident_bytes", Process.peakResidentByteCount)
        maps?.write(to: &text)
        if !operationTimes.isEmpty {
            text.key("operations")
            text.beginArray()
            for (index, time) in operationTimes.enumerated() {
                text.beginObject()
                text.member("name", engine.model.operations[index].name)
                text.member("kind", engine.model.operations[index].kindName)
                text.member("median_us", Double(time) / 1e3)
                text.member("gmac", Double(engine.multiplyAddCount(ofOperation: index)) / 1e9)
                text.member("gmac_per_s", Double(engine.multiplyAddCount(ofOperation: index)) / Double(max(time, 1)))
                if case .linear = engine.model.operations[index].operation {
                    text.member("ready_us", Double(operationReadyTimes[index]) / 1e3)
                }
                text.member("bytes", engine.trafficByteCount(ofOperation: index))
                text.endObject()
            }
            text.endArray()
        }
        text.endObject()
        return text.utf8
    }

    private func milliseconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e6 }
}
