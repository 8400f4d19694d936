import CTernKernels
import Testing

@testable import TernKernels

@Suite struct KernelTableTests {
    func bytes(_ values: [Float]) -> [UInt8] {
        values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * $0)) } }
    }

    /// A small block: norm, linear, attention, linear with GELU, linear with residual, pool. Gives the arena afterwards.
    func runBlock(_ set: InstructionSet, threads: Int, joined: Bool = false) throws -> [UInt32] {
        var random = Generator(seed: 501)
        let (tokens, channels, heads) = (29, 48, 3)
        func floats(_ count: Int) -> [UInt8] { bytes((0..<count).map { _ in random.unit() }) }
        func weights(_ rows: Int, _ columns: Int, _ kind: WeightsKind) -> [UInt8] {
            let largest = kind == .s8 ? 127 : 1
            return pack((0..<rows * columns).map { _ in Int8(Int(random.next() % UInt64(2 * largest + 1)) - largest) }, rows: rows, columns: columns, kind)
        }
        var capacity = KernelCapacity()
        try capacity.addLinear(rows: tokens, columns: 4 * channels, depth: channels)
        try capacity.addLinear(rows: tokens, columns: 4 * channels, depth: 4 * channels)
        try capacity.addAttention(tokens: tokens, width: channels / heads)
        let table = try KernelTable(set, threadCount: threads, capacity: capacity)
        let x = ArenaMatrix(byteOffset: 0, stride: channels)
        let normed = ArenaMatrix(byteOffset: tokens * channels * 4, stride: channels)
        let wide = ArenaMatrix(byteOffset: 2 * tokens * channels * 4, stride: 4 * channels)
        let pooled = ArenaMatrix(byteOffset: 6 * tokens * channels * 4, stride: channels)
        let arena = try Arena(byteCount: 6 * tokens * channels * 4 + channels * 4)
        table.fill(rows: tokens, columns: channels, output: x, tensor: floats(tokens * channels).raw, in: arena)
        let norm = LayerNormCall(rows: tokens, columns: channels, epsilon: 1e-6, input: x, output: normed)
        let gamma = floats(channels), beta = floats(channels)
        let call = LinearCall(rows: tokens, columns: 3 * channels, depth: channels, weightsKind: .t5, levels: 63, input: normed, output: wide)
        let packed = weights(3 * channels, channels, .t5), bias = floats(3 * channels)
        if joined {
            try table.linear(
                call, weights: packed.raw, scales: bytes([0.02]).raw, bias: bias.raw, residual: RawSpan(), after: norm, gamma: gamma.raw,
                beta: beta.raw, in: arena)
        } else {
            table.layerNorm(norm, gamma: gamma.raw, beta: beta.raw, in: arena)
            try table.linear(call, weights: packed.raw, scales: bytes([0.02]).raw, bias: bias.raw, residual: RawSpan(), in: arena)
        }
        try table.attention(
            AttentionCall(
                tokens: tokens, queryCount: tokens, heads: heads, keyValueHeads: heads, width: channels / heads, factor: 0.36, queries: wide,
                keys: ArenaMatrix(byteOffset: wide.byteOffset + channels * 4, stride: 4 * channels), output: normed), in: arena)
        try table.linear(
            LinearCall(
                rows: tokens, columns: 4 * channels, depth: channels, weightsKind: .t2, levels: 127, input: normed, output: wide, appliesGELU: true),
            weights: weights(4 * channels, channels, .t2).raw, scales: bytes([0.01]).raw, bias: RawSpan(), residual: RawSpan(), in: arena)
        try table.linear(
            LinearCall(
                rows: tokens, columns: channels, depth: 4 * channels, weightsKind: .s8, levels: 42, input: wide, output: x, residual: .arena(x)),
            weights: weights(channels, 4 * channels, .s8).raw, scales: bytes((0..<channels).map { _ in abs(random.unit()) + 0.01 }).raw,
            bias: floats(channels).raw, residual: RawSpan(), in: arena)
        try table.linear(
            LinearCall(
                rows: tokens, columns: channels, depth: channels, weightsKind: .f32, levels: 0, input: x, output: normed, residual: .tensor),
            weights: floats(channels * channels).raw, scales: RawSpan(), bias: floats(channels).raw,
            residual: floats(tokens * channels).raw, in: arena)
        table.meanPool(rows: tokens, columns: channels, input: normed, output: pooled, in: arena)
        let values = arena.values(at: 0, count: arena.byteCount / 4)
        return values.indices.map { values[$0].bitPattern }
    }

    @Test("one, two and three threads on every table give the bits of scalar on one thread", arguments: Table.native)
    func threadsAndTablesAgree(table: Table) throws {
        let expected = try runBlock(.scalar, threads: 1)
        #expect(expected.contains { $0 != 0 })
        for threads in 1...3 {
            #expect(try runBlock(table.instructionSet, threads: threads) == expected, "\(threads) threads")
            #expect(try runBlock(table.instructionSet, threads: threads, joined: true) == expected, "\(threads) threads, joined")
        }
    }

    /// A ternary layer so wide that a table with prepared weights takes it in several rounds of panels, with what differs by column.
    struct WideLayer {
        let rows = 7, columns = 3072, depth = 768
        let input: [UInt8], weights: [UInt8], scales: [UInt8], bias: [UInt8], residual: [UInt8]

        init(seed: UInt64) {
            var random = Generator(seed: seed)
            func floats(_ count: Int) -> [UInt8] { KernelTableTests().bytes((0..<count).map { _ in random.unit() }) }
            input = floats(rows * depth)
            weights = pack((0..<columns * depth).map { _ in Int8(random.next() % 3) - 1 }, rows: columns, columns: depth, .t5)
            scales = KernelTableTests().bytes((0..<columns).map { _ in abs(random.unit()) + 0.01 })
            bias = floats(columns)
            residual = floats(rows * columns)
        }

        func run(_ set: InstructionSet, threads: Int, levels: Int) throws -> [UInt32] {
            var capacity = KernelCapacity()
            try capacity.addLinear(rows: rows, columns: columns, depth: depth)
            let table = try KernelTable(set, threadCount: threads, capacity: capacity), arena = try Arena(byteCount: 4 * rows * (depth + columns))
            let from = ArenaMatrix(byteOffset: 0, stride: depth), to = ArenaMatrix(byteOffset: 4 * rows * depth, stride: columns)
            table.fill(rows: rows, columns: depth, output: from, tensor: input.raw, in: arena)
            try table.linear(
                LinearCall(
                    rows: rows, columns: columns, depth: depth, weightsKind: .t5, levels: levels, input: from, output: to, residual: .tensor,
                    appliesGELU: true),
                weights: weights.raw, scales: scales.raw, bias: bias.raw, residual: residual.raw, in: arena)
            let values = arena.values(at: to.byteOffset, count: rows * columns)
            return values.indices.map { values[$0].bitPattern }
        }
    }
    static let wide = WideLayer(seed: 511)

    @Test("several rounds of prepared panels give the bits of scalar", arguments: Table.native, [63, 42])
    func roundsOfPreparedPanelsAgree(table: Table, levels: Int) throws {
        if let bytesOf = unsafe table.functions.prepared_bytes {
            let panels = Self.wide.columns / Int(TERN_PANEL), byteCount = bytesOf(TERN_WEIGHTS_T5, Self.wide.depth, Int32(levels))
            #expect(byteCount > 0 && tern_prepared_panels(panels, byteCount) < panels, "one round would prove nothing")
        }
        let expected = try Self.wide.run(.scalar, threads: 1, levels: levels)
        #expect(Set(expected).count > expected.count / 2, "a constant output would hide a fault")
        for threads in 1...3 {
            #expect(try Self.wide.run(table.instructionSet, threads: threads, levels: levels) == expected, "\(threads) threads")
        }
    }

    @Test("a value that is not finite stops a layer and attention", arguments: [1, 2])
    func throwsNotFinite(threads: Int) throws {
        var capacity = KernelCapacity()
        try capacity.addLinear(rows: 300, columns: 64, depth: 40)
        try capacity.addAttention(tokens: 9, width: 4)
        let table = try KernelTable(.best, threadCount: threads, capacity: capacity)
        let arena = try Arena(byteCount: 300 * 41 * 4)
        let weights = [UInt8](repeating: 0, count: 2560), scale = bytes([1])
        let call = LinearCall(
            rows: 300, columns: 1, depth: 40, weightsKind: .s8, levels: 127, input: ArenaMatrix(byteOffset: 0, stride: 40),
            output: ArenaMatrix(byteOffset: 48000, stride: 1))
        try table.linear(call, weights: weights.raw, scales: scale.raw, bias: RawSpan(), residual: RawSpan(), in: arena)
        arena.copyIn([Float.nan].span, at: 47996)
        #expect(throws: KernelError.notFinite) {
            try table.linear(call, weights: weights.raw, scales: scale.raw, bias: RawSpan(), residual: RawSpan(), in: arena)
        }
        arena.copyIn([Float.infinity].span, at: 40)
        #expect(throws: KernelError.notFinite) {
            try table.attention(
                AttentionCall(
                    tokens: 9, queryCount: 9, heads: 1, keyValueHeads: 1, width: 4, factor: 1, queries: ArenaMatrix(byteOffset: 0, stride: 12),
                    keys: ArenaMatrix(byteOffset: 16, stride: 12), output: ArenaMatrix(byteOffset: 4000, stride: 4)), in: arena)
        }
    }

    /// 64 rows of 8 at the start of the arena, normalised to the second half, which is cleared first.
    func normalise(_ table: KernelTable, _ arena: Arena, _ tensors: (ones: [UInt8], cleared: [UInt8])) -> [UInt32] {
        let input = ArenaMatrix(byteOffset: 0, stride: 8), output = ArenaMatrix(byteOffset: 2048, stride: 8)
        arena.copyIn(tensors.cleared.raw, at: 2048)
        table.layerNorm(
            LayerNormCall(rows: 64, columns: 8, epsilon: 1e-6, input: input, output: output), gamma: tensors.ones.raw, beta: tensors.ones.raw, in: arena)
        let values = arena.values(at: 2048, count: 512)
        return values.indices.map { values[$0].bitPattern }
    }

    /// Runs that last about as long as handing them over does, and teams that end while their threads wait or sleep.
    @Test func manyShortRunsAndManyTeams() throws {
        let arena = try Arena(byteCount: 4096)
        arena.copyIn(bytes((0..<512).map { Float($0 * $0 % 37) }).raw, at: 0)
        let tensors = (ones: bytes([Float](repeating: 1, count: 8)), cleared: [UInt8](repeating: 0, count: 2048))
        let expected = normalise(try KernelTable(.scalar, threadCount: 1, capacity: KernelCapacity()), arena, tensors)
        for threads in [2, 3, 8] {
            let table = try KernelTable(.best, threadCount: threads, capacity: KernelCapacity())
            #expect((0..<300).allSatisfy { _ in normalise(table, arena, tensors) == expected }, "\(threads) threads")
        }
        for _ in 0..<50 {
            #expect(normalise(try KernelTable(.best, threadCount: 4, capacity: KernelCapacity()), arena, tensors) == expected)
            _ = try KernelTable(.best, threadCount: 5, capacity: KernelCapacity())
        }
    }

    @Test func refusesWhatItCannotPrepare() throws {
        var capacity = KernelCapacity()
        #expect(throws: KernelError.limit) { try capacity.addLinear(rows: 1, columns: 64, depth: 131_073) }
        #expect(throws: KernelError.limit) { try capacity.addLinear(rows: Int.max, columns: 64, depth: 64) }
        #expect(throws: KernelError.limit) { try capacity.addLinear(rows: 0, columns: 64, depth: 64) }
        #expect(throws: KernelError.limit) { try capacity.addAttention(tokens: 65_537, width: 64) }
        #expect(throws: KernelError.limit) { try capacity.addAttention(tokens: 64, width: 4_097) }
        #expect(capacity == KernelCapacity())
        #expect(throws: KernelError.noThreads(count: 0)) { try KernelTable(.scalar, threadCount: 0, capacity: capacity) }
        #expect(throws: KernelError.noThreads(count: 65)) { try KernelTable(.scalar, threadCount: 65, capacity: capacity) }
        #expect(throws: KernelError.limit) { try Arena(byteCount: 0) }
        #expect(throws: KernelError.outOfMemory(byteCount: Int.max)) { try Arena(byteCount: Int.max) }
    }

    @Test func arenaCopiesInAndOut() throws {
        let arena = try Arena(byteCount: 64)
        arena.copyIn([1, 2, 3].span, at: 8)
        arena.copyIn(bytes([4]).raw, at: 60)
        var out = [Float](repeating: 9, count: 16)
        var span = out.mutableSpan
        arena.copyOut(into: &span, at: 0)
        #expect(out == [0, 0, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4])
        #expect(arena.values(at: 12, count: 2)[1] == 3)
    }

    @Test("the peak counts multiply-adds", arguments: Table.native)
    func peakCounts(table: Table) throws {
        let kernels = try KernelTable(table.instructionSet, threadCount: 1, capacity: KernelCapacity())
        #expect(kernels.measurePeak(rounds: 1000) >= 8000)
        #expect(kernels.measurePeak(rounds: 2000) == 2 * kernels.measurePeak(rounds: 1000))
    }
}
