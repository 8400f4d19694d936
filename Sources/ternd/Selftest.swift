import TernBytes
import TernEngine
import TernKernels
import TernModel
import TernPlatform

/// `ternd selftest`.
func runSelftest(_ words: [String]) throws(Failure) -> ExitCode {
    let arguments = try Arguments(words, verb: "selftest", options: ModelOptions.options, flags: ModelOptions.flags + ["--sandbox"])
    try arguments.refuseOperands()
    if arguments.has("--sandbox") { return try testSandbox() }
    let isForced = arguments.value("--isa") != nil || Process.environment("TERN_ISA") != nil
    let chosen = try chosenInstructionSet(arguments.value("--isa")).set
    let sets = isForced ? [chosen] : InstructionSet.available
    var outcome = ExitCode.ok
    if arguments.value("--model") == nil {
        for set in sets {
            let difference = try KernelCheck.difference(of: set)
            try put(difference.map { "\(set.name): DIFFERS: \($0)\n" } ?? "\(set.name): built-in values agree with scalar in every bit\n")
            if difference != nil { outcome = .ourFault }
        }
        return outcome
    }
    let options = try ModelOptions(arguments)
    let model = try options.open()
    for set in sets {
        do throws(Failure) {
            try options.prove(try options.engine(model, on: set))
            try put("\(set.name): \(model.goldenCount) golden vectors agree in every bit\n")
        } catch {
            guard error.code != .inputOutput else { throw error }
            try put("\(set.name): FAILED: \(error.message)\n")
            outcome = error.code
        }
    }
    return outcome
}

/// Compares the kernel tables with each other on built-in values; needs no model.
enum KernelCheck {
    /// Whole panels and blocks of every packing: kernels may rely on padding being zero weights (Models/FORMAT.md, F-15), which `weights` is not.
    private static let rows = 7, columns = 128, depth = 240
    private static let tokens = 11, heads = 2, width = 24

    /// Nil when every operation gives the bits of the scalar table, else the first that does not.
    static func difference(of set: InstructionSet) throws(Failure) -> String? {
        do throws(KernelError) {
            for kind in WeightsKind.allCases {
                // What a table does with a layer depends on its levels.
                for levels in kind == .f32 ? [0] : [127, 63, 42] {
                    guard try linear(kind, levels, on: set) == linear(kind, levels, on: .scalar) else {
                        return "linear layer, weights of kind \(kind.rawValue), \(levels) activation levels"
                    }
                }
            }
            if try attention(on: set) != attention(on: .scalar) { return "attention" }
            if try layerNorm(on: set) != layerNorm(on: .scalar) { return "layer norm" }
            return nil
        } catch {
            throw Failure(.unavailable, "the kernels of \(set.name) cannot be prepared")
        }
    }

    /// Values from -1 to 1 that repeat nothing within a row: a linear congruential sequence (Knuth, MMIX).
    private static func values(_ count: Int, seed: UInt64) -> [Float] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int(state >> 40) - (1 << 23)) / Float(1 << 23)
        }
    }

    private static func bytes(of values: [Float]) -> [UInt8] {
        var bytes: [UInt8] = []
        for value in values {
            for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(shift))) }
        }
        return bytes
    }

    /// Packed weights whose every byte may occur (Models/FORMAT.md, packing): t5 bytes ceil(256 v / 243), v in 0 ..< 243.
    private static func weights(_ kind: WeightsKind) -> [UInt8] {
        if kind == .f32 { return bytes(of: values(columns * depth, seed: 5)) }
        let count = WeightScan.packedByteCount(kind, rows: columns, columns: depth) ?? 0
        return (0..<count).map { index in
            switch kind {
            case .s8: return UInt8(truncatingIfNeeded: index * 37 % 255 + 129)
            case .t2: return [0x00, 0x55, 0xAA, 0x19, 0x64, 0x91, 0x46][index % 7]
            default: return UInt8((256 * (index * 37 % 243) + 242) / 243)
            }
        }
    }

    private static func linear(_ kind: WeightsKind, _ levels: Int, on set: InstructionSet) throws(KernelError) -> [UInt32] {
        var capacity = KernelCapacity()
        try capacity.addLinear(rows: rows, columns: columns, depth: depth)
        let table = try KernelTable(set, threadCount: 1, capacity: capacity)
        let arena = try Arena(byteCount: (rows * depth + rows * columns + 64) * 4)
        arena.copyIn(values(rows * depth, seed: 1).span, at: 0)
        let output = (rows * depth * 4 + 63) / 64 * 64
        let call = LinearCall(
            rows: rows, columns: columns, depth: depth, weightsKind: kind, levels: levels,
            input: ArenaMatrix(byteOffset: 0, stride: depth), output: ArenaMatrix(byteOffset: output, stride: columns), appliesGELU: true)
        let scales = kind == .f32 ? [] : bytes(of: values(columns, seed: 2).map { $0 * 0.001 + 0.002 })
        let bias = bytes(of: values(columns, seed: 3))
        try table.linear(
            call, weights: weights(kind).rawBytes, scales: scales.rawBytes, bias: bias.rawBytes, residual: [UInt8]().rawBytes, in: arena)
        return bits(arena, at: output, rows * columns)
    }

    private static func attention(on set: InstructionSet) throws(KernelError) -> [UInt32] {
        var capacity = KernelCapacity()
        try capacity.addAttention(tokens: tokens, width: width)
        let table = try KernelTable(set, threadCount: 1, capacity: capacity)
        let row = heads * width
        let arena = try Arena(byteCount: tokens * row * 4 * 4 + 64)
        arena.copyIn(values(tokens * row * 3, seed: 4).span, at: 0)
        let output = (tokens * row * 3 * 4 + 63) / 64 * 64
        let call = AttentionCall(
            tokens: tokens, queryCount: tokens, heads: heads, keyValueHeads: heads, width: width, factor: 0.3,
            queries: ArenaMatrix(byteOffset: 0, stride: row), keys: ArenaMatrix(byteOffset: tokens * row * 4, stride: 2 * row),
            output: ArenaMatrix(byteOffset: output, stride: row))
        try table.attention(call, in: arena)
        return bits(arena, at: output, tokens * row)
    }

    private static func layerNorm(on set: InstructionSet) throws(KernelError) -> [UInt32] {
        let table = try KernelTable(set, threadCount: 1, capacity: KernelCapacity())
        let arena = try Arena(byteCount: rows * depth * 8 + 64)
        arena.copyIn(values(rows * depth, seed: 6).span, at: 0)
        let output = (rows * depth * 4 + 63) / 64 * 64
        table.layerNorm(
            LayerNormCall(
                rows: rows, columns: depth, epsilon: 1e-6, input: ArenaMatrix(byteOffset: 0, stride: depth),
                output: ArenaMatrix(byteOffset: output, stride: depth)),
            gamma: bytes(of: values(depth, seed: 7)).rawBytes, beta: bytes(of: values(depth, seed: 8)).rawBytes, in: arena)
        return bits(arena, at: output, rows * depth)
    }

    private static func bits(_ arena: Arena, at byteOffset: Int, _ count: Int) -> [UInt32] {
        let values = arena.values(at: byteOffset, count: count)
        return values.indices.map { values[$0].bitPattern }
    }
}
