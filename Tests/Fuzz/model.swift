// fuzz-targets: TernWriter
// fuzz-sources: Tests/TernModelTests/SampleModel.swift Tests/TernModelTests/WorkedExample.swift
// fuzz-options: -max_len=98304 -malloc_limit_mb=4
import Glibc
import TernModel
import TernPlatform
import TernWriter

/// Any bytes either load or are refused with a rule. What loads is written again by the writer to the same bytes, and all its views can be read.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let mapping = try? MappedFile(copying: bytes) else { return 0 }
    let options = ModelFile.Options(allowsUnsigned: true)
    do throws(ModelFileError) {
        let file = try ModelFile(validating: mapping, options: options)
        checkViews(file)
        checkPlan(file)
        checkMeasured(file)
        checkRewriting(file, bytes)
    } catch {
        precondition(error.rule.hasPrefix("F-") && error.message.hasPrefix(error.rule), "an error without its rule")
    }
    return 0
}

private func checkViews(_ file: ModelFile) {
    var sum = 0
    for (index, tensor) in file.tensors.enumerated() {
        let bytes = file.bytes(ofTensor: index)
        precondition(bytes.byteCount == tensor.byteCount)
        sum += lastByte(bytes)
    }
    // A seed stands for as many values as the arena holds; the fuzzer's memory does not hold all of them.
    var input = [Float](repeating: .nan, count: file.header.inputValueCount <= 1 << 16 ? file.header.inputValueCount : 0)
    for index in 0..<file.goldenCount where !input.isEmpty {
        var values = input.mutableSpan
        file.copyGoldenInput(index, into: &values)
        precondition(input.allSatisfy { $0.isFinite }, "a golden input that is not finite")
        sum += lastByte(file.goldenOutput(index))
    }
    sum += lastByte(file.card)
    precondition(sum >= 0)
}

private func lastByte(_ bytes: RawSpan) -> Int {
    bytes.byteCount == 0 ? 0 : Int(bytes.unsafeLoad(fromByteOffset: bytes.byteCount - 1, as: UInt8.self))
}

/// The bounds of the regions, computed once more and differently: the last value of the last row.
private func checkPlan(_ file: ModelFile) {
    func check(_ region: Region, _ rows: Int, _ columns: Int) {
        precondition(region.byteOffset >= 0 && region.byteOffset % 4 == 0 && rows > 0 && columns > 0 && region.stride >= columns)
        precondition(((rows - 1) * region.stride + columns) * 4 + region.byteOffset <= file.header.arenaByteCount, "a region leaves the arena")
    }
    for named in file.operations {
        switch named.operation {
        case .patches(let patches):
            check(patches.image, patches.channels * patches.height, patches.width)
            check(
                patches.output, (patches.height / patches.patch) * (patches.width / patches.patch),
                patches.channels * patches.patch * patches.patch)
        case .fill(let fill): check(fill.output, fill.rows, fill.columns)
        case .layerNorm(let norm):
            check(norm.input, norm.rows, norm.columns)
            check(norm.output, norm.rows, norm.columns)
        case .linear(let linear):
            check(linear.input, linear.rows, linear.depth)
            check(linear.output, linear.rows, linear.columns)
            if case .arena(let residual) = linear.residual { check(residual, linear.rows, linear.columns) }
            precondition(file.tensors[linear.weights].dimensions == [linear.columns, linear.depth])
        case .attention(let attention):
            let columns = attention.heads * attention.width
            check(attention.queries, attention.queryCount, columns)
            check(attention.keys, attention.tokens, 2 * attention.keyValueHeads * attention.width)
            check(attention.output, attention.queryCount, columns)
        case .meanPool(let pool):
            check(pool.input, pool.rows, pool.columns)
            check(pool.output, 1, pool.columns)
        }
    }
}

/// What the service and the engine take for granted of operating points and feature statistics.
private func checkMeasured(_ file: ModelFile) {
    precondition(file.operatingPoints.isEmpty == file.operatingPointsMeasuredOn.isEmpty)
    for point in file.operatingPoints {
        let label = file.labels.labels[point.labelIndex]
        precondition(!point.name.isEmpty && point.threshold >= 0 && point.threshold <= 1 && point.positives > 0 && point.negatives > 0)
        let points = file.operatingPoints.filter { $0.labelIndex == point.labelIndex }
        precondition(points.count <= 16 && Set(points.map(\.name)).count == points.count)
        precondition(points.contains { $0.name == label.operatingPoint && $0.threshold == label.threshold }, "a default that is no point")
    }
    checkReading(file)
    guard let statistics = file.featureStatistics else { return precondition(file.featureValues.isEmpty) }
    guard case .linear(let last)? = file.operations.last?.operation else { preconditionFailure("statistics of no feature") }
    precondition(statistics.byteOffset >= 0 && statistics.byteOffset + 4 * statistics.count <= file.header.arenaByteCount)
    precondition(last.rows == 1 && last.depth == statistics.count && statistics.rank <= statistics.count)
    precondition(last.output.byteOffset == file.header.outputByteOffset && last.columns == file.header.outputCount)
    precondition(file.featureValues.byteCount == 4 * (statistics.count + statistics.rank + statistics.rank * statistics.count))
    precondition(statistics.isFlagged(.nan) && statistics.isFlagged(.infinity) && !statistics.isFlagged(0))
}

/// What reports and results take for granted of the reading rules and the card.
private func checkReading(_ file: ModelFile) {
    let card = ModelCard(reading: file.card)
    precondition(card.limits.count <= ModelCard.limitCount && file.confirmation.count == 32)
    guard let rules = file.readingRules else { return precondition(!file.isConfirmed) }
    precondition(rules.labels.count == file.labels.labels.count && !rules.chosenOn.isEmpty && !rules.measuredOn.isEmpty)
    precondition(rules.regionCode == nil || !rules.region.isEmpty)
    if let level = rules.conformalLevel { precondition(level > 0 && level < 1 && file.labels.activation == .softmax) }
    for (rule, label) in zip(rules.labels, file.labels.labels) {
        precondition((rule.conformal != nil) == (rules.conformalLevel != nil) && rule.chineseName.utf8.count < 64)
        guard let tiers = rule.tiers else { continue }
        precondition(label.threshold != nil && tiers.counts.count == 6 && tiers.counts.allSatisfy { $0.right <= $0.cases })
        precondition(tiers.negativeHigh <= tiers.negativeMedium && tiers.negativeMedium <= 1 && tiers.positiveMedium <= tiers.positiveHigh && tiers.positiveMedium >= 0)
    }
}

/// Every file without a signature, of the least minor version for its features and without unknown sections is canonical.
private func checkRewriting(_ file: ModelFile, _ bytes: [UInt8]) {
    let hasHalf = file.tensors.contains { $0.elementType == .f16 }
    let isMeasured = !file.operatingPoints.isEmpty || file.featureStatistics != nil
    let later: [(isThere: Bool, minor: UInt8)] = [
        (isMeasured, 3), (file.qualityRules != nil, 4), (file.scoreReference != nil, 5), (file.readingRules != nil, 6),
    ]
    let sections = 7 + (file.operatingPoints.isEmpty ? 0 : 1) + (file.featureStatistics == nil ? 0 : 1) + later.dropFirst().count { $0.isThere }
    let minor = later.last { $0.isThere }?.minor ?? (hasHalf ? 2 : bytes[12])
    guard file.signature == .unsigned, bytes[12] & 2 == (hasHalf ? 2 : 0), bytes[10] == minor, bytes[11] == 0, Int(bytes[32]) == sections
    else { return }
    do {
        let written = try ModelWriter.bytes(of: ModelDraft(file))
        precondition(written == bytes, "a file that loads is not what the writer makes of it")
    } catch {
        preconditionFailure("a file that loads cannot be written: \(error)")
    }
}

@_silgen_name("LLVMFuzzerMutate")
private func mutate(_ start: UnsafeMutablePointer<UInt8>, _ count: Int, _ capacity: Int) -> Int

/// Mutates inside a section or a record and makes the digests right again, so that the rules behind them are reached.
@_cdecl("LLVMFuzzerCustomMutator")
public func customMutator(_ start: UnsafeMutablePointer<UInt8>, _ count: Int, _ capacity: Int, _ seed: CUnsignedInt) -> Int {
    var random = Random(state: UInt64(seed) | 1 << 40)
    guard count >= ModelFormat.headerByteCount, random.below(8) != 0 else { return mutate(start, count, capacity) }
    var bytes = Array(UnsafeBufferPointer(start: start, count: count))
    for _ in 0...random.below(2) {
        switch random.below(6) {
        case 0: mutateField(&bytes, in: 8..<ModelFormat.identityOffset, &random)
        case 1: mutateSection(&bytes, &random)
        case 2: resize(&bytes, capacity, &random)
        default:
            if let section = section(bytes, &random), section.count >= 4 { mutateField(&bytes, in: section, &random) }
        }
    }
    ModelWriter.reseal(&bytes)
    let result = min(bytes.count, capacity)
    for index in 0..<result { start[index] = bytes[index] }
    return result
}

/// Numbers at which checks turn.
private let turningPoints: [UInt64] = [
    0, 1, 2, 3, 4, 5, 7, 8, 16, 63, 64, 127, 128, 255, 256, 4095, 4096, 4097, 65_535, 65_536, 65_537, 1 << 20, 1 << 20 + 1, 1 << 30, 1 << 31,
    1 << 32 - 1, 1 << 32, 1 << 62, 1 << 63 - 1, 1 << 63, .max,
]

private func mutateField(_ bytes: inout [UInt8], in range: Range<Int>, _ random: inout Random) {
    let byteCount = random.below(3) == 0 ? 8 : 4
    let offset = range.lowerBound + random.below(max(range.count / 4, 1)) * 4
    guard offset + byteCount <= bytes.count else { return }
    let old = (0..<byteCount).reduce(UInt64(0)) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) }
    let value: UInt64
    switch random.below(4) {
    case 0: value = old &+ 1
    case 1: value = old &- 1
    case 2: value = old ^ 1 << UInt64(random.below(8 * byteCount))
    default: value = turningPoints[random.below(turningPoints.count)]
    }
    for index in 0..<byteCount { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index))) }
}

private func mutateSection(_ bytes: inout [UInt8], _ random: inout Random) {
    guard let range = section(bytes, &random) else { return }
    var part = Array(bytes[range])
    _ = part.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.map { mutate($0, buffer.count, buffer.count) } }
    bytes.replaceSubrange(range, with: part)
}

/// Cuts bytes off the end, or appends zeros.
private func resize(_ bytes: inout [UInt8], _ capacity: Int, _ random: inout Random) {
    let change = 1 + random.below(300)
    if random.below(2) == 0 {
        bytes.removeLast(min(change, bytes.count - ModelFormat.headerByteCount))
    } else if bytes.count + change <= capacity {
        bytes += [UInt8](repeating: 0, count: change)
    }
}

/// The bytes of one of the sections that the table names, when they lie in the file.
private func section(_ bytes: [UInt8], _ random: inout Random) -> Range<Int>? {
    let record = ModelFormat.sectionTableOffset + random.below(12) * ModelFormat.sectionRecordByteCount
    func number(_ offset: Int) -> UInt64 { (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) } }
    let (offset, byteCount) = (number(record + 8), number(record + 16))
    guard offset <= UInt64(bytes.count), byteCount <= UInt64(bytes.count) - offset, byteCount > 0 else { return nil }
    return Int(offset)..<Int(offset + byteCount)
}

/// The multiplier of Knuth's MMIX generator; the upper bits are the better ones.
private struct Random {
    var state: UInt64
    mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }
}

/// Writes the files from which fuzzing starts, when Tools/fuzz asks for them, and ends.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ count: UnsafeMutablePointer<CInt>?, _ arguments: UnsafeMutableRawPointer?) -> CInt {
    guard let folder = getenv("TERN_FUZZ_SEEDS").map({ String(cString: $0) }) else { return 0 }
    do {
        try ModelWriter.write(try SampleModel.bytes(), to: folder + "/sample.tern")
        var generated = try SampleModel.draft()
        generated.golden = [GoldenVector(seed: 1, output: generated.golden[0].output)]
        try ModelWriter.write(try ModelWriter.bytes(of: generated), to: folder + "/generated.tern")
        try ModelWriter.write(try ModelWriter.bytes(of: SampleModel.halfDraft()), to: folder + "/half.tern")
        try ModelWriter.write(try ModelWriter.bytes(of: SampleModel.measuredDraft()), to: folder + "/measured.tern")
        try ModelWriter.write(try ModelWriter.bytes(of: SampleModel.readingDraft()), to: folder + "/reading.tern")
        try ModelWriter.write(try WorkedExample.bytes(), to: folder + "/worked-example.tern")
        try ModelWriter.write(try ModelWriter.bytes(of: WorkedExample.draft()), to: folder + "/unsigned.tern")
    } catch {
        exit(1)
    }
    exit(0)
}
