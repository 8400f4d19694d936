internal import CTernKernels

/// The resizing operations of one instruction set: N-15 of Models/NUMERICS.md. They need no arena and no threads.
///
/// Every set gives the same bits. Every bound is checked with `precondition`; an operation allocates nothing that lasts.
@safe public struct ResizeKernels {
    /// The set in use.
    public let instructionSet: InstructionSet
    let table: UnsafePointer<tern_kernels>

    /// The most rows of one call.
    public static let limitRowCount = Int(TERN_RESIZE_BAND)
    /// Taps of real values are summed in so many lanes.
    public static let laneCount = Int(TERN_RESIZE_LANES)
    /// Fractional bits of a weight for bytes: 8 bits of sample, these, and two for sign and overshoot fill 32 bits.
    public static let fractionBits = Int(TERN_RESIZE_FRACTION)

    /// - Throws: `KernelError.unavailable` when this CPU cannot run the set.
    public init(_ instructionSet: InstructionSet) throws(KernelError) {
        guard let table = unsafe tern_kernels_for(tern_isa(rawValue: UInt32(instructionSet.rawValue))) else {
            throw .unavailable(instructionSet)
        }
        self.instructionSet = instructionSet
        unsafe self.table = table
    }

    /// The kernels of the fastest set that can run here.
    public static var best: ResizeKernels {
        do throws(KernelError) {
            return try ResizeKernels(.best)
        } catch {
            preconditionFailure("the best set is one that can run")
        }
    }

    /// What the values of rows are.
    public enum Samples: Equatable, Sendable {
        /// Stored values, clipped to low ... high: whole multiples of 2^-12 within ±2^17.
        case uint16(low: Double, high: Double)
        /// The same of signed values.
        case int16(low: Double, high: Double)
        /// Finite binary32 values as they are.
        case real
    }

    /// Adds rows, times their weights, to the sums of the run's output rows, in binary64 and in the order of the rows.
    ///
    /// - Parameter weights: [run.rowCount][run.outputCount]; binary32, which makes the products exact.
    /// - Cost: rows * columns * outputs multiply-adds.
    public func addColumns(
        _ samples: RawSpan, _ rows: ResizeRows, as kind: Samples, weights: [Float], run: ResizeRun, to sums: inout ResizeSums<Double>
    ) {
        rows.check(rowCount: run.rowCount, valueByteCount: kind == .real ? 4 : 2, byteCount: samples.byteCount)
        Self.check(run, rows.columnCount, sums.columnCount, sums.slotCount, weightCount: weights.count)
        var op = unsafe tern_resize_columns()
        switch kind {
        case .uint16(let low, let high), .int16(let low, let high):
            precondition(low <= high && Self.isExact(low) && Self.isExact(high), "bounds with too many bits")
            unsafe op.low = low
            unsafe op.high = high
            if case .uint16 = kind { unsafe op.kind = TERN_SAMPLES_U16 } else { unsafe op.kind = TERN_SAMPLES_S16 }
        case .real: unsafe op.kind = TERN_SAMPLES_F32
        }
        unsafe op.row_bytes = rows.byteStride
        unsafe op.row_count = run.rowCount
        unsafe op.column_count = rows.columnCount
        unsafe op.output_count = run.outputCount
        unsafe op.continued = run.continuedCount
        unsafe op.sum_stride = sums.stride
        unsafe op.first_slot = run.firstOutput % sums.slotCount
        unsafe op.slot_count = sums.slotCount
        // SAFETY: the checks above keep every row inside `samples` and every output's slot inside `sums`; each pointer lives as long as its closure.
        unsafe samples.withUnsafeBytes { bytes in
            unsafe op.samples = bytes.baseAddress.map { unsafe $0 + rows.byteOffset }
            unsafe withUnsafeTemporaryAllocation(of: Double.self, capacity: weights.count) { wide in
                for index in weights.indices { unsafe wide.initializeElement(at: index, to: Double(weights[index])) }
                unsafe op.weights = UnsafePointer(wide.baseAddress)
                unsafe sums.values.withUnsafeMutableBufferPointer { store in
                    unsafe op.sums = store.baseAddress
                    unsafe table.pointee.resize_columns(&op)
                }
            }
        }
    }

    /// Resamples the finished sums of an output row along its length: sum of taps * factor + addend, clipped to 0 ... 255.
    ///
    /// Taps are summed in binary64 in eight lanes (tap j in lane j mod 8), the lanes in a tree of halves.
    ///
    /// - Parameter start: where in `result` the row's values go.
    public func resampleRow(
        _ output: Int, of sums: ResizeSums<Double>, taps: ResizeTaps<Double>, factor: Double, addend: Double, into result: inout [Float], at start: Int
    ) {
        precondition(output >= 0 && taps.inputCount == sums.columnCount, "taps of another width")
        precondition(start >= 0 && start + taps.outputCount <= result.count, "a row outside the result")
        let slot = output % sums.slotCount * sums.stride
        // SAFETY: taps lie inside the columns, whole groups of them inside the stride by `ResizeSums`; the result was checked above.
        unsafe sums.values.withUnsafeBufferPointer { line in
            unsafe taps.weights.withUnsafeBufferPointer { weights in
                unsafe taps.firsts.withUnsafeBufferPointer { firsts in
                    unsafe taps.counts.withUnsafeBufferPointer { counts in
                        unsafe result.withUnsafeMutableBufferPointer { target in
                            guard let line = line.baseAddress, let target = target.baseAddress else { return }
                            unsafe table.pointee.resize_row(
                                line + slot, weights.baseAddress, taps.stride, firsts.baseAddress, counts.baseAddress, taps.outputCount, factor,
                                addend, target + start)
                        }
                    }
                }
            }
        }
    }

    /// Writes the table's entry for each stored 16-bit value to `values`, row after row of the run without gaps.
    ///
    /// - Parameter table: as many entries as a power of two up to 2^16; the low bits of a value select one.
    public static func lookUp(_ samples: RawSpan, _ rows: ResizeRows, rowCount: Int, table: [Float], into values: inout [Float]) {
        rows.check(rowCount: rowCount, valueByteCount: 2, byteCount: samples.byteCount)
        precondition(table.count <= 1 << 16 && table.count & (table.count - 1) == 0 && !table.isEmpty, "a table for no number of bits")
        precondition(rowCount * rows.columnCount <= values.count, "rows outside the values")
        // SAFETY: the rows and values were checked; the mask keeps the index inside the table.
        unsafe samples.withUnsafeBytes { bytes in
            unsafe table.withUnsafeBufferPointer { entries in
                unsafe values.withUnsafeMutableBufferPointer { target in
                    guard let base = bytes.baseAddress, let to = target.baseAddress else { return }
                    for row in 0..<rowCount {
                        unsafe tern_resize_look_up(
                            base + rows.byteOffset + row * rows.byteStride, rows.columnCount, UInt16(table.count - 1), entries.baseAddress,
                            to + row * rows.columnCount)
                    }
                }
            }
        }
    }

    private static func isExact(_ bound: Double) -> Bool { abs(bound) <= 0x1p17 && (bound * 4096).rounded(.down) == bound * 4096 }

    static func check(_ run: ResizeRun, _ columnCount: Int, _ sumColumnCount: Int, _ slotCount: Int, weightCount: Int) {
        precondition(columnCount == sumColumnCount, "sums of another width")
        precondition(run.firstOutput >= 0 && run.outputCount >= 1 && run.outputCount <= slotCount, "more outputs than slots")
        precondition((0...run.outputCount).contains(run.continuedCount), "more outputs that go on than there are")
        precondition(weightCount >= run.rowCount * run.outputCount, "a row without weights")
    }
}
