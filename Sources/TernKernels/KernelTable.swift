internal import CTernKernels
internal import CTernPlatform

/// The operations of Models/NUMERICS.md on one instruction set with a team of threads. Every table and thread count gives the same bits.
///
/// Operations read and write an `Arena`, check every bound with `precondition` and allocate nothing. One thread uses a table at a time.
@safe public final class KernelTable {
    /// The set in use.
    public let instructionSet: InstructionSet
    /// Threads that work on one operation, the caller counted.
    public let threadCount: Int
    /// What the working memory can hold.
    public let capacity: KernelCapacity
    /// Bytes of working memory: activation codes, row scales and sums, scratch of every thread.
    public let workingByteCount: Int
    /// Nil measures nothing. Else what layers spend before their products is added, for profiles: quantising rows and preparing weights.
    public var readyNanoseconds: UInt64?
    private let table: UnsafePointer<tern_kernels>
    private let pool: OpaquePointer
    private let memory: UnsafeMutableRawPointer
    private let codes: UnsafeMutablePointer<Int8>
    private let scales: UnsafeMutablePointer<Float>
    private let sums: UnsafeMutablePointer<Int32>
    private let scratch: UnsafeMutableRawPointer
    private let scratchStride: Int
    /// Weights in the form that this table wants; nil when it runs straight from the file.
    private let prepared: UnsafeMutableRawPointer?
    /// From the prepared memory of one thread to that of the next.
    private let preparedStride: Int

    /// Prepares working memory and threads once.
    ///
    /// - Throws: `KernelError.unavailable`, `.noThreads`, `.outOfMemory`, or `.limit` when the memory does not fit in 63 bits.
    public init(_ instructionSet: InstructionSet, threadCount: Int, capacity: KernelCapacity) throws(KernelError) {
        guard let table = unsafe tern_kernels_for(tern_isa(rawValue: UInt32(instructionSet.rawValue))) else {
            throw .unavailable(instructionSet)
        }
        guard threadCount >= 1, threadCount <= 64 else { throw .noThreads(count: threadCount) }
        let alignment = Int(TERN_ALIGNMENT)
        func aligned(_ byteCount: Int) -> Int { (byteCount + alignment - 1) / alignment * alignment }
        let codesByteCount = aligned(capacity.codeByteCount)
        let columnByteCount = aligned(capacity.rowCount * 4)
        // A line more than needed: neighbours' lines stay apart for a prefetcher that takes pairs.
        let scratchStride = aligned(capacity.scratchByteCount) + alignment
        let (scratchByteCount, overflow) = scratchStride.multipliedReportingOverflow(by: threadCount)
        guard !overflow, scratchByteCount <= Int.max / 2 else { throw .limit }
        preparedStride = unsafe table.pointee.prepared_bytes == nil ? 0 : aligned(capacity.preparedByteCount)
        let (preparedByteCount, carry) = preparedStride.multipliedReportingOverflow(by: threadCount)
        guard !carry, preparedByteCount <= Int.max / 4 else { throw .limit }
        let byteCount = codesByteCount + 2 * columnByteCount + scratchByteCount + preparedByteCount
        guard let memory = unsafe tern_memory_allocate(byteCount) else { throw .outOfMemory(byteCount: byteCount) }
        guard let pool = unsafe tern_pool_create(UInt32(threadCount)) else {
            unsafe tern_memory_free(memory)
            throw .noThreads(count: threadCount)
        }
        // SAFETY: the regions follow each other inside `byteCount` and start at multiples of the alignment.
        unsafe self.table = table
        unsafe self.pool = pool
        unsafe self.memory = memory
        unsafe codes = memory.assumingMemoryBound(to: Int8.self)
        unsafe scales = (memory + codesByteCount).assumingMemoryBound(to: Float.self)
        unsafe sums = (memory + codesByteCount + columnByteCount).assumingMemoryBound(to: Int32.self)
        unsafe scratch = memory + codesByteCount + 2 * columnByteCount
        unsafe prepared = preparedByteCount == 0 ? nil : memory + codesByteCount + 2 * columnByteCount + scratchByteCount
        self.scratchStride = scratchStride
        workingByteCount = byteCount
        self.instructionSet = instructionSet
        self.threadCount = threadCount
        self.capacity = capacity
    }

    deinit {
        // SAFETY: made by init, used by no one else; the threads end before their memory goes.
        unsafe tern_pool_destroy(pool)
        unsafe tern_memory_free(memory)
    }

    /// Computes a linear layer.
    ///
    /// - Parameters:
    ///   - weights: [columns, depth] in the packing of `call.weightsKind`.
    ///   - scales: f32 [1] or [columns]; empty for f32 weights.
    ///   - bias: f32 [columns], or empty for none.
    ///   - residual: f32 [rows, columns] when the call's residual is `.tensor`, else empty.
    /// - Throws: `KernelError.notFinite` when an input value that is quantised is not; the output is then unspecified.
    /// - Cost: rows * columns * depth multiply-adds, no allocation.
    public func linear(
        _ call: LinearCall, weights: RawSpan, scales: RawSpan, bias: RawSpan, residual: RawSpan, in arena: Arena
    ) throws(KernelError) {
        var job = unsafe makeJob()
        unsafe fill(&job, call, weights: weights, scales: scales, bias: bias, residual: residual, in: arena)
        unsafe try runLinear(&job)
    }

    /// Computes a layer norm and the linear layer that reads its output, row by row without waiting for the other threads in between. The
    /// same values as one after the other.
    ///
    /// - Precondition: `call.input` is the norm's output, `call.rows` and `call.depth` its shape, and the weights are integers.
    /// - Throws: as `linear`.
    public func linear(
        _ call: LinearCall, weights: RawSpan, scales: RawSpan, bias: RawSpan, residual: RawSpan, after norm: LayerNormCall, gamma: RawSpan,
        beta: RawSpan, in arena: Arena
    ) throws(KernelError) {
        precondition(call.input == norm.output && call.rows == norm.rows && call.depth == norm.columns, "the layer does not read the norm's output")
        precondition(call.weightsKind != .f32, "a layer that is not quantised")
        var job = unsafe makeJob()
        unsafe fill(&job, norm, gamma: gamma, beta: beta, in: arena)
        unsafe fill(&job, call, weights: weights, scales: scales, bias: bias, residual: residual, in: arena)
        unsafe try runLinear(&job)
    }

    private func fill(
        _ job: inout tern_job, _ call: LinearCall, weights: RawSpan, scales: RawSpan, bias: RawSpan, residual: RawSpan, in arena: Arena
    ) {
        let rows = call.rows, columns = call.columns, depth = call.depth
        precondition(
            WeightScan.packedByteCount(call.weightsKind, rows: columns, columns: depth) == weights.byteCount, "weights do not have their packed size")
        unsafe job.linear.m = rows
        unsafe job.linear.n = columns
        unsafe job.linear.k = depth
        unsafe job.linear.kind = call.weightsKind.raw
        unsafe job.linear.input = UnsafePointer(arena.pointer(to: call.input, rows: rows, columns: depth))
        unsafe job.linear.input_stride = call.input.stride
        unsafe job.linear.output = arena.pointer(to: call.output, rows: rows, columns: columns)
        unsafe job.linear.output_stride = call.output.stride
        unsafe job.linear.weights = UnsafeRawPointer(Self.floats(weights, count: weights.byteCount / 4))
        unsafe job.linear.bias = bias.isEmpty ? nil : Self.floats(bias, count: columns)
        unsafe job.linear.gelu = call.appliesGELU ? 1 : 0
        switch call.residual {
        case .none: precondition(residual.isEmpty, "a residual tensor that is not used")
        case .arena(let matrix):
            precondition(residual.isEmpty, "a residual tensor that is not used")
            unsafe job.linear.residual = UnsafePointer(arena.pointer(to: matrix, rows: rows, columns: columns))
            unsafe job.linear.residual_stride = matrix.stride
        case .tensor:
            let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
            precondition(!overflow, "residual does not fit in 63 bits")
            unsafe job.linear.residual = Self.floats(residual, count: count)
            unsafe job.linear.residual_stride = columns
        }
        if call.weightsKind != .f32 { unsafe fillCodes(&job, call, scales: scales) }
    }

    /// Where the quantised input of an integer layer goes, in the working memory.
    private func fillCodes(_ job: inout tern_job, _ call: LinearCall, scales weightScales: RawSpan) {
        let stride = KernelCapacity.codesStride(depth: call.depth)
        precondition(call.levels == 127 || call.levels == 63 || call.levels == 42, "levels are 127, 63 or 42")
        precondition(
            call.depth <= Int(TERN_LIMIT_DEPTH) && call.rows <= capacity.rowCount && stride <= capacity.codeByteCount / call.rows
                && Int(tern_linear_scratch(call.rows, call.depth)) <= capacity.scratchByteCount, "layer exceeds the capacity")
        unsafe job.linear.codes = UnsafePointer(codes)
        unsafe job.linear.codes_stride = stride
        unsafe job.linear.row_scales = UnsafePointer(scales)
        unsafe job.linear.row_sums = UnsafePointer(sums)
        unsafe job.linear.levels = Int32(call.levels)
        unsafe job.quantise.codes = codes
        unsafe job.quantise.scales = scales
        unsafe job.quantise.sums = sums
        let count = weightScales.byteCount == 4 ? 1 : call.columns
        unsafe job.linear.scales = Self.floats(weightScales, count: count)
        unsafe job.linear.scale_count = count
    }

    /// Runs the layer of `job` and what it waits for; where the table wants its weights in another form, as many panels at a time as the
    /// prepared memory holds. Layers with rows for every thread are shared out by rows and have one meeting; few rows, and layers whose
    /// parts are timed, are shared out by rows and channels after all is ready.
    private func runLinear(_ job: inout tern_job) throws(KernelError) {
        let panels = unsafe (job.linear.n + Int(TERN_PANEL) - 1) / Int(TERN_PANEL)
        var atOnce = panels
        if let prepared = unsafe prepared, let bytesOf = unsafe table.pointee.prepared_bytes {
            let panelByteCount = unsafe bytesOf(job.linear.kind, job.linear.k, job.linear.levels)
            // Rows of less than a tile do not pay for preparing cold weights; the table has another way for them.
            if panelByteCount > 0, unsafe job.linear.m >= Int(TERN_ROWS) {
                atOnce = Int(tern_prepared_panels(panels, panelByteCount))
                precondition(atOnce * Int(panelByteCount) <= capacity.preparedByteCount, "layer exceeds the capacity")
                unsafe job.linear.panels = prepared
            }
        }
        if unsafe readyNanoseconds == nil && job.linear.m >= 2 * threadCount * Int(TERN_ROWS) && canShareRows(job) {
            unsafe job.prepared_stride = preparedStride
            unsafe job.panels_at_once = atOnce
            unsafe run(&job, tern_job_rows)
            guard unsafe job.not_finite == 0 else { throw .notFinite }
            return
        }
        for first in stride(from: 0, to: panels, by: atOnce) {
            unsafe job.linear.panel_begin = first
            unsafe job.linear.panel_end = min(first + atOnce, panels)
            let start = readyNanoseconds == nil ? 0 : tern_monotonic_nanoseconds()
            if first > 0 {
                unsafe run(&job, tern_job_prepare)
            } else if unsafe job.quantise.codes != nil {
                unsafe run(&job, tern_job_ready)
                guard unsafe job.not_finite == 0 else { throw .notFinite }
            }
            if let before = readyNanoseconds { readyNanoseconds = before + tern_monotonic_nanoseconds() - start }
            unsafe run(&job, tern_job_linear)
        }
    }

    /// False when one thread's output might fall on rows that another has yet to normalise.
    private func canShareRows(_ job: tern_job) -> Bool {
        guard unsafe job.layer_norm.rows > 0, let read = unsafe job.layer_norm.x, let written = unsafe job.linear.output else { return true }
        let readCount = unsafe (job.layer_norm.rows - 1) * job.layer_norm.stride + job.layer_norm.columns
        let writtenCount = unsafe (job.linear.m - 1) * job.linear.output_stride + job.linear.n
        let (readStart, writtenStart) = (UInt(bitPattern: read), UInt(bitPattern: written))
        return readStart + UInt(4 * readCount) <= writtenStart || writtenStart + UInt(4 * writtenCount) <= readStart
    }

    /// Computes attention, N-06.
    ///
    /// - Parameter kept: where weights and norms go for `relevance`; nil keeps nothing and costs nothing.
    /// - Throws: `KernelError.notFinite` when a query, key or value is not; the output is then unspecified.
    /// - Cost: 2 * queryCount * tokens * heads * width multiply-adds, no allocation.
    public func attention(_ call: AttentionCall, in arena: Arena, keeping kept: KeptAttention? = nil) throws(KernelError) {
        precondition(call.queryCount >= 1 && call.queryCount <= call.tokens && call.tokens <= Int(TERN_LIMIT_TOKENS), "queries out of range")
        precondition(call.keyValueHeads >= 1 && call.heads >= 1 && call.heads % call.keyValueHeads == 0, "heads are no multiple of key/value heads")
        precondition(call.width >= 1 && call.width <= Int(TERN_LIMIT_WIDTH) && call.heads <= 1 << 20, "heads out of range")
        precondition(Int(tern_attention_scratch(call.tokens, call.width)) <= capacity.scratchByteCount, "attention exceeds the capacity")
        let columns = call.heads * call.width, keyColumns = call.keyValueHeads * call.width
        var job = unsafe makeJob()
        unsafe job.attention.tokens = call.tokens
        unsafe job.attention.queries = call.queryCount
        unsafe job.attention.heads = call.heads
        unsafe job.attention.kv_heads = call.keyValueHeads
        unsafe job.attention.width = call.width
        unsafe job.attention.factor = call.factor
        unsafe job.attention.q = UnsafePointer(arena.pointer(to: call.queries, rows: call.queryCount, columns: columns))
        unsafe job.attention.q_stride = call.queries.stride
        unsafe job.attention.k = UnsafePointer(arena.pointer(to: call.keys, rows: call.tokens, columns: 2 * keyColumns))
        // SAFETY: the bounds above cover the values that follow the keys of each row.
        unsafe job.attention.v = job.attention.k + keyColumns
        unsafe job.attention.kv_stride = call.keys.stride
        unsafe job.attention.output = arena.pointer(to: call.output, rows: call.queryCount, columns: columns)
        unsafe job.attention.output_stride = call.output.stride
        if let kept { unsafe kept.fill(&job.attention, call) }
        unsafe run(&job, tern_job_attention)
        guard unsafe job.not_finite == 0 else { throw .notFinite }
    }

    /// Normalises rows, N-05.
    ///
    /// - Parameters:
    ///   - gamma: f32 [columns].
    ///   - beta: f32 [columns].
    public func layerNorm(_ call: LayerNormCall, gamma: RawSpan, beta: RawSpan, in arena: Arena) {
        var job = unsafe makeJob()
        unsafe fill(&job, call, gamma: gamma, beta: beta, in: arena)
        unsafe run(&job, tern_job_layer_norm)
    }

    private func fill(_ job: inout tern_job, _ call: LayerNormCall, gamma: RawSpan, beta: RawSpan, in arena: Arena) {
        unsafe job.layer_norm.rows = call.rows
        unsafe job.layer_norm.columns = call.columns
        unsafe job.layer_norm.x = UnsafePointer(arena.pointer(to: call.input, rows: call.rows, columns: call.columns))
        unsafe job.layer_norm.stride = call.input.stride
        unsafe job.layer_norm.y = arena.pointer(to: call.output, rows: call.rows, columns: call.columns)
        unsafe job.layer_norm.output_stride = call.output.stride
        unsafe job.layer_norm.gamma = Self.floats(gamma, count: call.columns)
        unsafe job.layer_norm.beta = Self.floats(beta, count: call.columns)
        unsafe job.layer_norm.epsilon = call.epsilon
    }

    /// Averages `rows` rows of `columns` values into one row at `output`, N-09; must not overlap the input.
    public func meanPool(rows: Int, columns: Int, input: ArenaMatrix, output: ArenaMatrix, in arena: Arena) {
        let source = unsafe arena.pointer(to: input, rows: rows, columns: columns)
        let target = unsafe arena.pointer(to: output, rows: 1, columns: columns)
        // SAFETY: both ranges were checked against the arena.
        unsafe tern_mean_pool(source, input.stride, rows, columns, target)
    }

    /// Cuts the planar image [channels, height, width] at `imageByteOffset` into rows of channels * patch * patch values, N-10; the output
    /// must not overlap the image.
    ///
    /// - Precondition: `patch` divides height and width.
    public func patches(
        channels: Int, height: Int, width: Int, patch: Int, imageByteOffset: Int, output: ArenaMatrix, in arena: Arena
    ) {
        precondition(channels > 0 && height > 0 && width > 0 && patch > 0, "an empty image")
        precondition(height % patch == 0 && width % patch == 0, "patches do not cover the image")
        let (area, overflow) = (height / patch).multipliedReportingOverflow(by: width / patch)
        let (values, carry) = channels.multipliedReportingOverflow(by: height)
        precondition(!overflow && !carry, "image does not fit in 63 bits")
        let image = unsafe arena.pointer(to: ArenaMatrix(byteOffset: imageByteOffset, stride: width), rows: values, columns: width)
        // The image lies in the arena, so a patch, which is part of it, fits in 63 bits.
        let target = unsafe arena.pointer(to: output, rows: area, columns: channels * patch * patch)
        var job = unsafe makeJob()
        unsafe job.patches.image = UnsafePointer(image)
        unsafe job.patches.channels = channels
        unsafe job.patches.height = height
        unsafe job.patches.width = width
        unsafe job.patches.patch = patch
        unsafe job.patches.rows = target
        unsafe job.patches.stride = output.stride
        unsafe run(&job, tern_job_patches)
    }

    /// Copies the row-major f32 tensor [rows, columns] to `output`.
    public func fill(rows: Int, columns: Int, output: ArenaMatrix, tensor: RawSpan, in arena: Arena) {
        _ = unsafe arena.pointer(to: output, rows: rows, columns: columns)
        let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
        precondition(!overflow && count <= Int.max / 4 && tensor.byteCount == count * 4, "tensor does not have its size")
        for row in 0..<rows {
            let start = row * columns * 4
            arena.copyIn(tensor.extracting(start..<start + columns * 4), at: output.byteOffset + row * output.stride * 4)
        }
    }

    /// Writes the row-major tensor [rows, columns] of finite binary16 values to `output` as the same values in binary32.
    public func fill(rows: Int, columns: Int, output: ArenaMatrix, halves: RawSpan, in arena: Arena) {
        let target = unsafe arena.pointer(to: output, rows: rows, columns: columns)
        let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
        precondition(!overflow && count <= Int.max / 2 && halves.byteCount == count * 2, "tensor does not have its size")
        unsafe halves.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            precondition(UInt(bitPattern: base) % 2 == 0, "values are not aligned")
            // SAFETY: aligned, and `count` values long by the checks above; every bit pattern is a UInt16. The rows were checked against the arena,
            // which a span never overlaps.
            let source = unsafe base.assumingMemoryBound(to: UInt16.self)
            for row in 0..<rows { unsafe tern_widen_f16(source + row * columns, columns, target + row * output.stride) }
        }
    }

    /// Runs the set's dot-product instruction alone on registers of one thread for `rounds` rounds.
    ///
    /// - Returns: multiply-adds done; divided by the time the caller takes it is the most a kernel can reach.
    public func measurePeak(rounds: Int) -> UInt64 {
        // SAFETY: the function reads nothing but its argument.
        unsafe table.pointee.peak(UInt64(rounds))
    }

    func makeJob() -> tern_job {
        // SAFETY: zero is a value of every field; the operations read only the fields their caller sets.
        var job = unsafe tern_job()
        unsafe job.table = table
        unsafe job.scratch = scratch
        unsafe job.scratch_stride = scratchStride
        return unsafe job
    }

    func run(_ job: inout tern_job, _ body: @convention(c) (UnsafeMutableRawPointer?, UInt32, UInt32) -> Void) {
        // SAFETY: the run ends before the job does; each part writes its own rows and scratch.
        unsafe withUnsafeMutablePointer(to: &job) { pointer in
            unsafe tern_pool_run(pool, body, pointer)
        }
    }

    /// The address of exactly `count` values. The memory a span views stays where it is as long as the span lives, which is longer than
    /// the call that uses the address.
    static func floats(_ span: RawSpan, count: Int) -> UnsafePointer<Float>? {
        precondition(span.byteCount % 4 == 0 && span.byteCount / 4 == count, "a tensor does not have its size")
        let base = unsafe span.withUnsafeBytes { $0.baseAddress }
        precondition(UInt(bitPattern: base) % 4 == 0, "values are not aligned")
        return unsafe base?.assumingMemoryBound(to: Float.self)
    }
}
